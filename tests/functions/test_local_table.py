import gc
import itertools
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions import local_table
from functions.local_table import STREAM_ITERATORS
from tests.functions.local_tables import NAME, added, desk, key, number, refusal, service

ABSENT = {"ConditionExpression": "attribute_not_exists(PK)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
KEYS = st.text(st.sampled_from("a#é\uffff\U00010000"), min_size=1, max_size=3)


@pytest.fixture
def here():
    """An empty table."""
    with desk() as one:
        yield one


@pytest.fixture
def hasty():
    """Threads that take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


def at_once(work, threads=8):
    with ThreadPoolExecutor(threads) as pool:
        return [each.result() for each in [pool.submit(work) for _ in range(threads)]]


def test_no_update_is_lost(here, hasty):
    """Eight threads that add to a counter at the same time count to their sum."""
    at_once(lambda: [here.add("n") for _ in range(25)])
    assert here.get("n")["n"] == number(200)


def test_a_condition_has_one_winner(here, hasty):
    """Of eight threads that create the same item on the condition that there is none, one succeeds."""
    for sk in "abcde":
        asked = {"TableName": NAME, "Item": key(sk), **ABSENT}
        answers = at_once(lambda asked=asked: refusal(lambda: here.client.put_item(**asked)))
        assert answers.count({}) == 1


def test_a_transaction_is_seen_whole(here, hasty):
    """Who reads two accounts in a transaction never sees half of a transfer between them."""
    sums, done = set(), threading.Event()
    reads = [{"Get": {"TableName": NAME, "Key": key(sk)}} for sk in ("from", "to")]
    here.put("from", n=number(0))
    here.put("to", n=number(0))

    def watch():
        while not done.is_set():
            both = here.client.transact_get_items(TransactItems=reads)["Responses"]
            sums.add(sum(int(one["Item"]["n"]["N"]) for one in both))

    def move():
        for _ in range(20):
            steps = [("Update", {"Key": key(sk), **added(by)}) for sk, by in (("from", -1), ("to", 1))]
            here.transact(*steps)

    watcher = threading.Thread(target=watch)
    watcher.start()
    at_once(move, threads=4)
    done.set()
    watcher.join()
    assert (sums, here.get("from")["n"], here.get("to")["n"]) == ({0}, number(-80), number(80))


def test_a_failed_transaction_writes_nothing(here):
    """One broken condition takes everything back, and each write is told why, with what stood there."""
    here.put("there", n=number(1))
    here.put("gone", n=number(5))
    told = refusal(
        lambda: here.transact(
            ("Put", {"Item": key("new")}),
            ("Update", {"Key": key("other"), **added(1)}),
            ("Delete", {"Key": key("gone")}),
            ("Put", {"Item": key("there"), **ABSENT}),
        )
    )
    reasons = [(reason["Code"], reason.get("Item")) for reason in told["CancellationReasons"]]
    none, there = ("None", None), {**key("there"), "n": number(1)}
    assert told["Error"]["Code"] == "TransactionCanceledException"
    assert reasons == [none, none, none, ("ConditionalCheckFailed", there)]
    assert here.query()["Items"] == [{**key("gone"), "n": number(5)}, there]


@pytest.mark.parametrize(
    ("verb", "more"),
    [("put_item", {"Item": key("a")}), ("update_item", {"Key": key("a"), "UpdateExpression": "REMOVE b"}),
     ("delete_item", {"Key": key("a")})],
)  # fmt: skip
def test_a_broken_condition_shows_the_item(here, verb, more):
    """A put, an update or a delete whose condition does not hold answers with what stands there."""
    here.put("a", b={"B": b"\xff\x00"})
    told = refusal(lambda: getattr(here.client, verb)(TableName=NAME, **more, **ABSENT))
    assert told["Error"]["Code"] == "ConditionalCheckFailedException"
    assert told["Item"] == {**key("a"), "b": {"B": b"\xff\x00"}} == here.get("a")


def test_a_refused_batch_writes_nothing(here):
    """A batch with an item that is too large stores none of its items."""
    items = [key("small"), {**key("large"), "b": {"B": b"x" * 500_000}}]
    asked = {NAME: [{"PutRequest": {"Item": item}} for item in items]}
    told = refusal(lambda: here.client.batch_write_item(RequestItems=asked))
    assert "Item size" in told["Error"]["Message"]
    assert here.query()["Items"] == []


def test_a_transaction_is_applied_once_per_token(here):
    """A transaction that comes again with its token changes nothing, for ten minutes."""
    steps = ("Update", {"Key": key("n"), **added(1)}), ("Put", {"Item": key("other")})
    for _ in range(3):
        here.transact(*steps, ClientRequestToken="once")
    assert here.get("n")["n"] == number(1)
    other = refusal(lambda: here.transact(("Delete", {"Key": key("n")}), ClientRequestToken="once"))
    assert other["Error"]["Code"] == "IdempotentParameterMismatchException"
    local_table._tokens.update({token: (at - 601, of) for token, (at, of) in local_table._tokens.items()})
    here.transact(*steps, ClientRequestToken="once")
    assert here.get("n")["n"] == number(2)


def test_a_failed_transaction_does_not_use_up_its_token(here):
    """A transaction that failed for its condition may come again with its token, and is tried again."""
    here.put("a")
    again = {"ClientRequestToken": "patient"}
    assert refusal(lambda: here.transact(("Put", {"Item": key("a"), **ABSENT}), **again)) != {}
    here.client.delete_item(TableName=NAME, Key=key("a"))
    here.transact(("Put", {"Item": key("a"), **ABSENT}), **again)
    assert here.get("a") == key("a")


def test_a_hundred_items_in_a_transaction(here):
    """A transaction writes and another reads a hundred items."""
    here.transact(*(("Put", {"Item": key(f"{n}")}) for n in range(100)))
    reads = [{"Get": {"TableName": NAME, "Key": key(f"{n}")}} for n in range(100)]
    assert len(here.client.transact_get_items(TransactItems=reads)["Responses"]) == 100


@pytest.mark.parametrize("kind", ["B", "S"])
def test_an_item_has_at_most_400_kib(here, kind):
    """A put or an update stores an item of 409,600 bytes, names included, and none of 409,601."""
    value = {"B": b"x", "S": "x"}[kind] * (409_600 - len("PKSKb") - 2)
    for text, fits in ((value, True), (value + value[:1], False)):
        update = {"UpdateExpression": "SET b = :b", "ExpressionAttributeValues": {":b": {kind: text}}}
        asked = {"TableName": NAME, "Key": key("a"), **update}
        assert (refusal(lambda v=text: here.put("a", b={kind: v})) == {}) is fits
        assert (refusal(lambda q=asked: here.client.update_item(**q)) == {}) is fits


def test_values_come_back_as_they_went_in(here):
    """Every type, nested or not, survives a put, an update, and each way to read."""
    item = {
        "s": {"S": 'é"\\\n\U0001f600'}, "n": number(-1.5), "b": {"B": b"\x00\xff"}, "t": {"BOOL": False},
        "z": {"NULL": True}, "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2"]}, "bs": {"BS": [b"\xff", b""]},
        "l": {"L": [{"B": b"\xfe"}, {"M": {"x": {"L": []}}}]},
        "m": {"M": {"k": {"B": b"\xfd"}, "e": {"M": {}}}},
    }  # fmt: skip
    whole = {**key("a", "types"), **item}
    here.put("a", "types", **item)
    update = {"UpdateExpression": "SET u = :u", "ExpressionAttributeValues": {":u": item["l"]}}
    here.client.update_item(TableName=NAME, Key=key("a", "types"), **update)
    whole["u"] = item["l"]
    assert here.get("a", "types") == whole
    assert here.query("types")["Items"] == [whole]
    asked = {NAME: {"Keys": [key("a", "types")]}}
    assert here.client.batch_get_item(RequestItems=asked)["Responses"][NAME] == [whole]


def test_what_was_read_does_not_change(here):
    """An item in a stream's record is the item of that moment, whatever was written since."""
    here.put("a", n=number(1))
    here.add("a")
    images = [record["dynamodb"]["NewImage"]["n"] for record in records(here)[0]]
    assert images == [number(1), number(2)]


partitions = itertools.count()
CONDITIONS = {
    "": lambda _sk, _a, _b: True,
    " AND SK = :a": lambda sk, a, _b: sk == a,
    " AND SK < :a": lambda sk, a, _b: sk < a,
    " AND SK <= :a": lambda sk, a, _b: sk <= a,
    " AND SK > :a": lambda sk, a, _b: sk > a,
    " AND SK >= :a": lambda sk, a, _b: sk >= a,
    " AND SK BETWEEN :a AND :b": lambda sk, a, b: a <= sk <= b,
    " AND begins_with(SK, :a)": lambda sk, a, _b: sk.startswith(a),
}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    writes=st.lists(st.tuples(KEYS, st.booleans()), max_size=12),
    condition=st.sampled_from(list(CONDITIONS)),
    bounds=st.lists(KEYS, min_size=2, max_size=2).map(sorted),
    limit=st.one_of(st.none(), st.integers(1, 5)),
    forward=st.booleans(),
    filtered=st.booleans(),
)
def test_a_query_is_what_it_should_be(here, writes, condition, bounds, limit, forward, filtered):
    """Pages of a partition are the sorted keys that meet the condition, cut at the limit, from either end."""
    pk = f"p{next(partitions)}"
    kept = {}
    for sk, odd in writes:
        if kept.pop(sk, None) is None:
            kept[sk] = odd
            here.put(sk, pk, odd={"BOOL": odd})
        else:
            here.client.delete_item(TableName=NAME, Key=key(sk, pk))
    fits = [sk for sk in sorted(kept, key=str.encode) if CONDITIONS[condition](sk, *bounds)]
    fits = fits if forward else fits[::-1]
    operands = {
        f":{name}": {"S": bound} for name, bound in zip("ab", bounds, strict=True) if f":{name}" in condition
    }
    more = {"ScanIndexForward": forward, **({"Limit": limit} if limit else {})}
    if filtered:
        operands[":odd"] = {"BOOL": True}
        more |= {"FilterExpression": "odd = :odd", "ProjectionExpression": "SK"}
    for first in range(0, len(fits) + 1, limit or len(fits) + 1):
        page = fits[first : first + limit] if limit else fits
        answer = here.query(pk, condition, values=operands, **more)
        keys = [item["SK"]["S"] for item in answer["Items"]]
        assert keys == [sk for sk in page if kept[sk] or not filtered]
        assert filtered or answer["Items"] == [{**key(sk, pk), "odd": {"BOOL": kept[sk]}} for sk in page]
        assert answer["ScannedCount"] == len(page)
        assert answer.get("LastEvaluatedKey") == (key(page[-1], pk) if len(page) == limit else None)
        more["ExclusiveStartKey"] = answer.get("LastEvaluatedKey")


def test_a_page_holds_a_megabyte(here):
    """A page ends before the item that would bring it above 1,048,576 bytes."""
    for n in range(12):
        here.put(f"{n:02}", b={"B": b"x" * (104_857 - len("PKpSK00b"))})
    first = here.query()
    rest = here.query(ExclusiveStartKey=first["LastEvaluatedKey"])
    assert (first["Count"], rest["Count"], "LastEvaluatedKey" in rest) == (10, 2, False)


@pytest.mark.parametrize(
    ("condition", "values", "start"),
    [("", {}, key("a", "another")), (" AND SK > :a", {":a": {"S": "b"}}, key("a")),
     (" AND begins_with(SK, :a)", {":a": {"S": "b"}}, key("c")),
     (" AND SK BETWEEN :a AND :b", {":a": {"S": "b"}, ":b": {"S": "a"}}, None),
     (" AND SK = :a", {":a": {"N": "1"}}, None)],
)  # fmt: skip
def test_a_wrong_query_is_refused(here, condition, values, start):
    """A starting key outside of what is asked for, a range from back to front, a number as key: errors."""
    more = {"ExclusiveStartKey": start} if start else {}
    told = refusal(lambda: here.query("p", condition, values=values, **more))
    assert told["Error"]["Code"] == "ValidationException"


def test_only_the_count(here):
    """A query may ask for the number of items alone."""
    here.put("a")
    assert {"Count": 1, "ScannedCount": 1}.items() <= here.query(Select="COUNT").items()
    assert "Items" not in here.query(Select="COUNT")


def test_a_scan_finds_everything_once(here):
    """Pages of a scan, and of its segments, hold every item once; a filter is applied to them."""
    for n in range(30):
        here.put(f"{n:02}", f"p{n % 7}", even={"BOOL": n % 2 == 0})

    def pages(**more):
        while True:
            page = here.client.scan(TableName=NAME, Limit=4, **more)
            yield from (int(item["SK"]["S"]) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            more["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    even = {"FilterExpression": "even = :e", "ExpressionAttributeValues": {":e": {"BOOL": True}}}
    assert sorted(pages()) == list(range(30))
    assert sorted(n for s in range(3) for n in pages(Segment=s, TotalSegments=3)) == list(range(30))
    assert sorted(pages(**even)) == list(range(0, 30, 2))


def records(here, at=None):
    """The next records of the table's stream, and where those after them begin."""
    streams = service("dynamodbstreams")
    if at is None:
        arn = here.client.describe_table(TableName=NAME)["Table"]["LatestStreamArn"]
        shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
        asked = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        at = streams.get_shard_iterator(**asked)["ShardIterator"]
    answer = streams.get_records(ShardIterator=at)
    return answer["Records"], answer["NextShardIterator"]


def test_the_stream_tells_what_happened(here):
    """The stream has each change with both images, in order, but not what was refused, nor what was read."""
    here.put("a", b={"B": b"\xff"})
    refusal(lambda: here.transact(("Put", {"Item": key("b")}), ("Put", {"Item": key("a"), **ABSENT})))
    here.transact(("Put", {"Item": key("a")}), ("Delete", {"Key": key("none")}))
    here.client.delete_item(TableName=NAME, Key=key("a"))
    seen, at = records(here)
    told = [
        (one["eventName"], *(one["dynamodb"].get(f"{which}Image") for which in ("Old", "New")))
        for one in seen
    ]
    old = {**key("a"), "b": {"B": b"\xff"}}
    assert told == [("INSERT", None, old), ("MODIFY", old, key("a")), ("REMOVE", key("a"), None)]
    assert records(here)[0] == seen  # not read on: a reader that crashed may ask again
    here.put("c")
    assert [one["dynamodb"]["Keys"] for one in records(here, at)[0]] == [key("c")]
    assert [one["dynamodb"]["Keys"] for one in records(here)[0]] == [key("c")]


def test_an_unread_stream_does_not_grow(here):
    """When nobody reads, the older half of the records goes, and a late reader gets the younger in order."""
    for n in range(9):
        here.put(f"{n}")
    at = records(here)[1]
    here.table._backend.tables[NAME].stream_shard.room = 0
    here.put("9")
    assert [one["dynamodb"]["Keys"]["SK"]["S"] for one in records(here)[0]] == list("56789")
    for _ in range(300):
        at = records(here, at)[1]
    here.put("10")
    assert [one["dynamodb"]["Keys"]["SK"]["S"] for one in records(here, at)[0]] == ["10"]


def test_calls_leave_nothing_in_memory(here):
    """Reads, overwritten items and read records do not stay in memory."""

    def left():
        gc.collect()
        kinds = ("Item", "DynamoType", "StreamRecord", "ShardIterator")
        return sum(type(thing).__name__ in kinds for thing in gc.get_objects())

    def work(times):
        at = None
        for _ in range(STREAM_ITERATORS):
            at = records(here, at)[1]
        for _ in range(times):
            here.put("a", n=number(1))
            here.add("a")
            here.get("a")
            here.query(FilterExpression="n = :n", values={":n": number(1)})
            here.transact(("Put", {"Item": key("b")}), ("Delete", {"Key": key("c")}))
            here.client.delete_item(TableName=NAME, Key=key("a"))
        records(here, records(here, at)[1])
        return left()

    assert work(10) - work(20) in range(-5, 6)


def calls(work):
    """How many Python functions the work enters: its cost, on any machine."""
    counted = 0

    def count(_frame, event, _arg):
        nonlocal counted
        counted += event == "call"

    work()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


def test_other_items_cost_nothing(here):
    """No call becomes dearer by a thousand items in two hundred partitions."""
    works = {
        "get": lambda: here.get("a"),
        "put": lambda: here.put("a"),
        "query": here.query,
        "transact": lambda: here.transact(("Put", {"Item": key("a")}), ("Delete", {"Key": key("b")})),
    }
    before = {name: calls(work) for name, work in works.items()}
    for n in range(200):
        here.transact(*(("Put", {"Item": key(f"{sk}", f"team{n}")}) for sk in range(5)))
    after = {name: calls(work) for name, work in works.items()}
    assert {name: after[name] for name in works if after[name] > before[name] * 1.2} == {}


def test_an_item_in_a_page_is_cheap(here):
    """An item more in a page costs moto at most fifteen calls of functions, botocore's left out."""

    def page(size):
        return calls(lambda: here.table._backend.query(NAME, {"S": "p"}, None, [], size, None, True, []))

    for n in range(110):
        here.put(f"{n:03}", **{f"a{each}": number(each) for each in range(10)})
    assert page(110) - page(10) <= 1500
