"""Files that go up natively: by manifest, straight into the vault, proved, and each content once."""

import os
from dataclasses import replace

import pytest

from functions import table
from functions.access.policy import Role, Scope
from functions.artifacts import content, files, items, paths, purge, service, vaults
from functions.errors import NotAllowed, NotFound, Unacceptable
from functions.experiments import service as experiments
from functions.ids import now_ms
from functions.logged_models import service as logged_models
from functions.runs import service as runs
from runhaven.wire.artifacts import FILE_BYTES, MOST_PARTS, PART_BYTES, SINGLE_BYTES, part_bytes
from tests.functions.artifacts.scene import Scene, at_call, begun, described, digest, keeper


def test_files_go_up_and_come_down(one):
    """Files of any size and name come back byte for byte, with their size, SHA-256, step and time."""
    logged = {"a.txt": b"", "dir/b c+ü%.bin": b"x", "dir/sub/c": os.urandom(100_000)}
    done = one.log(logged, step=7)
    assert done.missing == []
    assert [(each.path, each.size, each.sha256, each.step) for each in done.stored] == [
        (path, len(body), digest(body), 7) for path, body in logged.items()
    ]
    one.is_whole()


def test_content_is_sent_once(one):
    """What the team holds under another name, or of another run, is not sent again, and costs S3 no call."""
    body = os.urandom(1000)
    one.log({"a": body})
    other = one.a_run()
    wanted = [described("b", body), described("c/d", body)]
    with at_call(one, None, names={"PutObject", "HeadObject", "CreateMultipartUpload"}) as asked:
        offers = other.offer(*wanted)
        done = other.complete(wanted, offers)
    assert ([each.state for each in offers], asked, done.missing) == (["have", "have"], [], [])
    other.logged = {"b": body, "c/d": body}
    other.is_whole()
    assert one.objects("files/") == [f"files/{digest(body)}"]


def test_content_is_known_in_its_team_only(one):
    """Another team is asked to send what this one holds: nobody learns that it is there."""
    body = os.urandom(1000)
    one.log({"a": body})
    blue = begun("2" * 12)
    assert [each.state for each in blue.offer(described("a", body))] == ["put"]
    assert blue.complete([described("a", body)], blue.offer(described("a", body))).missing == ["a"]


def test_a_path_keeps_its_versions(one):
    """What is logged again to a path is a further version; all are listed, newest first, and can be had."""
    bodies = [b"first", b"second", b"third"]
    for step, body in enumerate(bodies):
        one.log({"ckpt/model.bin": body}, step=step)
    seen = service.versions(one.who, one.owner, "ckpt/model.bin").versions
    assert [(each.step, each.size, each.sha256) for each in seen] == [
        (step, len(bodies[step]), digest(bodies[step])) for step in (2, 1, 0)
    ]
    assert [one.fetch("ckpt/model.bin", each.version) for each in seen] == bodies[::-1]
    assert sorted(each.time for each in seen) == [each.time for each in seen[::-1]]
    one.is_whole()
    assert service.versions(one.who, one.owner, "ckpt").versions == []


def test_a_version_has_the_time_that_it_was_given(one):
    """The greatest time is the newest version, whichever arrives last; one from the future is now."""
    one.log({"a": b"later"}, time=2000)
    one.log({"a": b"earlier"}, time=1000)
    one.logged["a"] = b"later"
    one.is_whole()
    offer = one.offer(described("a", b"x", time=2**44 - 1))[0]
    assert offer.time <= now_ms()
    ahead = described("a", b"x")
    offers = one.offer(ahead)
    one.transfer(offers, b"x")
    with pytest.raises(Unacceptable, match="offer"):
        one.complete([ahead], [type(offers[0])("a", ahead.sha256, now_ms() + 10**7, "put")])


def test_a_completion_can_be_repeated(one):
    """The same completion any number of times, also days later, stores one version."""
    wanted = [described("a", b"body"), described("b", b"other")]
    offers = one.offer(*wanted)
    one.transfer(offers, b"body", b"other")
    first = one.complete(wanted, offers)
    assert one.complete(wanted, offers) == one.complete([*wanted, *wanted], [*offers, *offers]) == first
    assert len(service.versions(one.who, one.owner, "a").versions) == 1
    one.logged = {"a": b"body", "b": b"other"}
    one.is_whole()


def test_what_was_not_sent_is_named(one):
    """A completion stores what has arrived, names what has not, and nobody sees that."""
    wanted = [described("here", b"1"), described("not/here", b"2"), described("not/here", b"3")]
    offers = one.offer(*wanted)
    one.transfer(offers[:1], b"1")
    done = one.complete(wanted, offers)
    assert ([each.path for each in done.stored], done.missing) == (["here"], ["not/here"])
    one.logged = {"here": b"1"}
    one.is_whole()
    with pytest.raises(NotFound):
        one.fetch("not/here")


def test_an_upload_that_was_not_completed_is_invisible(one):
    """An object whose completion never came is in no list, may be sent again, and goes in the end."""
    wanted, body = [described("a", b"lost")], b"lost"
    one.transfer(one.offer(*wanted), body)
    one.is_whole()
    again = one.offer(*wanted)
    assert (again[0].state, one.transfer(again, body)) == ("put", [412])
    address = content.packed([digest(body)])
    purge.unclaimed(one.who.team, address)
    assert one.objects("files/") == []
    assert one.log({"a": body}).missing == []
    purge.unclaimed(one.who.team, address)
    one.is_whole()


def test_offers_are_looked_at_later(one):
    """Each offer leaves a note of what was offered, for a week; nothing to send leaves none."""
    wanted = [described("a", b"1"), described("b", b"2")]
    one.transfer(one.offer(*wanted), b"1", b"2")
    one.complete(wanted, one.offer(*wanted))
    one.offer(*wanted)
    notes = [items.Later.from_raw_data(raw) for raw in table.query(items.later(one.grant, 0).pk)]
    assert [sorted(content.unpacked(note.addresses)) for note in notes] == [
        sorted([digest(b"1"), digest(b"2")])
    ] * 2
    assert all(now_ms() // 1000 + 6 * 86_400 < note.ttl for note in notes)


def test_something_else_at_the_address_is_removed(one):
    """An object that is not what its address says is never stored, and does not stand in the way."""
    wanted, place = described("a", b"right"), one.vault.prefix + paths.of_content(digest(b"right"))
    keeper(one.vault).put_object(
        Bucket=one.vault.bucket, Key=place, Body=b"wrong!", ChecksumAlgorithm="SHA256"
    )
    offers = one.offer(wanted)
    assert one.complete([wanted], offers).missing == ["a"]
    assert one.objects("files/") == []
    assert one.log({"a": b"right"}).missing == []
    one.is_whole()


def test_one_content_under_many_paths(one):
    """A hundred empty files are one object, each path its own."""
    one.log({f"pkg/{number:03}/__init__.py": b"" for number in range(100)})
    assert len(one.objects("files/")) == 1
    one.is_whole()


@pytest.mark.parametrize("house", ["moto"], indirect=True)
def test_a_full_manifest_takes_few_calls(house):
    """A thousand new files are stored with one HEAD each and a transaction for every thirty-three."""
    one = begun()
    bodies = {f"d{number % 10}/{number}": b"%d" % number for number in range(1000)}
    wanted = [described(path, body) for path, body in bodies.items()]
    with at_call(one, None) as offering:
        offers = one.offer(*wanted)
    one.transfer(offers, *bodies.values())
    with at_call(one, None) as completing:
        assert one.complete(wanted, offers).missing == []
    assert set(offering) == {"Query", "GetItem", "BatchGetItem", "PutItem"}
    assert len(offering) <= 3 + -(-len(bodies) // 100)
    assert completing.count("HeadObject") == len(bodies)
    assert completing.count("TransactWriteItems") == -(-len(bodies) // 33)
    assert len(completing) <= 2 + len(bodies) + -(-len(bodies) // 33) + -(-len(bodies) // 100)
    with at_call(one, None) as again:
        assert {each.state for each in one.offer(*wanted)} == {"have"}
    assert len(again) <= 2 + -(-len(bodies) // 100)
    one.logged = dict(list(bodies.items())[:5])
    found = service.page(one.who, one.owner, recursive=True).artifacts
    assert len(found) == len(bodies)


def test_a_small_upload_takes_few_round_trips(one):
    """One new file: three calls for its offer, four for its completion; S3 is asked once, for the proof."""
    one.log({"warm": b"up"})
    wanted = described("a", b"body")
    with at_call(one, None) as asked:
        offers = one.offer(wanted)
    assert sorted(asked) == ["BatchGetItem", "PutItem", "Query"]
    one.transfer(offers, b"body")
    with at_call(one, None) as asked:
        one.complete([wanted], offers)
    assert sorted(asked) == ["BatchGetItem", "HeadObject", "Query", "TransactWriteItems"]
    with at_call(one, None) as asked:
        one.fetch("a")
    assert sorted(asked) == ["ListObjectVersions", "Query", "Query"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"sha256": "0" * 63 + "g"}, "sha256"),
        ({"sha256": "0" * 63}, "sha256"),
        ({"sha256": "A" * 64}, "sha256"),
        ({"size": -1}, "size"),
        ({"size": FILE_BYTES + 1}, "size"),
        ({"size": SINGLE_BYTES + 1}, "parts"),
        ({"size": SINGLE_BYTES + 1, "parts": ["0" * 64] * 2}, "parts"),
        ({"size": SINGLE_BYTES + 1, "parts": ["0" * 64] * 2 + ["x"]}, "parts"),
        ({"path": "../a"}, "path"),
        ({"path": "x" * 1000}, "path"),
    ],
)
def test_what_cannot_be_is_refused(one, wrong, field):
    """A digest, size, part or path that cannot be is a 400 that names the field, and nothing is written."""
    good = {"path": "a", "size": 1, "sha256": "0" * 64, "parts": []} | wrong
    wanted = type(described("a", b""))(**good)
    with pytest.raises(Unacceptable) as refused:
        one.offer(described("b", b""), wanted)
    assert refused.value.field == field
    with pytest.raises(Unacceptable) as refused:
        one.complete([wanted], one.offer(described("b", b"")))
    assert refused.value.field == field


def test_parts_are_few_and_long_enough():
    """Every size up to five terabytes takes 2,000 parts of 16 MiB to 5 GiB at most; up to 32 MiB none."""
    assert part_bytes(SINGLE_BYTES) == 0
    for size in (SINGLE_BYTES + 1, 2**30, PART_BYTES * MOST_PARTS, PART_BYTES * MOST_PARTS + 1, FILE_BYTES):
        assert PART_BYTES <= part_bytes(size) <= 5 * 2**30
        assert -(-size // part_bytes(size)) <= MOST_PARTS


def test_who_may_upload(one):
    """A contributor uploads, a viewer does not, nor a token for reading; another team finds no such run."""
    one.log({"a": b"1"}, who=one.member())
    for who in (one.member(Role.VIEWER), one.member(scope=Scope.READ)):
        with pytest.raises(NotAllowed):
            one.offer(described("b", b"2"), who=who)
        assert [each.path for each in service.page(who, one.owner).artifacts] == ["a"]
    blue = begun("2" * 12)
    wanted = described("b", b"2")
    for verb in (
        lambda: one.offer(wanted, who=blue.who),
        lambda: one.complete([wanted], blue.offer(wanted), blue.who),
    ):
        with pytest.raises(NotFound):
            verb()
    with pytest.raises(NotFound):
        service.page(blue.who, one.owner)


def test_a_logging_token_uploads_to_its_own_runs(one):
    """A token of scope `log` uploads to runs that it created, and reads them; not to other runs."""
    token = one.member(scope=Scope.LOG, token="t1")
    mine = runs.create(token, experiment_id=one.experiment_id)
    own = Scene(token, one.vault, mine.run_id, one.experiment_id)
    own.log({"a": b"1"})
    own.is_whole()
    with pytest.raises(NotAllowed):
        one.offer(described("b", b"2"), who=token)
    with pytest.raises(NotAllowed):
        service.delete(token, mine.run_id, "a")


def test_a_deleted_run_hides_its_artifacts(one):
    """The artifacts of a deleted run, or of a deleted experiment's, are a 404 until it is restored."""
    one.log({"a": b"1"})
    one.put("b", b"2")
    verbs = [
        lambda: service.page(one.who, one.owner),
        lambda: service.versions(one.who, one.owner, "a"),
        lambda: one.fetch("a"),
        lambda: one.newest("b"),
        lambda: service.listing(one.who, one.owner),
        lambda: service.delete(one.who, one.owner, "a"),
        lambda: one.offer(described("c", b"3")),
        lambda: one.put("c", b"3"),
    ]
    for delete, restore, what in [
        (runs.delete, runs.restore, one.owner),
        (experiments.delete, experiments.restore, one.experiment_id),
    ]:
        delete(one.who, what)
        for verb in verbs:
            with pytest.raises(NotFound):
                verb()
        restore(one.who, what)
        one.is_whole()


def test_logged_models_have_artifacts_too(one):
    """A logged model's files are found by its id until it is deleted, and share content with runs' files."""
    one.log({"model/MLmodel": b"flavors"})
    model = logged_models.create(one.who, experiment_id=one.experiment_id, name="m")
    of = Scene(one.who, one.vault, model.model_id, one.experiment_id)
    wanted = described("MLmodel", b"flavors")
    assert of.offer(wanted)[0].state == "have"
    of.log({"MLmodel": b"flavors", "data/model.pkl": b"pickle"})
    of.put("conda.yaml", b"deps")
    of.is_whole()
    logged_models.delete(one.who, model.model_id)
    for verb in (of.is_whole, lambda: of.offer(wanted), lambda: of.put("x", b"")):
        with pytest.raises(NotFound):
            verb()


def test_without_a_vault_there_is_a_way_on(one):
    """A team without a vault is told how to get one, and its runs go on."""
    who = type(one.who)("zoe", "zoe", "team-without", Role.OWNER)
    experiment = experiments.create(who, "trials")
    run = runs.create(who, experiment_id=experiment.id)
    with pytest.raises(Unacceptable, match="/v1/vault/new"):
        service.page(who, run.run_id)
    runs.delete(who, run.run_id)
    runs.condemn(who, run.run_id)
    assert purge.work(who.team, "run", run.run_id)


def test_held_content_names_its_version(one):
    """Content knows the very version of its object, so that nothing else is ever deleted in its stead."""
    one.log({"a": b"1"})
    item = table.get(items.FileItem, items.content(one.grant, digest(b"1")))
    stat = vaults.head(one.vault, paths.of_content(digest(b"1")))
    assert (item.state, item.version, item.size) == (files.HELD, stat.version, 1)


def test_a_wrong_size_harms_nobody(one):
    """Who says another size of content than it has is refused, before it is held or after; it stays."""
    right = described("a", b"body")
    wrong = replace(right, size=5)
    offers = one.offer(right)
    one.transfer(offers, b"body")
    with pytest.raises(Unacceptable) as before:
        one.complete([wrong], offers)
    assert one.complete([right], offers).missing == []
    one.logged = {"a": b"body"}
    with pytest.raises(Unacceptable) as after:
        one.complete([wrong], offers)
    with pytest.raises(Unacceptable) as offered:
        one.offer(wrong)
    with pytest.raises(Unacceptable) as both:
        one.offer(described("x", b"new"), replace(described("y", b"new"), size=9))
    assert {each.value.field for each in (before, after, offered, both)} == {"size"}
    one.is_whole()
