"""Faults of the table: throttling, unprocessed items, lost answers, conflicts."""

import time
from contextlib import nullcontext

import pytest
from botocore.awsrequest import AWSResponse

from functions.errors import Aborted, Busy, Unavailable
from functions.runs import service
from tests.functions.metrics.interruptions import at_write, hooked, refused
from tests.functions.runs.noise import params


@pytest.mark.parametrize("number", range(5))
def test_a_throttled_write_is_told_and_completed_by_a_retry(scene, number):
    """A write that stays throttled gives 429 with a time to come back, and a retry completes the call."""
    scene.lengthen()
    with at_write(number, refused("ThrottlingException")), pytest.raises(Busy) as busy:
        scene.step(20, texts=True)
    assert (busy.value.status, busy.value.retry_after) == (429, 1)
    scene.look()
    scene.step(20, texts=True)
    scene.finish()
    scene.is_exact()


@pytest.mark.parametrize(
    ("code", "status", "error"), [("InternalServerError", 500, Unavailable), ("x", 503, Unavailable)]
)
def test_a_table_that_fails_is_unavailable(scene, code, status, error):
    """An error of the table's own is a 503, not a 500, and a retry completes the call."""
    with at_write(1, refused(code, status)), pytest.raises(error):
        scene.step(1, texts=True)
    scene.look()
    scene.step(1, texts=True)
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
    scene.lengthen()
    remember, skip = unprocessed(times)
    with (
        hooked("before-parameter-build.dynamodb.BatchWriteItem", remember),
        hooked("before-call.dynamodb.BatchWriteItem", skip),
        pytest.raises(error) if error else nullcontext(),
    ):
        scene.step(20)
    assert len(service.read(scene.grant, scene.run).tails) == (16 if error else 0)
    scene.look()
    scene.step(20)
    scene.finish()
    scene.is_exact()


def revision(scene):
    """How often the run's head was written."""
    return service.read(scene.grant, scene.run).head.rv


def test_a_lost_answer_is_recognised(back_end, scene):
    """A head that was written although its answer was lost is known by its write id and not written twice."""
    verbs = [
        ("PutItem", scene.end),
        ("PutItem", lambda: service.amend(scene.who, scene.run_id, params={"a": "1"})),
        ("TransactWriteItems", lambda: service.amend(scene.who, scene.run_id, params=params(40))),
        ("TransactWriteItems", lambda: service.amend(scene.who, scene.run_id, tags={"b": "1"})),
    ]
    for operation, verb in verbs:
        before = revision(scene)
        with back_end.answer_lost(operation):
            verb()
        assert revision(scene) == before + 1


def test_a_run_whose_creation_was_lost_is_one_run(back_end, scene):
    """A run that was written although its answer was lost is the run that its creator gets."""
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
        scene.step(1)
    assert len(sent) == 3
    assert time.monotonic() - began < 5
    scene.step(1)
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
