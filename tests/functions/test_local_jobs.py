"""The laptop's job thread: what follows the end of a run, beside failures, and after a crash."""

import logging
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from functions import local, local_jobs, settings, table, telemetry
from functions.access import grants
from functions.access.policy import Role
from functions.access.principal import Principal
from functions.experiments import service as experiments
from functions.ids import now_ms, parse_run_id
from functions.metrics import service as metrics
from functions.runs import service as runs
from tests import engines

GOALS = {"runhaven.goal.loss": "min", "runhaven.primary": "loss"}
# How long a run may take until it is settled, with room for a busy machine.
SECONDS = 15
MADE = []


@pytest.fixture
def ann(back_end):
    """The owner of a team with an experiment that wants a low loss."""
    who = back_end.who()
    experiments.create(who, "trials", GOALS)
    yield who
    for run in MADE:  # the next test's sweep finds none of this one's
        head = stored(who, run).head
        table.client().delete_item(TableName="runhaven", Key=table.Key(head.PK, head.SK).raw())
    MADE.clear()


@pytest.fixture
def failures():
    """What the house's logger has written as an error meanwhile."""
    found = []

    class Keep(logging.Handler):
        def emit(self, record):
            found.append(record.getMessage())

    keep = Keep(logging.ERROR)
    telemetry.logger().addHandler(keep)
    yield found
    telemetry.logger().removeHandler(keep)


@contextmanager
def jobs(*, sweep=False):
    """The thread, until the context ends; `ended` is what it then says."""
    opened = local_jobs.Jobs(sweep=sweep)
    said = [None]
    try:
        yield said
    finally:
        said[0] = opened.close()
    assert "jobs" not in {thread.name for thread in threading.enumerate()}


def ended(ann, calls=30):
    """The id of a run that logged each point twice, and ended."""
    run = runs.create(ann, experiment_id=experiments.by_name(ann, "trials").id).run_id
    MADE.append(run)
    for step in range(calls):
        points = [("loss", abs(step - 7.5), 1_000 + step, step), ("accuracy", step / 100, 1_000 + step, step)]
        for _ in range(2):
            metrics.log_batch(ann, run, points=points)
    runs.update(ann, run, status="FINISHED")
    return run


def stored(ann, run):
    """The run as it lies in the table."""
    return runs.read(grants.for_job(ann.team), parse_run_id(run))


def is_settled(ann, run):
    """Whether nothing is left to do for a run."""
    found = stored(ann, run)
    return found.head.due is None and not found.tails


def waited(until, seconds=SECONDS):
    """Whether something became true in time."""
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def is_exact(ann, run, calls=30):
    """Whether a run's counts and its values at best are exact."""
    seen = runs.get(ann, run)
    assert {key: metric.count for key, metric in seen.metrics.items()} == {"loss": calls, "accuracy": calls}
    return seen.at_best == {"loss": 0.5, "accuracy": 0.07}


def test_a_run_that_ends_is_settled(ann):
    """Within seconds nothing of it is due, its counts are exact, and its values at best are known."""
    with jobs() as said:
        run = ended(ann)
        assert waited(lambda: is_settled(ann, run))
    assert is_exact(ann, run)
    assert said == [True]


def test_closing_does_what_came_last(ann):
    """A run that ends right before the house closes is settled before it has closed."""
    with jobs() as said:
        run = ended(ann, 8)
    assert is_settled(ann, run)
    assert said == [True]


def test_what_was_left_due_is_swept(ann):
    """A start after a crash settles the runs that ended before it; an orderly one need not look."""
    run = ended(ann)
    with jobs():
        time.sleep(2 * local_jobs._PAUSE_SECONDS)
    assert not is_settled(ann, run)
    with jobs(sweep=True) as said:
        assert waited(lambda: is_settled(ann, run))
    assert is_exact(ann, run)
    assert said == [True]


def poisoned(ann, calls=4):
    """The id of a run whose content nobody can read; it has just ended."""
    run = ended(ann, calls)
    head = stored(ann, run).head
    table.client().update_item(
        TableName="runhaven",
        Key=table.Key(head.PK, head.SK).raw(),
        UpdateExpression="SET d = :d, due = :due",
        ExpressionAttributeValues={":d": {"B": b"\x01poison"}, ":due": {"N": str(now_ms() + 1)}},
    )
    return run


def test_poison_stops_nobody_else(ann, failures):
    """A run that cannot be settled is tried again alone; those that end around it are settled."""
    with jobs() as said:
        good = [ended(ann, 4)]
        poisoned(ann)
        good.append(ended(ann, 4))
        assert waited(lambda: all(is_settled(ann, run) for run in good))
        assert waited(lambda: len(failures) >= 2)
        good.append(ended(ann, 4))
        assert waited(lambda: is_settled(ann, good[-1]))
    assert said == [False]


def test_what_fails_for_ever_is_given_up(ann, failures):
    """After its tries a change is left to the next house, which is told that something is left."""
    opened = local_jobs.Jobs(sweep=False)
    opened.close()
    run = poisoned(ann)
    head = {"PK": {"S": stored(ann, run).head.PK}, "SK": {"S": stored(ann, run).head.SK}, "due": {"N": "1"}}
    opened._take([local_jobs._swept(head)])
    for failed in range(1, local_jobs._TRIES + 1):
        ((again),) = opened._again
        assert again.failed == failed
        assert again.at - time.monotonic() < 2**failed
        opened._again = [again._replace(at=0)]
        opened._take_what_waits()
    assert opened._again == []
    assert len(failures) == local_jobs._TRIES + 1
    assert opened.close() is False


def test_the_stream_does_not_grow():
    """What the thread has read of moto's stream is no longer in memory."""
    with local.opened(local.Options(data=None), 5000):
        who = Principal("local", "local", "default", Role.OWNER)
        experiments.create(who, "trials", GOALS)
        shard = dynamodb_backends[DEFAULT_ACCOUNT_ID][local.REGION].tables[local.TABLE].stream_shard
        for _ in range(3):
            ended(who)
            assert waited(lambda: not shard.items)
        assert shard.starting_sequence_number > 100
    forget()


def forget():
    """Leave no trace of a house."""
    MADE.clear()
    table.forget_clients()
    settings._used.clear()


@pytest.mark.engine
def test_an_engine_may_go_away(tmp_path):
    """When the engine was away the thread goes on by itself, and misses nothing that happened meanwhile."""
    who = Principal("local", "local", "default", Role.OWNER)
    with ExitStack() as house:
        house.callback(forget)
        with engines.dynoxide(tmp_path / "kept") as url:
            house.enter_context(local.opened(local.Options(data=tmp_path, dynamodb=url), 5000))
            experiments.create(who, "trials", GOALS)
            run = ended(who)
            assert waited(lambda: is_settled(who, run))
        time.sleep(3 * local_jobs._PAUSE_SECONDS)
        with engines.dynoxide(tmp_path / "kept", int(url.rpartition(":")[2])):
            for _ in range(2):  # the first one ends before the thread has found the engine again
                run = ended(who, 4)
                assert waited(lambda run=run: is_settled(who, run))
            house.close()
    assert (tmp_path / "open").read_text() == ""
