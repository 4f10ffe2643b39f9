"""What plain moto does wrong. A failure is good news: local_table.py or local_pool.py has a bend too many."""

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

NAME = "plain"
PLAIN = Config(account_id_endpoint_mode="disabled", retries={"total_max_attempts": 1})


@pytest.fixture(scope="module")
def plainly():
    """Runs a function in a process whose moto nobody has bent."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield lambda probe: pool.submit(in_moto, probe).result(timeout=60)


def in_moto(probe: Callable[[object], object]) -> object:
    from moto import mock_aws

    with mock_aws():
        client = service("dynamodb")
        keys = {"PK": "HASH", "SK": "RANGE"}
        client.create_table(
            TableName=NAME,
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        return probe(client)


def service(name, config=PLAIN):
    return botocore.session.get_session().create_client(name, region_name="eu-west-1", config=config)


def key(sk, pk="p"):
    return {"PK": {"S": pk}, "SK": {"S": sk}}


def put(client, sk, pk="p", **more):
    client.put_item(TableName=NAME, Item={**key(sk, pk), **more})


def stored():
    from moto.dynamodb.models import dynamodb_backends

    return dynamodb_backends["123456789012"]["eu-west-1"].tables[NAME]


def query(client, **more):
    asked = {"KeyConditionExpression": "PK = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}, **more}
    return client.query(TableName=NAME, **asked)


def calls(work: Callable[[], object]) -> int:
    """How many Python functions the work enters: its cost, on any machine."""
    work()  # what is computed only once
    counted = 0

    def count(_frame, event, _arg):
        nonlocal counted
        counted += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


def growth(client, work: Callable[[], object]) -> float:
    """How much dearer the work is when 200 more items lie in other partitions."""
    before = calls(work)
    for number in range(200):
        put(client, "other", f"p{number}")
    return calls(work) / before


def two_win(client):
    from moto.dynamodb.models.table import Table

    read, written, plain, outcomes = threading.Event(), threading.Event(), Table.get_item, []

    def get_item(table, *asked):
        found = plain(table, *asked)
        if threading.current_thread().name == "first":
            read.set()
            written.wait(1)
        return found

    def create():
        asked = {"Item": key("a"), "ConditionExpression": "attribute_not_exists(PK)"}
        try:
            outcomes.append(client.put_item(TableName=NAME, **asked))
        except ClientError:
            written.set()

    Table.get_item = get_item
    first = threading.Thread(target=create, name="first")
    first.start()
    read.wait(60)
    create()
    written.set()
    first.join()
    Table.get_item = plain
    return len(outcomes)


def test_no_lock(plainly):
    """Two threads create the same item, each on the condition that there is none, and both succeed."""
    assert plainly(two_win) == 2, "moto has a lock now: _Guarded need not hold one"


def half_a_batch(client):
    large = {"PutRequest": {"Item": {**key("b"), "text": {"S": "x" * 500_000}}}}
    with pytest.raises(ClientError, match="Item size"):
        client.batch_write_item(RequestItems={NAME: [{"PutRequest": {"Item": key("a")}}, large]})
    return "Item" in client.get_item(TableName=NAME, Key=key("a"))


def test_half_of_a_refused_request(plainly):
    """A batch is refused for its second item, and the first is stored all the same."""
    assert plainly(half_a_batch), "moto takes refused writes back now: _Guarded need not"


def changed_in_place(client):
    put(client, "a", n={"N": "1"})
    (partition,) = stored().items.values()
    (seen,) = partition.values()
    client.update_item(
        TableName=NAME,
        Key=key("a"),
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"N": "2"}},
    )
    return seen.attrs["n"].value


def test_updates_in_place(plainly):
    """An item that somebody has read changes in his hands when another updates it."""
    assert plainly(changed_in_place) == "2", "moto updates a copy now: _View and _update_item may go"


def query_growth(client):
    put(client, "a")
    return growth(client, lambda: query(client))


def test_query_reads_the_table(plainly):
    """A Query costs more for every item in other partitions."""
    assert plainly(query_growth) > 2, "moto queries one partition now: _Table.query may go"


def scan_growth(client):
    put(client, "a")
    return growth(client, lambda: client.scan(TableName=NAME, Limit=1))


def test_scan_sorts_the_table(plainly):
    """A Scan of one item costs more for every other item."""
    assert plainly(scan_growth) > 2, "moto scans page by page now: _Table.scan may go"


def page_keys(client):
    put(client, "a")
    put(client, "b")
    wrong = query(client, ExclusiveStartKey=key("a", pk="another"))
    mistyped = client.get_item(TableName=NAME, Key={"PK": {"S": "p"}, "SK": {"N": "1"}})
    return "LastEvaluatedKey" in query(client, Limit=2), wrong["Count"], "Item" in mistyped


def test_pages_end_wrongly(plainly):
    """A page as long as its Limit has no LastEvaluatedKey; starting keys and key types are not checked."""
    assert plainly(page_keys) == (False, 2, False), (
        "moto checks its pages now: _Table.query and _text need not"
    )


def transaction_growth(client):
    write = {"Put": {"TableName": NAME, "Item": key("a")}}
    return growth(client, lambda: client.transact_write_items(TransactItems=[write]))


def test_transactions_copy_the_table(plainly):
    """A transaction costs more for every item in the table."""
    assert plainly(transaction_growth) > 2, "moto no longer copies: _Table.__deepcopy__ may go"


def cost_of_a_value(client):
    put(client, "a")
    few = calls(lambda: query(client))
    put(client, "a", **{f"a{number}": {"S": "x"} for number in range(100)})
    return (calls(lambda: query(client)) - few) / 100


def test_answers_are_dear(plainly):
    """Each attribute value of an answer costs more than fifty calls of functions."""
    assert plainly(cost_of_a_value) > 50, "moto's answers are cheap now: _Handler.serialized may go"


def applied(client):
    add = {"Key": key("a"), "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}
    for _ in range(2):
        client.transact_write_items(
            TransactItems=[{"Update": {"TableName": NAME, **add}}], ClientRequestToken="again"
        )
    return client.get_item(TableName=NAME, Key=key("a"))["Item"]["n"]["N"]


def test_tokens_are_ignored(plainly):
    """A transaction that is sent again with its token is applied again."""
    assert plainly(applied) == "2", "moto knows its tokens now: _Handler.transact_write_items may go"


def refused_reads(client):
    with pytest.raises(ClientError) as refused:
        client.transact_get_items(
            TransactItems=[{"Get": {"TableName": NAME, "Key": key(str(number))}} for number in range(26)]
        )
    return str(refused.value)


def test_few_reads_in_a_transaction(plainly):
    """TransactGetItems takes 25 items, where DynamoDB takes 100."""
    assert "equal to 25" in plainly(refused_reads), "moto's limit has changed: TRANSACTION_MAX_ITEMS may go"


def refused_size(client):
    with pytest.raises(ClientError) as refused:
        put(client, "a", text={"S": "x" * 409_000})
    return str(refused.value)


def test_items_are_too_small(plainly):
    """An item of 409,000 bytes is refused, where DynamoDB takes 409,600."""
    assert "Item size" in plainly(refused_size), "moto takes larger items now: LimitedSizeDict may go"


def left_over(client):
    from moto.dynamodbstreams.models import dynamodbstreams_backends

    for number in range(5):
        put(client, str(number))
    streams, arn = (
        service("dynamodbstreams"),
        client.describe_table(TableName=NAME)["Table"]["LatestStreamArn"],
    )
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    at = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    for _ in range(200):
        at = streams.get_records(ShardIterator=at)["NextShardIterator"]
    backend = dynamodbstreams_backends["123456789012"]["eu-west-1"]
    return len(stored().stream_shard.items), len(backend.shard_iterators)


def test_streams_grow(plainly):
    """Records that were read and iterators that were used stay for ever."""
    assert plainly(left_over) == (5, 201), "moto forgets now: _Shard and _Streams may go"


def things_ever_made(client):
    from moto.dynamodb.models.dynamo_type import Item

    for _ in range(5):
        put(client, "a")
    return len(Item.instances_tracked)


def test_nothing_is_forgotten(plainly):
    """An item that was overwritten stays in memory."""
    assert plainly(things_ever_made) == 5, "moto forgets now: instances_tracked may stay as it is"


def secrets_of_pools(_client):
    from moto.cognitoidp.models import cognitoidp_backends

    for name in ("one", "two"):
        service("cognito-idp").create_user_pool(PoolName=name)
    pools = cognitoidp_backends["123456789012"]["eu-west-1"].user_pools.values()
    return [pool.json_web_key.as_dict(private=True) for pool in pools]


def test_pools_share_a_key(plainly):
    """All user pools sign with one private key, which is in the package."""
    one, two = plainly(secrets_of_pools)
    assert one == two, "moto makes a key for each pool now: a house need keep none"


def streams_answer(client):
    arn = client.describe_table(TableName=NAME)["Table"]["LatestStreamArn"]
    with pytest.raises(ClientError) as refused:
        service("dynamodbstreams", Config()).describe_stream(StreamArn=arn)
    return str(refused.value)


def test_streams_by_account(plainly):
    """The address that botocore has for an account's streams is not answered."""
    assert "404" in plainly(streams_answer), "streams need no account_id_endpoint_mode=disabled in moto now"
