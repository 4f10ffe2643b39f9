"""Crashes, readers and faults at every single write."""

import itertools
import time
from contextlib import nullcontext

import pytest
from botocore.awsrequest import AWSResponse

from functions import table
from functions.errors import Aborted, Busy, Unavailable
from functions.metrics import upkeep
from functions.runs import items, service
from tests.functions.metrics.interruptions import Crash, at_write, crash, hooked, refused
from tests.functions.metrics.scene import Scene
from tests.functions.runs.noise import params


def step(scene, number, *, texts=False):
    """Log one step of a training."""
    marker = {f"with{number}": str(number)} if texts else {}
    points = [("loss", 1 / (number + 1), number, number), ("acc", number / 7, number, number)]
    scene.log([*points, *((key, 0.0, number, number) for key in marker)], marker, marker)


def long_tail(scene):
    """Steps up to the one that folds the tail: its call makes all writes that a log call can make."""
    for number in range(upkeep.TAIL_ITEMS - 1):
        step(scene, number)


def many_blocks(scene):
    """An ended run with enough blocks to be compacted."""
    for number in range(upkeep.FEW_BLOCKS + 1):
        step(scene, number)
        scene.fold()
    step(scene, 99)
    scene.end()


def test_a_log_call_writes_in_this_order(scene):
    """A call with params that folds writes head, tail, block, head, and then removes the tail."""
    long_tail(scene)
    with at_write(None, lambda: None) as seen:
        step(scene, 20, texts=True)
    assert seen == [5, 5]
    scene.look()


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("applied", [False, True])
def test_a_crash_in_a_log_call_leaves_what_a_retry_completes(scene, number, applied):
    """Whichever write a log call dies before or after, readers stay right and its retry has one effect."""
    long_tail(scene)
    with at_write(number, crash, applied=applied):
        step(scene, 20, texts=True)
    assert len(scene.pending) == 1
    scene.look(counted=True)
    step(scene, 21, texts=True)
    scene.look(counted=True)
    scene.finish()
    scene.is_exact()


def test_a_crash_in_the_job_leaves_what_the_next_one_completes(ann, experiment):
    """Whichever write the settling job dies before, readers stay right and the next job ends its work."""
    for number in itertools.count():
        scene = Scene(ann, experiment)
        many_blocks(scene)
        with at_write(number, crash):
            try:
                settled = upkeep.settle(ann.team, scene.run_id)
            except Crash:
                settled = False
        scene.look()
        if settled:
            break
        scene.finish()
        scene.is_exact()
    assert number > 6


def test_readers_are_right_at_every_write(scene):
    """Before and after every write of log calls, folds and jobs a reader sees all that was acknowledged."""
    with at_write(None, scene.look) as seen:
        long_tail(scene)
        step(scene, 20, texts=True)
        many_blocks(scene)
        assert upkeep.settle(scene.who.team, scene.run_id)
    assert seen[0] > 40
    scene.is_exact()


@pytest.mark.parametrize("number", range(5))
def test_a_throttled_write_is_told_and_completed_by_a_retry(scene, number):
    """A write that stays throttled gives 429 with a time to come back, and a retry completes the call."""
    long_tail(scene)
    with at_write(number, refused("ThrottlingException")), pytest.raises(Busy) as busy:
        step(scene, 20, texts=True)
    assert (busy.value.status, busy.value.retry_after) == (429, 1)
    scene.look()
    step(scene, 20, texts=True)
    scene.finish()
    scene.is_exact()


@pytest.mark.parametrize(
    ("code", "status", "error"), [("InternalServerError", 500, Unavailable), ("x", 503, Unavailable)]
)
def test_a_table_that_fails_is_unavailable(scene, code, status, error):
    """An error of the table's own is a 503, not a 500, and a retry completes the call."""
    with at_write(1, refused(code, status)), pytest.raises(error):
        step(scene, 1, texts=True)
    scene.look()
    step(scene, 1, texts=True)
    scene.finish()
    scene.is_exact()


def unprocessed(times):
    """A handler pair that leaves all items of so many batch writes unprocessed."""
    asked = []

    def remember(params, **_):
        asked[:] = [params["RequestItems"]]

    left = iter(range(times))
    answer = refused("")

    def skip(**_):
        if next(left, None) is None:
            return None
        response, _ = answer()
        response.status_code = 200
        return response, {"UnprocessedItems": asked[0], "ResponseMetadata": {"HTTPStatusCode": 200}}

    return remember, skip


@pytest.mark.parametrize(("times", "error"), [(2, None), (99, Unavailable)])
def test_unprocessed_items_are_sent_again(scene, times, error):
    """Items that a batch leaves unprocessed are sent again; when that never ends it is a 503 to retry."""
    long_tail(scene)
    remember, skip = unprocessed(times)
    with (
        hooked("before-parameter-build.dynamodb.BatchWriteItem", remember),
        hooked("before-call.dynamodb.BatchWriteItem", skip),
        pytest.raises(error) if error else nullcontext(),
    ):
        step(scene, 20)
    assert len(service.read(scene.grant, scene.run).tails) == (16 if error else 0)
    scene.look()
    step(scene, 20)
    scene.finish()
    scene.is_exact()


def test_a_lost_answer_is_recognised(back_end, scene):
    """A head that was written although its answer was lost is known by its write id and not written twice."""
    for operation, verb in [
        ("PutItem", scene.end),
        ("PutItem", lambda: service.amend(scene.who, scene.run_id, params={"a": "1"})),
    ]:
        before = service.read(scene.grant, scene.run).head.rv
        with back_end.answer_lost(operation):
            verb()
        assert service.read(scene.grant, scene.run).head.rv == before + 1
    with back_end.answer_lost("PutItem"):
        run = service.create(scene.who, experiment_id=scene.experiment.id, name="one", start=1)
    found, _ = service.listing(scene.who, [scene.experiment.id])
    assert sorted(one.run_id for one in found) == sorted([run.run_id, scene.run_id])


@pytest.mark.slow
@pytest.mark.parametrize(("times", "error"), [(2, None), (99, Busy)])
def test_throttling_is_tried_three_times(scene, times, error):
    """The SDK sends a throttled write three times, within seconds; then the caller is told to slow down."""
    sent = []

    def throttle(request, **_):
        sent.append(request)
        answer = AWSResponse(request.url, 400, {}, None)
        answer._content = b'{"__type": "ProvisionedThroughputExceededException", "message": "injected"}'
        return answer if len(sent) <= times else None

    began = time.monotonic()
    with hooked("before-send.dynamodb.PutItem", throttle), pytest.raises(error) if error else nullcontext():
        step(scene, 1)
    assert len(sent) == 3
    assert time.monotonic() - began < 5
    step(scene, 1)
    scene.finish()
    scene.is_exact()


def test_a_removed_tag_stays_removed_though_the_answer_is_lost(scene):
    """Removing a tag succeeds when its answer is lost and another caller writes before it is sent again."""
    service.amend(scene.who, scene.run_id, tags={"gone": "1"})
    again = [0.0]

    def lose(**_):
        if not again:
            return None
        answer = again.pop()
        service.amend(scene.who, scene.run_id, tags={"other": "2"})
        return answer

    with hooked("needs-retry.dynamodb.PutItem", lose):
        service.delete_tag(scene.who, scene.run_id, "gone")
    assert service.get(scene.who, scene.run_id).content.tags == {"other": "2"}


def test_a_conflict_with_a_transaction_is_tried_again(scene):
    """A head that is in another's transaction is written when that has ended."""
    with at_write(0, refused("TransactionConflictException")):
        service.amend(scene.who, scene.run_id, tags={"a": "1"})
    assert service.get(scene.who, scene.run_id).tags["a"] == "1"


def test_a_conflict_of_transactions_is_tried_again(scene):
    """A run that overflows is written when a conflicting transaction has ended; one without end is a 409."""
    service.amend(scene.who, scene.run_id, params=params(40))
    reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
    conflict = refused("TransactionCanceledException", CancellationReasons=reasons)
    with at_write(0, conflict):
        service.amend(scene.who, scene.run_id, tags={"a": "1"})
    assert service.get(scene.who, scene.run_id).tags["a"] == "1"
    with at_write(None, conflict), pytest.raises(Aborted):
        service.amend(scene.who, scene.run_id, tags={"a": "2"})
    assert service.get(scene.who, scene.run_id).tags["a"] == "1"


def test_two_folds_at_once_count_no_point_twice(scene):
    """A fold that finds another one's head keeps in mind which tail items that one has not removed yet."""

    def other():
        step(scene, 2)
        with at_write(2, crash), pytest.raises(Crash):
            scene.fold()

    step(scene, 1)
    with at_write(1, other):
        scene.fold()
    assert len(service.read(scene.grant, scene.run).tails) == 1
    scene.look(counted=True)
    scene.fold()
    scene.look(counted=True)


def test_two_folds_of_the_same_keys_lose_nothing(scene):
    """A fold of tail items of which one was folded before keeps the points of both in the history."""

    def broken_fold(gone):
        """Fold, but die when only one of the tail items has been removed."""
        with at_write(2, crash), pytest.raises(Crash):
            scene.fold()
        places = [
            items.tail_key(scene.grant, scene.run, key)
            for key, _ in service.read(scene.grant, scene.run).tails
        ]
        table.delete(next(place for place in places if place.sk.split("#t#")[1].startswith(f"{gone:019d}")))

    step(scene, 1)
    step(scene, 2)
    broken_fold(1)
    step(scene, 3)
    broken_fold(3)
    step(scene, 1)
    scene.fold()
    scene.look()
    scene.finish()
    scene.is_exact()
