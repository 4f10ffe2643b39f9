"""Removing for good: hidden at once, removed by the house's job, resumed after any crash, then empty."""

import os
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from functions import ids, table
from functions.access.policy import Role
from functions.artifacts import items, purge, reactions, service
from functions.errors import Aborted, NotAllowed, NotFound, Unacceptable
from functions.experiments import service as experiments
from functions.experiments.service import Dataset
from functions.handlers import stream
from functions.logged_models import service as logged_models
from functions.metrics import service as metrics
from functions.metrics import upkeep
from functions.runs import service as runs
from functions.search import service as search
from tests.functions.artifacts.scene import (
    GONE,
    HELD,
    Crash,
    Scene,
    at_call,
    begun,
    described,
    digest,
    keeper,
    purged,
    send,
)
from tests.functions.metrics.interruptions import refused


def furnish(scene):
    """A run that has something of everything."""
    scene.log({"a": b"shared", "dir/b": os.urandom(50)})
    scene.log({"a": b"again"})
    scene.put("m/c", b"1")
    scene.put("m/c", b"2")
    for step in range(3):
        points = [("loss", 1 / (step + 1), step, step)]
        metrics.log_batch(scene.who, scene.owner, points=points, params={"p": "1"}, tags={"t": "1"})
    run = ids.parse_run_id(scene.owner)
    upkeep.fold(
        scene.grant,
        run,
        runs.read(scene.grant, run),
        runs.goals_of(experiments.get(scene.who, scene.experiment_id)),
    )
    metrics.log_batch(scene.who, scene.owner, points=[("late", 1.0, 9, 9)])
    return scene


@pytest.fixture
def full(one):
    """A run that has something of everything, next to another that needs some of it."""
    furnish(one)
    one.other = one.a_run()
    one.other.log({"x": b"shared"})
    return one


def is_gone(scene):
    """Nothing is left of the run but what others need."""
    assert scene.remains() == ([], [])
    assert runs.is_condemned(scene.grant, ids.parse_run_id(scene.owner)) is None
    for body in set(scene.logged.values()) - {b"shared"}:
        assert scene.state(body) in {GONE, None}
    scene.other.is_whole()
    assert scene.objects("files/") == [f"files/{digest(b'shared')}"]


def test_a_purged_run_leaves_nothing(full):
    """A deleted run that is purged loses its head, tail, history, files and every version of every object."""
    names, objects = full.remains()
    assert len(names) >= 6
    assert len(objects) == 2
    full.condemn()
    assert purged(full) == 1
    is_gone(full)
    assert purge.work(full.who.team, "run", full.owner)


def test_a_condemned_run_exists_for_nobody(full):
    """From the request on the run is a 404 everywhere, cannot be restored, and is in no search."""
    full.condemn()
    verbs = [
        lambda: runs.get(full.who, full.owner),
        lambda: runs.restore(full.who, full.owner),
        lambda: runs.update(full.who, full.owner, status="FINISHED"),
        lambda: metrics.log_batch(full.who, full.owner, points=[("a", 1.0, 1, 1)]),
        lambda: service.page(full.who, full.owner),
        lambda: full.log({"z": b""}),
    ]
    for verb in verbs:
        with pytest.raises(NotFound):
            verb()
    found = search.runs(full.who, [full.experiment_id], view="ALL")
    assert [run.run_id for run in found.records] == [full.other.owner]
    assert runs.condemn(full.who, full.owner) < runs.condemn(full.who, full.owner)


def test_only_what_is_deleted_is_purged(one):
    """A run, logged model or experiment that is not deleted is a 400; one that is unknown a 404."""
    model = logged_models.create(one.who, experiment_id=one.experiment_id)
    for condemn, what in [
        (runs.condemn, one.owner),
        (logged_models.condemn, model.model_id),
        (experiments.condemn, one.experiment_id),
    ]:
        with pytest.raises(Unacceptable):
            condemn(one.who, what)
    for condemn, what in [
        (runs.condemn, ids.new_run_id(one.experiment_id, 1).text),
        (logged_models.condemn, ids.new_model_id(one.experiment_id, 1).text),
        (experiments.condemn, "4711"),
        (runs.condemn, "x"),
    ]:
        with pytest.raises(NotFound):
            condemn(one.who, what)
    with pytest.raises(Unacceptable, match="Default"):
        experiments.condemn(one.who, "0")


def test_purging_takes_a_maintainer(one):
    """A contributor may not purge, another team finds nothing, a maintainer may."""
    runs.delete(one.who, one.owner)
    with pytest.raises(NotAllowed):
        runs.condemn(one.member(), one.owner)
    with pytest.raises(NotFound):
        runs.condemn(begun("2" * 12).who, one.owner)
    assert runs.condemn(one.member(Role.MAINTAINER), one.owner) > 0


@pytest.mark.parametrize("house", ["moto"], indirect=True)
def test_a_purge_goes_on_after_any_crash(house):
    """Between whichever two calls to AWS a purge dies, the next one completes it; nothing else is lost."""
    for number in count():
        one = furnish(begun())
        one.other = one.a_run()
        one.other.log({"x": b"shared"})
        one.condemn()
        try:
            with at_call(one, number):
                done = purge.work(one.who.team, "run", one.owner)
        except Crash:
            one.other.is_whole()
            assert purged(one) == 1
            is_gone(one)
        else:
            assert done
            break
    assert number > 20


def test_thousands_of_objects_go(house):
    """A run with thousands of objects, some with versions or marked deleted, is emptied a thousand a call."""
    one = begun()
    number = 5000 if house == "moto" else 1200
    root = f"{one.vault.prefix}runs/{one.experiment_id}/{one.owner}/artifacts/"
    keys = [f"{root}d{each % 7}/{each}" for each in range(number)]
    _fill(house, one, keys)
    client = keeper(one.vault)
    for key in keys[:50]:
        client.put_object(Bucket=one.vault.bucket, Key=key, Body=b"y")
        client.delete_object(Bucket=one.vault.bucket, Key=key)
    assert len(one.objects("runs/")) == number + 100
    one.condemn()
    with at_call(one, None) as asked:
        purged(one)
    assert one.remains() == ([], [])
    assert asked.count("DeleteObjects") == -(-(number + 100) // 1000)


def _fill(house, one, keys):
    """Objects of one byte; moto is handed them without a request, which would take it half a minute."""
    from moto.s3.models import s3_backends

    if house == "moto":
        backend = s3_backends[one.vault.account]["aws"]
        for key in keys:
            backend.put_object(one.vault.bucket, key, b"x")
        return
    client = keeper(one.vault)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: client.put_object(Bucket=one.vault.bucket, Key=key, Body=b"x"), keys))


def test_a_purge_works_in_pieces(full, monkeypatch):
    """When its time is up the job renews its mark, which calls it again, until nothing is left."""
    monkeypatch.setattr(purge, "PIECE_SECONDS", -1.0)
    full.condemn()
    marks = []
    for _ in range(3):
        marks.append(int(_head(full)["purge"]["N"]))
        assert not purge.work(full.who.team, "run", full.owner)
    assert marks == sorted(set(marks))
    monkeypatch.undo()
    assert purged(full) == 1
    is_gone(full)


def _shard(scene):
    run = ids.parse_run_id(scene.owner)
    return list(table.query(f"T#{scene.who.team}#E#{run.experiment}#{run.shard}"))


def _head(scene):
    return next(raw for raw in _shard(scene) if raw["SK"]["S"] == f"R#{scene.owner}~")


def change(before, after):
    """A record of the table's stream, as Lambda has it."""
    images = {"SequenceNumber": "1", "Keys": {}}
    images |= {"OldImage": before} if before else {}
    images |= {"NewImage": after} if after else {}
    return {"eventID": "1", "eventName": "MODIFY", "eventSource": "aws:dynamodb", "dynamodb": images}


def plain(raw):
    """An item as it stands in Lambda's JSON."""
    return {
        name: {kind: b64encode(value).decode() if isinstance(value, bytes) else value}
        for name, pair in raw.items()
        for kind, value in pair.items()
    }


def told(*records):
    """What the stream's door answers to changes (before, after)."""
    return stream.handler({"Records": [change(*record) for record in records]}, None)


def test_the_stream_starts_the_job(full):
    """The change that condemns a run, as the table's stream tells it, removes it; no other change does."""
    before = plain(_head(full))
    full.condemn()
    after = plain(_head(full))
    assert told((after, after), (before, before), (None, before)) == {"batchItemFailures": []}
    assert full.remains()[1] != []
    assert told((before, after)) == {"batchItemFailures": []}
    is_gone(full)


def test_what_came_after_the_end_goes_too(full):
    """An hour after a purge its place is emptied of what a URL brought that was signed before it."""
    url = service.upload_url(full.who, full.owner, "late")
    full.condemn()
    purged(full)
    assert send("PUT", url.url, url.headers, b"late").status_code == 200
    assert len(full.remains()[1]) == 1
    notes = [raw for raw in table.query(items.later(full.grant, 0).pk) if "place" in raw]
    assert [int(note["ttl"]["N"]) > ids.now_ms() // 1000 + 3000 for note in notes] == [True]
    table.delete(table.Key(notes[0]["PK"]["S"], notes[0]["SK"]["S"]))
    assert told((plain(notes[0]), None)) == {"batchItemFailures": []}
    is_gone(full)
    assert [raw for raw in table.query(items.later(full.grant, 0).pk) if "place" in raw] == []


def test_what_was_created_anew_is_not_emptied(one):
    """A run that a client creates again under its key after the purge keeps what is logged to it then."""
    run = runs.create(one.who, experiment_id=one.experiment_id, start=5, key="k")
    mine = Scene(one.who, one.vault, run.run_id, one.experiment_id)
    mine.log({"a": b"1"})
    mine.condemn()
    with pytest.raises(Aborted):
        runs.create(one.who, experiment_id=one.experiment_id, start=5, key="k")
    purged(mine)
    assert runs.create(one.who, experiment_id=one.experiment_id, start=5, key="k").run_id == run.run_id
    mine.logged = {}
    mine.log({"b": b"2"})
    mine.put("c", b"3")
    purge.again(one.who.team, "run", run.run_id)
    mine.is_whole()


def test_uncommitted_content_goes_after_a_week(one):
    """What was sent but never completed goes when the note of its offer expires; the rest stays."""
    one.log({"a": b"committed"})
    wanted = [described("a", b"committed"), described("b", b"lost"), described("c", b"never sent")]
    one.transfer(one.offer(*wanted)[:2], b"committed", b"lost")
    notes = [raw for raw in table.query(items.later(one.grant, 0).pk) if "addresses" in raw]
    for note in notes:
        reactions.on_change(note, None)
    assert told(*((plain(note), None) for note in notes)) == {"batchItemFailures": []}
    assert one.objects("files/") == [f"files/{digest(b'committed')}"]
    one.is_whole()


def test_a_purged_experiment_takes_all_with_it(one):
    """Its runs, logged models, datasets, files and its name go; the other experiments stay."""
    furnish(one)
    second = furnish(one.a_run())
    model = logged_models.create(one.who, experiment_id=one.experiment_id, name="m")
    of = Scene(one.who, one.vault, model.model_id, one.experiment_id)
    of.log({"pkl": b"model"})
    of.put("MLmodel", b"flavors")
    runs.log_inputs(one.who, one.owner, datasets=[(Dataset("d", "1", "local", "{}"), {})])
    other = Scene(one.who, one.vault, "", experiments.create(one.who, "other").id).a_run()
    other.log({"x": b"shared"})
    name = experiments.get(one.who, one.experiment_id).name
    experiments.delete(one.who, one.experiment_id)
    experiments.condemn(one.who, one.experiment_id)
    for verb in (
        lambda: experiments.get(one.who, one.experiment_id),
        lambda: experiments.restore(one.who, one.experiment_id),
        lambda: experiments.by_name(one.who, name),
        lambda: runs.get(one.who, second.owner),
    ):
        with pytest.raises(NotFound):
            verb()
    assert one.experiment_id not in {each.id for each in experiments.listing(one.who)}
    assert one.experiment_id not in {each.id for each in experiments.page(one.who, None, 10)[0]}
    while not purge.work(one.who.team, "experiment", one.experiment_id):
        pass
    left = [f"T#{one.who.team}#E#{one.experiment_id}"]
    left += [f"{left[0]}#{shard}" for shard in range(ids.SHARDS)]
    left += [f"T#{one.who.team}#R#{each.owner}" for each in (one, second)] + [
        f"T#{one.who.team}#L#{of.owner}"
    ]
    assert [raw for place in left for raw in table.query(place)] == []
    assert one.objects(f"runs/{one.experiment_id}/") == one.objects(f"models/{one.experiment_id}/") == []
    assert one.objects("files/") == [f"files/{digest(b'shared')}"]
    other.is_whole()
    assert experiments.create(one.who, name).id != one.experiment_id


@pytest.mark.parametrize("house", ["moto"], indirect=True)
@pytest.mark.parametrize("first", [0, 1, 2])
def test_an_experiments_purge_goes_on_after_a_crash(house, first):
    """Between whichever two calls the removal of an experiment breaks off, the next one completes it."""
    for number in count(first, 3):
        one = begun()
        one.log({"a": b"1"})
        one.put("b", b"2")
        one.a_run().log({"c": b"1"})
        logged_models.create(one.who, experiment_id=one.experiment_id)
        experiments.delete(one.who, one.experiment_id)
        experiments.condemn(one.who, one.experiment_id)
        try:
            with at_call(one, number):
                done = purge.work(one.who.team, "experiment", one.experiment_id)
        except Crash:
            done = False
            while not purge.work(one.who.team, "experiment", one.experiment_id):
                pass
        raws = [
            *table.query(f"T#{one.who.team}"),
            *_shard(one),
            *table.query(f"T#{one.who.team}#R#{one.owner}"),
        ]
        assert [raw["SK"]["S"] for raw in raws] == ["VAULT"]
        assert one.objects() == []
        if done:
            break
    assert number > 20


def test_a_purged_logged_model_leaves_nothing(one):
    """A logged model that is purged loses its item and its files, and is no longer found as deleted."""
    model = logged_models.create(one.who, experiment_id=one.experiment_id)
    of = Scene(one.who, one.vault, model.model_id, one.experiment_id)
    of.log({"a": b"1"})
    of.put("b", b"2")
    one.log({"c": b"1"})
    logged_models.delete(one.who, model.model_id)
    assert logged_models.condemn(one.who, model.model_id) < logged_models.condemn(one.who, model.model_id)
    with pytest.raises(NotFound):
        logged_models.get(one.who, model.model_id, deleted=True)
    assert purge.work(one.who.team, "model", model.model_id)
    assert one.objects(f"models/{one.experiment_id}/") == []
    assert list(table.query(f"T#{one.who.team}#L#{model.model_id}")) == []
    assert logged_models.is_condemned(one.grant, ids.parse_model_id(model.model_id)) is None
    one.is_whole()


def test_a_closed_vault_waits_for_its_owner(one):
    """A purge that the vault refuses goes on when it is asked for again; a busy vault is tried again."""
    one.log({"a": b"1"})
    one.condemn()
    head = _head(one)
    with at_call(one, 0, refused("AccessDenied", 403), names={"ListObjectVersions"}):
        reactions.on_change(None, head)
    assert one.remains()[0] != []
    with at_call(one, 0, refused("SlowDown", 503), names={"ListObjectVersions"}):
        assert told((None, plain(head))) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    runs.condemn(one.who, one.owner)
    reactions.on_change(None, _head(one))
    assert one.remains() == ([], [])


def test_purging_lets_go_of_what_only_the_run_needed(full):
    """Content that another run needs is held, what nobody needs is gone."""
    full.condemn()
    purged(full)
    assert (full.state(b"shared"), full.state(b"again")) == (HELD, GONE)
