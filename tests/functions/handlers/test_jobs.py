"""The doors of the stream's and the jobs' functions: changes become messages, messages become work."""

import json
import os
from dataclasses import replace

import pytest

from functions import jobs as queue
from functions import settings
from functions.access.grants import for_job
from functions.artifacts import items, purge
from functions.handlers import jobs, stream
from functions.ids import now_ms, parse_run_id
from functions.metrics import service as metrics
from functions.runs import service as runs
from tests.functions import deployment
from tests.functions.artifacts import scene
from tests.functions.deployment import CONTEXT, message

NOBODYS = "a" * 32


@pytest.fixture(scope="module")
def house():
    """A deployment whose jobs need not wait for their next piece."""
    with pytest.MonkeyPatch.context() as patched, deployment.opened() as house:
        patched.setattr(queue, "PAUSE_SECONDS", 0)
        yield house


@pytest.fixture
def one(house):
    """A run in a new team, and nothing that waits."""
    made = scene.begun()
    house.settle()
    house.messages.clear()
    return made


def job(what, team, *words, piece=1):
    """A message's body."""
    said = {"job": what, "team": team, "words": words, "piece": piece}
    return json.dumps(said, separators=(",", ":"))


def waiting(house):
    """The jobs that wait."""
    return [queue.read(each["body"]) for each in house.waiting()]


def failed(*bodies):
    """Which of some messages fail, by their places."""
    records = [message(body, str(place)) for place, body in enumerate(bodies)]
    answer = jobs.handler({"Records": records}, CONTEXT)
    return [int(each["itemIdentifier"]) for each in answer["batchItemFailures"]]


def test_a_run_that_ends_is_settled_by_the_queue(house, one):
    """The stream's function only hands it over; the jobs' function settles it."""
    metrics.log_batch(one.who, one.owner, points=[("loss", 0.5, 1, 1)])
    runs.update(one.who, one.owner, status="FINISHED")
    grant, run = for_job(one.who.team), parse_run_id(one.owner)
    assert house.follow() == []
    assert runs.read(grant, run).head.due is not None
    assert [each["body"] for each in house.waiting()] == [job("settle", one.who.team, one.owner)]
    house.settle()
    assert runs.read(grant, run).head.due is None


def test_a_purge_goes_on_from_piece_to_piece(house, one, monkeypatch):
    """A purge that is not done sends itself again and leaves its mark as it is; at the end all is gone."""
    for name in "abc":
        one.put(name, os.urandom(9))
        one.log({name: os.urandom(9)})
    one.condemn()
    house.follow()
    monkeypatch.setattr(purge, "PIECE_SECONDS", -1.0)
    for piece in (1, 2, 3):
        assert waiting(house) == [queue.Job("purge", one.who.team, ("run", one.owner), piece)]
        assert house.work() == set()
        assert [each for each in house.changes() if "purge" in each["dynamodb"].get("NewImage", {})] == []
    assert one.remains()[0] != []
    monkeypatch.setattr(purge, "PIECE_SECONDS", 10.0)
    house.settle()
    assert [json.loads(body)["piece"] for body in house.messages] == [1, 2, 3, 4]
    assert one.remains() == ([], [])


def test_a_job_may_come_twice(house, one):
    """SQS brings a message at least once: the second time there is nothing to do."""
    one.log({"a": b"1"})
    one.condemn()
    runs.create(one.who, experiment_id=one.experiment_id)
    house.follow()
    bodies = [each["body"] for each in house.waiting()]
    house.settle()
    assert failed(*bodies, *bodies, job("settle", one.who.team, one.owner)) == []
    assert waiting(house) == []


def test_a_job_is_not_endless(house, one, monkeypatch):
    """One that is not done after very many pieces fails, so that somebody sees it among the dead letters."""
    one.put("a", b"1")
    one.condemn()
    monkeypatch.setattr(purge, "PIECE_SECONDS", -1.0)
    last = job("purge", one.who.team, "run", one.owner, piece=queue.MOST_PIECES)
    assert failed(last) == [0]
    monkeypatch.undo()
    house.settle()


def test_one_bad_message_keeps_no_other(house, one):
    """What is no job, or an unknown one, fails alone and comes again; the others are done."""
    one.condemn()
    bad = [
        "",
        "[]",
        "{}",
        "null",
        job("dance", one.who.team),
        job("purge", one.who.team),
        job("settle", "x", "y"),
    ]
    assert failed(*bad[:3], job("purge", one.who.team, "run", one.owner), *bad[3:]) == [0, 1, 2, 4, 5, 6, 7]
    assert one.remains() == ([], [])
    house.settle()


def test_what_expired_is_looked_at_by_the_queue(house, one):
    """What waited for a second look goes on as messages that hold all they need; bytes are base64 there."""
    one.put("later", b"1")
    place, addresses = items.later(for_job(one.who.team), now_ms()), "q" * 48
    old = {"PK": {"S": place.pk}, "SK": {"S": place.sk}}
    old |= {"place": {"S": f"run {one.owner}"}, "addresses": {"B": addresses}}
    record = {"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "1", "OldImage": old}}
    assert stream.handler({"Records": [record]}, CONTEXT) == {"batchItemFailures": []}
    team = one.who.team
    assert sorted(waiting(house)) == [
        queue.Job("again", team, ("run", one.owner)),
        queue.Job("unclaimed", team, (addresses,)),
    ]
    house.settle()
    one.is_whole()


def test_a_change_whose_job_cannot_be_sent_comes_again(house, one):
    """The stream keeps a change until the queue has taken what it asks for."""
    before = settings.settings()
    one.condemn()
    settings.use(replace(before, jobs_queue=f"{before.jobs_queue}-gone"))
    changes = house.changes()
    answer = stream.handler({"Records": changes}, CONTEXT)
    settings.use(before)
    assert len(answer["batchItemFailures"]) == 1
    assert stream.handler({"Records": changes}, CONTEXT) == {"batchItemFailures": []}
    house.settle()
    assert one.remains() == ([], [])
