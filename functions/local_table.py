"""The laptop's table: moto's DynamoDB, bent where it is wrong or slow, on the items of `local_file.py`.

The only file that knows moto's insides (5.2.5). For each bend `tests/functions/test_plain_moto.py` has a test
that fails on the day a newer moto makes the bend unnecessary.

bend                      why
_Guarded                  moto has no lock: threads lose updates and see half of a transaction; and a request
                          that is refused half-way leaves its first writes behind
_View, _update_item       moto answers with the stored objects themselves, and updates change them in place;
                          here a reader gets a copy, from the text that also goes to answers and to the file
_Table.query, .scan       moto sorts the whole table for a page, forgets LastEvaluatedKey where Limit is the
                          number of items, and takes starting keys and key types that DynamoDB refuses
_Table.__deepcopy__       moto copies the whole table for every write of a transaction, to be able to go back
_Handler.serialized       moto tries botocore's ten types on every attribute value that it answers
_Handler.transact_…       moto applies a transaction again when its ClientRequestToken comes again
TRANSACTION_MAX_ITEMS     moto reads 25 items in a transaction, DynamoDB 100
LimitedSizeDict           moto refuses items above 405,000 bytes, DynamoDB above 409,600
_Shard, _Streams          moto keeps all stream records and all shard iterators for ever
instances_tracked         and besides every item, record and iterator that it has ever made, for its dashboard
"""

import hashlib
import json
import re
import threading
import time
import zlib
from base64 import b64decode
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

from moto.core.common_types import TYPE_RESPONSE
from moto.core.models import DEFAULT_ACCOUNT_ID, botocore_stubber
from moto.core.responses import ActionResult, BaseResponse
from moto.dynamodb import exceptions, responses, urls
from moto.dynamodb.comparisons import OpDefault
from moto.dynamodb.exceptions import MockValidationException as Refused
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import StreamRecord, StreamShard, Table
from moto.dynamodb.models.utilities import DynamoJsonEncoder
from moto.dynamodb.responses import DynamoHandler, DynamoResult
from moto.dynamodbstreams import urls as stream_urls
from moto.dynamodbstreams.models import ShardIterator
from moto.dynamodbstreams.responses import DynamoDBStreamsHandler

from functions.local_file import Kept, KeptItems, Partition
from functions.table import ITEM_BYTES

SHAPE = Path(__file__).parents[1] / "infra/modules/control_plane/table.json"
# DynamoDB's own: bytes of a page, seconds for which it knows the token of a transaction.
PAGE_BYTES, TOKEN_SECONDS = 1024 * 1024, 600
# Ours: what the stream holds back for a reader who does not come, in bytes and in iterators.
STREAM_BYTES, STREAM_ITERATORS = 64 * 1024 * 1024, 100

_JSON = DynamoJsonEncoder(separators=(",", ":"))
_ITEM_ACTIONS = frozenset({
    "GetItem", "PutItem", "UpdateItem", "DeleteItem", "BatchGetItem", "TransactGetItems", "Query", "Scan",
})  # fmt: skip
_lock = threading.RLock()
_undo: list[Callable[[], object]] = []  # how to take back what the current request has written
_tokens: dict[str, tuple[float, bytes]] = {}  # of applied transactions: when, and the request's digest
_open: set["LocalTable"] = set()


def create(client: Any, name: str) -> bool:
    """Create the table as `table.json` describes it, on whatever the client speaks to, unless it is there.

    Args:
        client: a botocore DynamoDB client (AWS's own, moto, dynoxide, DynamoDB Local).
        name: the table's name.

    Returns:
        Whether it was created now.
    """
    shape = json.loads(SHAPE.read_text(encoding="utf-8"))
    lifetime = shape.pop("TimeToLiveSpecification")
    created = False
    with suppress(client.exceptions.ResourceInUseException):
        client.create_table(TableName=name, **shape)
        created = True
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    told = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if told["TimeToLiveStatus"] == "DISABLED":  # also after a crash between the two calls
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=lifetime)
    return created


def open_table(client: Any, name: str, directory: Path | None = None) -> "LocalTable":
    """Put the table into this process's moto, with what `directory` has kept of it, and bend moto.

    Args:
        client: a botocore DynamoDB client that an active `mock_aws()` answers.
        name: the table's name.
        directory: where `table.sqlite` is kept; None keeps nothing.

    Raises:
        RuntimeError: the client speaks to something else than moto, the table is open already, or another
            process has the file.
    """
    endpoint = client.meta.endpoint_url
    if not (botocore_stubber.enabled and any(re.match(url, endpoint) for url in urls.url_bases)):
        raise RuntimeError(f"{endpoint} is not answered by moto")
    backend = dynamodb_backends[DEFAULT_ACCOUNT_ID][client.meta.region_name]
    if name in backend.tables:
        raise RuntimeError(f"the table {name} is open already")
    opened = LocalTable(name, backend, directory)
    try:
        create(client, name)
        table: Any = backend.tables[name]
        table.__class__ = _Table
        table.items = opened
        table.stream_shard = _Shard(table.account_id, table)
    except BaseException:
        opened.close()
        raise
    return opened


class LocalTable(KeptItems):
    """The open table, made by `open_table`: moto sees a dictionary of partitions, the house what keeps it."""

    def __init__(self, name: str, backend: DynamoDBBackend, directory: Path | None) -> None:
        super().__init__(_lock, directory)
        self.name = name
        self._backend = backend
        _open.add(self)
        _bend(wanted=True)

    def __getitem__(self, key: DynamoType) -> "_View":
        return _View(self, self.partition(_text(key)))

    def close(self) -> None:
        """Flush, take the table out of moto, and straighten moto when no other table is open."""
        with _lock:
            _open.discard(self)
            _tokens.clear()
            self._backend.tables.pop(self.name, None)
            _bend(wanted=bool(_open))
        super().close()


class _View:
    """A partition as moto uses it: a dictionary of items by sort key."""

    def __init__(self, table: LocalTable, partition: Partition) -> None:
        self.table, self.partition = table, partition

    def __getitem__(self, key: DynamoType) -> Item:
        return _item(self.partition, _text(key))

    def __setitem__(self, key: DynamoType, item: Item) -> None:
        size = item.size()
        if size > ITEM_BYTES:
            raise exceptions.ItemSizeTooLarge
        self._put(_text(key), Kept(_JSON.encode(item.attrs), size))

    def pop(self, key: DynamoType) -> Item:
        item = self[key]
        self._put(_text(key), None)
        return item

    def _put(self, sk: str, kept: Kept | None) -> None:
        _undo.append(partial(self.table.put, self.partition, sk, self.partition.items.get(sk)))
        self.table.put(self.partition, sk, kept)


class _Answer(NamedTuple):
    """An item in a page; moto asks it for nothing but its attributes."""

    attrs: str


class _Table(Table):
    """moto's table on our items."""

    items: Any

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # _Guarded takes back what a transaction has written

    def __len__(self) -> int:
        return int(self.items.count())

    def query(self, *asked: Any, **more: Any) -> Any:
        """One page of a partition, at a cost that grows with the page only."""
        pk, comparison, operands, limit, start, forward, projection, _index, _strong, keep = asked
        if more.keys() - {"hash_key_conditions", "range_key_conditions"}:
            raise Refused("QueryFilter is not served here; use FilterExpression")
        partition, wanted = self.items[pk].partition, [_text(operand) for operand in operands]
        order = partition.order
        first, last = _span(order, comparison, wanted)
        if start is not None:
            before, behind = (start[attribute]["S"] for attribute in self.table_key_attrs)
            if before != partition.pk or _span([behind], comparison, wanted) != (0, 1):
                raise Refused("The provided starting key does not match the range key predicate")
            if forward:
                first = max(first, bisect_right(order, behind))
            else:
                last = min(last, bisect_left(order, behind))
        steps = range(first, last) if forward else range(last - 1, first - 1, -1)
        return self._page(((partition, order[step]) for step in steps), limit, keep, projection)

    def scan(self, *asked: Any, **more: Any) -> Any:
        """One page of the table, partition by partition."""
        filters, limit, start, keep, _index, _strong, projection = asked
        segment, total = more["segments"]
        if filters:
            raise Refused("ScanFilter is not served here; use FilterExpression")
        pks = [pk for pk in self.items.pks() if total is None or zlib.crc32(pk.encode()) % total == segment]
        before, behind = (start[attribute]["S"] for attribute in self.table_key_attrs) if start else ("", "")
        return self._page(self._walk(pks, before, behind), limit, keep, projection)

    def _walk(self, pks: Sequence[str], before: str, behind: str) -> Iterator[tuple[Partition, str]]:
        for pk in pks[bisect_left(pks, before) :]:
            partition = self.items.partition(pk)
            first = bisect_right(partition.order, behind) if pk == before else 0
            for sk in partition.order[first:]:
                yield partition, sk

    def _page(
        self, walk: Iterable[tuple[Partition, str]], limit: int | None, keep: Any, projection: list[list[str]]
    ) -> tuple[list[_Answer], int, dict[str, Any] | None]:
        found: list[tuple[Partition, str]] = []
        size, last = 0, None
        for partition, sk in walk:
            size += partition.items[sk].size
            if found and size > PAGE_BYTES:
                last = found[-1]
                break
            found.append((partition, sk))
            if len(found) == limit:  # DynamoDB does not look whether anything follows
                last = found[-1]
                break
        key = last and dict(zip(self.table_key_attrs, ({"S": last[0].pk}, {"S": last[1]}), strict=True))
        if isinstance(keep, OpDefault) and not projection:
            return [_Answer(partition.items[sk].text) for partition, sk in found], len(found), key
        items = [item for item in (_item(partition, sk) for partition, sk in found) if keep.expr(item)]
        if projection:
            items = [item.project(projection) for item in items]
        return [_Answer(_JSON.encode(item.attrs)) for item in items], len(found), key


class _Shard(StreamShard):
    """A stream for one reader: what it has read is dropped, and the older half when it does not come."""

    room = STREAM_BYTES

    def add(self, old: Item | None, new: Item | None) -> None:
        super().add(old, new)
        _undo.append(self.items.pop)
        self.room -= self.items[-1].record["dynamodb"]["SizeBytes"]
        if self.room < 0:
            self._drop(len(self.items) // 2)

    def get(self, start: int, quantity: int) -> list[dict[str, Any]]:
        self._drop(max(0, min(start - self.starting_sequence_number, len(self.items))))
        return super().get(max(start, self.starting_sequence_number), quantity)

    def _drop(self, count: int) -> None:
        if not count:
            return
        del self.items[:count]
        self.starting_sequence_number += count
        self.room = STREAM_BYTES - sum(record.record["dynamodb"]["SizeBytes"] for record in self.items)


class _Guarded(BaseResponse):
    """One request at a time, and what a refused one has written is taken back."""

    def _dispatch(self, *asked: Any, **more: Any) -> TYPE_RESPONSE:
        with _lock:
            _undo.clear()
            status = 500
            try:
                answer = super()._dispatch(*asked, **more)
                status = answer[0]
            finally:
                while status >= 400 and _undo:
                    _undo.pop()()
            return answer


class _Handler(_Guarded, DynamoHandler):
    def serialized(self, action_result: ActionResult) -> TYPE_RESPONSE:
        if not isinstance(action_result, DynamoResult) or self._get_action() not in _ITEM_ACTIONS:
            return super().serialized(action_result)
        result: Any = action_result.result
        items = result.pop("Items", None)
        body = _JSON.encode(result)
        if items is not None:  # a page: its items are text already, and Count stands before them
            body = f'{body[:-1]},"Items":[{",".join(items)}]}}'
        # Bytes, because moto looks for an XML RequestId in every text.
        return 200, {**self.response_headers, "Content-Type": "application/x-amz-json-1.0"}, body.encode()

    def transact_write_items(self) -> ActionResult:
        now, token = time.monotonic(), self.body.get("ClientRequestToken")
        while _tokens and now - next(iter(_tokens.values()))[0] > TOKEN_SECONDS:
            del _tokens[next(iter(_tokens))]
        digest = hashlib.sha256(self.raw_body).digest()
        if token not in _tokens:
            answer = super().transact_write_items()
            if token:
                _tokens[token] = now, digest
            return answer
        if _tokens[token][1] != digest:
            kind = "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException"
            raise exceptions.DynamodbException(kind, "The same token came with another transaction")
        return ActionResult({"ConsumedCapacity": [], "ItemCollectionMetrics": {}})


class _Streams(_Guarded, DynamoDBStreamsHandler):
    def get_records(self) -> ActionResult:
        answer = super().get_records()
        iterators = self.backend.shard_iterators
        for arn in list(iterators)[:-STREAM_ITERATORS]:
            del iterators[arn]
        return answer


_update, _careful = DynamoDBBackend.update_item, LimitedSizeDict.__setitem__


def _update_item(backend: DynamoDBBackend, table_name: str, *asked: Any, **more: Any) -> Item:
    """Put back the item that moto has read and changed: with us it is a copy."""
    item = _update(backend, table_name, *asked, **more)
    table = backend.get_table(table_name)
    if isinstance(table, _Table):
        try:
            table.items[item.hash_key][item.range_key] = item
        except exceptions.ItemSizeTooLarge:
            raise exceptions.ItemSizeToUpdateTooLarge from None
    return item


def _bend(*, wanted: bool) -> None:
    """Bend what moto has only once in a process, or put it back."""
    urls.url_paths["{0}/"] = (_Handler if wanted else DynamoHandler).dispatch
    stream_urls.url_paths["{0}/$"] = (_Streams if wanted else DynamoDBStreamsHandler).dispatch
    responses.TRANSACTION_MAX_ITEMS = 100 if wanted else 25
    DynamoDBBackend.update_item = _update_item if wanted else _update  # type: ignore[assignment,method-assign]
    kinds: list[Any] = [Item, StreamRecord, ShardIterator]
    for kind in kinds:
        kind.instances_tracked = deque(maxlen=0) if wanted else []
    LimitedSizeDict.__setitem__ = dict.__setitem__ if wanted else _careful  # type: ignore[method-assign]


def _span(order: Sequence[str], comparison: str | None, wanted: Sequence[str]) -> tuple[int, int]:
    """Where the keys that meet the condition begin and end among sorted keys."""
    if comparison is None:
        return 0, len(order)
    low, high = wanted[0], wanted[-1]
    if low > high:
        raise Refused("The BETWEEN operator requires upper bound to be greater than or equal to lower bound")
    at, behind = bisect_left(order, low), bisect_right(order, high)
    if comparison == "BEGINS_WITH":
        return at, bisect_left(order, x=True, lo=at, key=lambda sk: not sk.startswith(low))
    spans = {"<": (0, at), "<=": (0, behind), ">": (behind, len(order)), ">=": (at, len(order))}
    return spans.get(comparison, (at, behind))  # = and BETWEEN


def _text(key: DynamoType) -> str:
    if key.type != "S":
        raise Refused("The provided key element does not match the schema")
    return str(key.value)


def _item(partition: Partition, sk: str) -> Item:
    """A copy of an item."""
    attributes = {name: _wire(value) for name, value in json.loads(partition.items[sk].text).items()}
    return Item(DynamoType({"S": partition.pk}), DynamoType({"S": sk}), attributes)


def _wire(value: dict[str, Any]) -> dict[str, Any]:
    """A stored attribute value as moto's own parser would have made it: binary as bytes."""
    ((kind, inside),) = value.items()
    if kind == "B":
        return {kind: b64decode(inside)}
    if kind == "BS":
        return {kind: [b64decode(one) for one in inside]}
    if kind == "L":
        return {kind: [_wire(one) for one in inside]}
    if kind == "M":
        return {kind: {name: _wire(one) for name, one in inside.items()}}
    return value
