"""What the laptop's table keeps, how it is made and unmade."""

import multiprocessing
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from functions import local_table, settings
from functions.local_table import create, open_table
from tests.functions.local_tables import NAME, Desk, added, desk, key, number, refusal, service


def test_items_survive(tmp_path):
    """What was written, changed and removed before a stop is so after the next start."""
    with desk(tmp_path) as here:
        here.put("kept", b={"B": b"\xff"})
        here.put("gone")
        here.add("counted")
        here.table.flush()
        here.add("counted")
        here.client.delete_item(TableName=NAME, Key=key("gone"))
    with desk(tmp_path) as here:
        assert here.query()["Items"] == [
            {**key("counted"), "n": number(2)},
            {**key("kept"), "b": {"B": b"\xff"}},
        ]
        here.client.delete_item(TableName=NAME, Key=key("kept"))
        here.add("counted")
    with desk(tmp_path) as here:
        assert here.query()["Items"] == [{**key("counted"), "n": number(3)}]


def test_nothing_is_kept_without_a_folder(tmp_path):
    """A table without a folder is empty at each start, and flushing it does nothing."""
    with desk() as here:
        here.put("a")
        here.table.start(0.01)
        assert here.table.flush() == 0
    with desk() as here:
        assert here.query()["Items"] == []


TOUCHES = {
    "get": lambda here: here.get("a", "p1"),
    "query": lambda here: here.query("p1"),
    "put": lambda here: here.put("b", "p1"),
    "update": lambda here: here.client.update_item(TableName=NAME, Key=key("a", "p1"), **added(1)),
    "delete": lambda here: here.client.delete_item(TableName=NAME, Key=key("z", "p1")),
    "transaction": lambda here: here.transact(("Put", {"Item": key("b", "p1")})),
    "batch": lambda here: here.client.batch_write_item(
        RequestItems={NAME: [{"PutRequest": {"Item": key("b", "p1")}}]}
    ),
}


@pytest.mark.parametrize("touch", TOUCHES.values(), ids=TOUCHES)
def test_a_partition_is_read_when_it_is_touched(tmp_path, touch):
    """A start reads nothing, a call reads the partition that it touches and no other, a scan reads all."""
    with desk(tmp_path) as here:
        for n in range(9):
            here.put("a", f"p{n % 3}", n=number(0))
            here.put("c", f"p{n % 3}")
    with desk(tmp_path) as here:
        assert here.table.count() == 0
        touch(here)
        assert here.table.count() in {2, 3}
        assert [item["SK"]["S"] for item in here.query("p1")["Items"] if item["SK"]["S"] != "b"] == ["a", "c"]
        assert here.client.scan(TableName=NAME)["Count"] in {6, 7} == {here.table.count(), 6, 7}


def test_a_large_file_does_not_slow_a_start(tmp_path):
    """A table of 100,000 items opens and answers without reading more than the partition asked for."""
    with desk(tmp_path):
        pass
    text = '{"PK":{"S":"p%d"},"SK":{"S":"%05d"}}'
    rows = ((f"p{n // 100}", f"{n % 100:05}", text % (n // 100, n % 100), 20) for n in range(100_000))
    with sqlite3.connect(tmp_path / "table.sqlite") as file:
        file.executemany("INSERT INTO items VALUES (?, ?, ?, ?)", rows)
    file.close()
    used = time.process_time()
    with desk(tmp_path) as here:
        assert here.query("p7")["Count"] == 100
        assert here.table.count() == 100
    assert time.process_time() - used < 0.5


def test_a_folder_has_one_house(tmp_path):
    """A second table on the same folder is refused, and the first goes on."""
    with desk(tmp_path) as here:
        here.put("a")
        with pytest.raises(RuntimeError, match="another house"):
            open_table(here.client, "second", tmp_path)
        assert here.table.flush() == 1


def test_what_could_not_be_written_is_written_later(tmp_path):
    """A flush that fails keeps its items, and the next one writes them."""
    with desk(tmp_path) as here:
        here.put("a")
        here.table._file._connection.execute("PRAGMA query_only = ON")
        with pytest.raises(sqlite3.Error):
            here.table.flush()
        here.put("b")
        here.table._file._connection.execute("PRAGMA query_only = OFF")
        assert here.table.flush() == 2


@pytest.fixture
def logs():
    """Settings, which the house's logger asks for."""
    settings.use(settings.Settings(NAME, "eu-west-1"))
    yield
    settings._used.clear()


def test_the_thread_outlives_a_full_disk(tmp_path, logs):
    """The thread that flushes goes on after an error, and writes when it can."""
    with desk(tmp_path) as here:
        here.table._file._connection.execute("PRAGMA query_only = ON")
        here.put("a")
        here.table.start(0.01)
        time.sleep(0.1)
        here.table._file._connection.execute("PRAGMA query_only = OFF")
        until = time.monotonic() + 60
        while here.table._changed and time.monotonic() < until:
            time.sleep(0.01)
        assert here.table._changed == set()


SPAWN = multiprocessing.get_context("spawn")


def write(here: Desk, done: int) -> int:
    """Finish the last number by two writes in order, and begin the next one by a transaction."""
    if done:
        here.put(f"{done:06}", "first")
        here.put(f"{done:06}", "second")
    halves = [("Put", {"Item": key(f"{done + 1:06}", side)}) for side in ("left", "right")]
    here.transact(*halves, ("Update", {"Key": key("count"), **added(1)}))
    return done + 1


def write_for_ever(directory: Path, seconds: float, said) -> None:
    with desk(directory) as here:
        here.table.start(seconds)
        done = int((here.get("count") or {"n": number(0)})["n"]["N"])
        while True:
            done = write(here, done)
            said.send(done)


def die_in_a_flush(directory: Path) -> None:
    with desk(directory) as here:
        done = 0
        for written in (20, 20):
            here.table.flush()
            for _ in range(written):
                done = write(here, done)
        here.table._file._connection.set_trace_callback(
            lambda sql: sql.startswith("COMMIT") and os.kill(os.getpid(), signal.SIGKILL)
        )
        here.table.flush()


def killed(directory: Path, *, flush: float, after: float) -> list[tuple[float, int]]:
    """When each number was done by a house that was killed after so many seconds."""
    ours, theirs = SPAWN.Pipe(duplex=False)
    house = SPAWN.Process(target=write_for_ever, args=(directory, flush, theirs))
    house.start()
    theirs.close()
    said: list[tuple[float, int]] = []
    while not said or said[-1][0] < said[0][0] + after:
        done = ours.recv()
        said.append((time.monotonic(), done))
    house.kill()  # SIGKILL: nothing is flushed, nothing is closed
    house.join()
    ours.close()
    return said


def numbers(here: Desk, pk: str) -> list[int]:
    """The numbers of a partition, in order."""
    found, start = [], {}
    while True:
        page = here.query(pk, **start)
        found += [int(item["SK"]["S"]) for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            return found
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def cut(directory: Path) -> int:
    """How many transactions a folder has, which must have stopped between two writes."""
    with desk(directory) as here:
        left, right, first, second = (numbers(here, pk) for pk in ("left", "right", "first", "second"))
        count = int(here.get("count")["n"]["N"])
    assert left == right == list(range(1, count + 1))
    assert first == left[: len(first)]
    assert second == first[: len(second)]
    assert len(left) - 1 <= len(second) <= len(first) <= len(left)
    return count


def test_a_killed_house_shows_one_moment(tmp_path):
    """After `kill -9` the file is the table between two writes: no half transaction, nothing out of order."""
    for _ in range(2):
        killed(tmp_path, flush=0.005, after=0.4)
        assert cut(tmp_path) > 0


def test_half_a_flush_is_no_flush(tmp_path):
    """A house that is killed in the middle of a flush leaves the file as the flush before made it."""
    house = SPAWN.Process(target=die_in_a_flush, args=(tmp_path,))
    house.start()
    house.join()
    assert (house.exitcode, cut(tmp_path)) == (-signal.SIGKILL, 20)


@pytest.mark.slow
def test_a_killed_house_loses_a_second(tmp_path):
    """After `kill -9` everything is there that was answered more than about a second before."""
    said = killed(tmp_path, flush=1, after=2.5)
    old = [n for when, n in said if when < said[-1][0] - 1.5]
    assert cut(tmp_path) >= old[-1] > 1


def described(client):
    assert not create(client, NAME)
    table = client.describe_table(TableName=NAME)["Table"]
    keys = {each["AttributeName"]: each["KeyType"] for each in table["KeySchema"]}
    assert keys == {"PK": "HASH", "SK": "RANGE"}
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    lifetime = client.describe_time_to_live(TableName=NAME)["TimeToLiveDescription"]
    assert lifetime == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}


def test_create_describes_the_table():
    """A created table has the keys, the stream and the lifetime attribute, and is created once."""
    with desk() as here:
        described(here.client)


@pytest.mark.engine
def test_create_on_another_engine(dynoxide):
    """The same description makes the same table on a real engine."""
    client = service("dynamodb", endpoint_url=dynoxide)
    assert create(client, NAME)
    described(client)


def test_only_moto_is_bent():
    """A table cannot be opened twice, nor behind a client that speaks to a real endpoint."""
    with desk() as here:
        with pytest.raises(RuntimeError, match="open already"):
            open_table(here.client, NAME)
        with pytest.raises(RuntimeError, match="not answered by moto"):
            open_table(service("dynamodb", endpoint_url="http://127.0.0.1:9"), NAME)
    with pytest.raises(RuntimeError, match="not answered by moto"):
        open_table(service("dynamodb"), NAME)


def bent():
    """The parts of moto that are bent, or not."""
    return [
        local_table.urls.url_paths["{0}/"].__self__,
        local_table.stream_urls.url_paths["{0}/$"].__self__,
        local_table.DynamoDBBackend.update_item,
        local_table.LimitedSizeDict.__setitem__,
        local_table.responses.TRANSACTION_MAX_ITEMS,
    ]


def test_closing_straightens_moto():
    """After the last table is closed, moto is as it was, and the table is gone."""
    with desk() as here:
        crooked = bent()
        with open_table(here.client, "second") as second:
            assert second.flush() == 0
        assert bent() == crooked
        here.table.close()
        here.table.close()
        assert [one for one, other in zip(crooked, bent(), strict=True) if one == other] == []
        assert refusal(lambda: here.get("a"))["Error"]["Code"] == "ResourceNotFoundException"
