"""The stream's and the queue's functions, called with the events that AWS sends."""

import copy
import json
import time

import pytest

from tests.runtime import stack
from tests.runtime.event_sources import Queue, Stream

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("events")]


@pytest.fixture(scope="module")
def stream(deployed, red):
    """The table's stream, everything before this module passed over."""
    stream = Stream(deployed)
    while stream.arrived():
        pass
    return stream


@pytest.fixture(scope="module")
def queue(deployed, stream):
    """The queue, empty."""
    queue = Queue(deployed)
    while queue.pump()[0]:
        pass
    return queue


@pytest.fixture
def ended(red):
    """Makes a run with twenty points that has ended; gives its id."""

    def make():
        run = red.call("POST", "/v1/runs", json={"experiment_id": "0"}).json()["run_id"]
        points = [
            {"key": "loss", "value": 1 / (n + 1), "timestamp": 1_700_000_000_000 + n, "step": n}
            for n in range(20)
        ]
        body = {"run_id": run, "metrics": points}
        assert red.call("POST", "/api/2.0/mlflow/runs/log-batch", json=body).status_code == 200
        assert red.call("PATCH", f"/v1/runs/{run}", json={"status": "FINISHED"}).status_code == 200
        return run

    return make


def due(deployed, run):
    """Whether the run's head still waits for its job."""
    items = deployed.cloud.client("dynamodb").scan(TableName=deployed.environment["RUNHAVEN_TABLE"])["Items"]
    (head,) = [item for item in items if item["SK"]["S"] == f"R#{run}~"]
    return "due" in head


def drained(queue, seconds=60):
    """Let the queue run empty; gives how many messages were done."""
    end, done, quiet = time.monotonic() + seconds, 0, 0
    while quiet < 2 and time.monotonic() < end:
        number, failed = queue.pump()
        assert failed == []
        done, quiet = done + number, quiet + 1 if number == 0 else 0
    return done


def test_a_run_that_ends_is_settled(deployed, stream, queue, ended):
    """The stream's function hands a finished run to the queue, whose function settles it."""
    run = ended()
    assert due(deployed, run)
    assert stream.pump() == []
    assert drained(queue) >= 1
    assert not due(deployed, run)


def became_due(stream):
    """The change that made the run due that ended last."""
    return [each for each in stream.arrived() if "due" in each["dynamodb"].get("NewImage", {})][-1]


def numbered(record, number):
    """A copy of a record with another place in the stream."""
    copied = copy.deepcopy(record)
    copied["dynamodb"]["SequenceNumber"] = str(number)
    return copied


def test_one_broken_change_holds_up_no_other(deployed, stream, queue, ended):
    """What comes beside a change that fails is done; from that change on everything comes again."""
    runs, changes = [], []
    for _ in range(3):
        runs.append(ended())
        changes.append(became_due(stream))
    first, second, third = (numbered(change, number) for number, change in enumerate(changes, 1))
    key = second["dynamodb"]["NewImage"]["PK"]
    whole, key["S"] = key["S"], "no partition of ours"
    assert stream.pump((first, second, third)) == ["2"]
    assert stream.waiting == [second, third]
    drained(queue)
    assert [due(deployed, run) for run in runs] == [False, True, False]
    assert stream.pump() == ["2"]
    key["S"] = whole
    assert stream.pump() == []
    assert stream.waiting == []
    drained(queue)
    assert not due(deployed, runs[1])


def test_from_the_first_that_fails_everything_comes_again(stream, queue, ended):
    """Of several changes that fail the earliest is where the next batch begins."""
    ended()
    whole = became_due(stream)
    broken = numbered(whole, 0)
    broken["dynamodb"]["NewImage"]["PK"]["S"] = "no partition of ours"
    batch = [numbered(each, number) for number, each in enumerate((whole, broken, whole, broken), 1)]
    assert stream.pump(tuple(batch)) == ["2", "4"]
    assert stream.waiting == batch[1:]
    stream.waiting = []
    drained(queue)


def test_what_no_filter_lets_through_never_arrives(deployed, stream):
    """A change of which the module's filters know nothing is lost, whatever the function would make of it."""
    change = {"eventName": "MODIFY", "dynamodb": {"SequenceNumber": "1", "NewImage": {"PK": {"S": "x"}}}}
    answer = deployed.functions["stream"].invoke({"Records": [change]})
    assert answer["batchItemFailures"] == [{"itemIdentifier": "1"}]
    assert stream.pump((change,)) == []


def test_what_expires_is_followed(deployed, stream, queue, ended):
    """When time has removed an item, the queue gets the job that its room asks for, and the job is done."""
    table, client = deployed.environment["RUNHAVEN_TABLE"], deployed.cloud.client("dynamodb")
    again = {"PK": {"S": "T#red#LATER"}, "SK": {"S": "1#2"}, "place": {"S": f"run {ended()}"}}
    never_came = {"PK": {"S": "T#red#D#1"}, "SK": {"S": "U#1"}, "ttl": {"N": "1"}}
    stream.pump()
    drained(queue)
    for item in (again, never_came):
        client.put_item(TableName=table, Item=item)
    assert stream.pump() == []
    assert drained(queue) == 0
    for item in (again, never_came):
        client.delete_item(TableName=table, Key={name: item[name] for name in ("PK", "SK")})
    assert stream.pump() == []
    assert drained(queue) == 2


def test_one_broken_message_holds_up_no_other(deployed, stream, queue, ended):
    """Of a batch only the message that is no job is reported, and comes again; the job beside it is done."""
    run = ended()
    broken = queue.send("no job")
    stream.pump()
    seen = []
    for _ in range(3):
        _, failed = queue.pump()
        seen += failed
        assert set(failed) <= {broken}
    assert len(seen) >= 2
    assert not due(deployed, run)
    deployed.cloud.client("sqs").purge_queue(QueueUrl=queue.url(deployed.environment["RUNHAVEN_JOBS_QUEUE"]))


def test_a_purged_run_leaves_the_other_account(deployed, red, stream, queue, ended):
    """The job that a purge asks for empties the run's place in the team's vault, by the roles of its own."""
    run = ended()
    path = f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/note.txt"
    put = red.call("PUT", path, data=b"note", headers={"Content-Type": "application/octet-stream"})
    assert put.status_code == 200, put.text
    s3 = deployed.cloud.client("s3", stack.RED)

    def held():
        page = s3.list_object_versions(Bucket=red.place["bucket"])
        return [each["Key"] for each in page.get("Versions", ()) if run in each["Key"]]

    assert held()
    assert red.call("DELETE", f"/v1/runs/{run}").status_code == 200
    assert red.call("POST", f"/v1/runs/{run}/purge").status_code == 202
    end = time.monotonic() + 60
    while held() and time.monotonic() < end:
        assert stream.pump() == []
        drained(queue, 20)
    assert held() == []
    assert json.loads(red.get(f"/v1/runs/{run}").text)["error_code"] == "RESOURCE_DOES_NOT_EXIST"
