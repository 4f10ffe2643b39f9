"""The table: what lies in it, and how items are read and written. The client is below, in `dynamo`.

PK                       SK                       what
T#<team>                 META                     team
T#<team>                 U#<user>                 membership and role
T#<team>                 E#<exp>                  experiment
T#<team>                 N#E#<hash(name)>         experiment name -> id
T#<team>                 K#<token id>             an access token as its team lists it
T#<team>                 VAULT                    where the team's artifacts lie
T#<team>                 D#<hash(name)>           dataset that has versions
T#<team>#D#<hash(name)>  V#<number>               version
                         G#<hash(digest)>         digest -> number
                         U#<hash(digest)>         that a version is being made of files
T#<team>#D#<name>#<digest> P#<number>             its files; both are hashes
T#<team>#E#<exp>         DS#<hash(name,digest)>   dataset as runs of the experiment read or wrote it
                         DC#<dataset>[#<hash>]    that runs read the dataset in this context, or in none
T#<team>#E#<exp>#<shard> R#<run>#t#<key>          a run's tail: log calls not yet folded into its head
                         R#<run>#x<n>             its overflow, when the head outgrows one item
                         R#<run>~                 its head
                         L#<model>                logged model
T#<team>#R#<run>, L#<model> P#<hash(path)>#<ms>#<address>  artifact: a version of a path
T#<team>#F#<address>     META                     content in the team's vault
                         REF#<owner>              who needs it
                         UP                       its multipart upload
T#<team>#LATER           <ms>#<random>            what is looked at once more when it expires
T#<team>#X#<dataset, model> R#<run>, W#<run>     that the run read it, wrote it
T#<team>#X#<run>         M#<model>                that the model says this run made it
T#<team>#R#<run>         C#<ms>#<hash>            metric block: the points of one fold
T#<team>#R#<run>         S#<hash(metric)>#<ms>#<hash>  metric segment: compacted blocks of one metric
T#<team>#R#<run>         D#<hash(metric)>         downsampled line
USER#<user>              META                     the user: e-mail, primary team, deployment roles
USER#<user>              T#<team>                 the same membership seen from the user
USER#<user>              K#<token id>             an access token of no team as its user lists it
TEAMS                    T#<team>                 that a team exists, for the door and an admin's list
ADMINS                   FIRST                    who became the deployment's first admin
EMAIL#<hash(e-mail)>     META                     e-mail -> user
KEY#<sha256 of token>    META                     access token (only its hash is stored)
BUCKET#<b>, ROLE#<hash>  META                     which team a bucket or a role serves

Prefixes are added, never used again for something else. Text chosen by a user enters a key only as a hash.
Every item carries its format number `f`. Attributes are added, and may be missing; what changes otherwise
takes a new number, and readers that know it are deployed before anybody writes it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from botocore.exceptions import ClientError
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from functions.dynamo import (
    THROTTLED,
    Lost,
    Raw,
    attempts,
    call,
    client,
    forget_clients,
    known,
    pause,
)
from functions.errors import Aborted
from functions.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pynamodb.expressions.condition import Condition

__all__ = [
    "Check", "Delete", "Item", "Key", "Lost", "Put", "Raw", "client", "delete", "delete_many",
    "forget_clients", "get", "get_many", "put", "put_many", "query", "retry_after_lost", "transact",
]  # fmt: skip

ItemT = TypeVar("ItemT", bound="Item")
_BEYOND = "attributes of a newer version"

# DynamoDB's limits: items per BatchWriteItem, keys per BatchGetItem, items per transaction, bytes per item.
BATCH_WRITE, BATCH_GET, TRANSACTION, ITEM_BYTES = 25, 100, 100, 400 * 1024


class Key(NamedTuple):
    """Where an item lies. Only the `items` of a room make one, from a Grant."""

    pk: str
    sk: str

    def raw(self) -> Raw:
        """The key as DynamoDB takes it."""
        return {"PK": {"S": self.pk}, "SK": {"S": self.sk}}


class Item(Model):
    """What every stored item has: its key and its format number."""

    class Meta:
        """PynamoDB wants a table name at class creation; this module names the table at each call."""

        table_name = ""

    PK = UnicodeAttribute(hash_key=True)
    SK = UnicodeAttribute(range_key=True)
    f = NumberAttribute(default=1)

    @classmethod
    def from_raw_data(cls, data: Raw) -> Self:
        """The item as DynamoDB gave it. What a newer version has added to it is kept when it is written."""
        item = super().from_raw_data(data)
        if beyond := data.keys() - _attributes(cls):
            item.__dict__[_BEYOND] = {name: data[name] for name in beyond}
        return item

    def serialize(self, null_check: bool = True) -> Raw:  # noqa: FBT001, FBT002  (PynamoDB's own signature)
        """The item as DynamoDB takes it."""
        raw: Raw = super().serialize(null_check)
        return {**self.__dict__[_BEYOND], **raw} if _BEYOND in self.__dict__ else raw


@cache
def _attributes(kind: type[Item]) -> frozenset[str]:
    return frozenset(attribute.attr_name for attribute in kind.get_attributes().values())


class Put(NamedTuple):
    """Write a whole item, if the condition holds."""

    item: Item
    condition: Condition | None = None


class Delete(NamedTuple):
    """Remove an item, if the condition holds."""

    key: Key
    condition: Condition | None = None


class Check(NamedTuple):
    """Write nothing, but demand that the condition holds."""

    key: Key
    condition: Condition


def get(kind: type[ItemT], key: Key) -> ItemT | None:
    """One item, read strongly, or None."""
    raw = call("get_item", [key.pk], Key=key.raw(), ConsistentRead=True).get("Item")
    return kind.from_raw_data(known(raw)) if raw else None


def get_many(kind: type[ItemT], keys: Sequence[Key]) -> list[ItemT]:
    """The items that exist among *keys*, in no order, read strongly."""
    found: list[Raw] = []
    name = settings().table
    for start in range(0, len(keys), BATCH_GET):
        some = keys[start : start + BATCH_GET]
        wanted: Any = {name: {"Keys": [key.raw() for key in some], "ConsistentRead": True}}
        for attempt in attempts():
            answer = call("batch_get_item", [key.pk for key in some], table=False, RequestItems=wanted)
            found += answer.get("Responses", {}).get(name, [])
            wanted = answer.get("UnprocessedKeys")
            if not wanted:
                break
            pause(attempt)
    return [kind.from_raw_data(known(raw)) for raw in found]


def query(
    pk: str,
    prefix: str = "",
    *,
    after: str | None = None,
    until: str | None = None,
    limit: int | None = None,
    backwards: bool = False,
) -> Iterator[Raw]:
    """The items of a partition whose SK begins with *prefix*, in key order, read strongly, page by page.

    Args:
        pk: the partition.
        prefix: what the SK begins with.
        after: begin behind this SK (excluded).
        until: with *prefix* as the first SK, end at this SK (included) instead of at the prefix's end.
        limit: how many items a page holds at the most; the iterator goes on beyond it if it is asked to.
        backwards: from the last to the first.
    """
    names = {"#p": "PK"}
    values: Raw = {":p": {"S": pk}}
    condition = "#p = :p"
    if until is not None:
        condition += " AND #s BETWEEN :a AND :b"
        values |= {":a": {"S": prefix}, ":b": {"S": until}}
    elif prefix:
        condition += " AND begins_with(#s, :a)"
        values[":a"] = {"S": prefix}
    if len(values) > 1:
        names["#s"] = "SK"
    asked: Raw = {
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        "ConsistentRead": True,
        "ScanIndexForward": not backwards,
    }
    if limit is not None:
        asked["Limit"] = limit
    if after is not None:
        asked["ExclusiveStartKey"] = Key(pk, after).raw()
    while True:
        answer = call("query", [pk], **asked)
        yield from map(known, answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return
        asked["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def put(item: Item, condition: Condition | None = None) -> None:
    """Write one item whole.

    Raises:
        Lost: the condition did not hold.
    """
    asked = {"Item": item.serialize(), **_spoken(condition)}
    if condition is not None:
        asked["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    call("put_item", [item.PK], **asked)


def delete(key: Key, condition: Condition | None = None) -> None:
    """Remove one item; removing what is not there is no error.

    Raises:
        Lost: the condition did not hold.
    """
    asked = {"Key": key.raw(), **_spoken(condition)}
    if condition is not None:
        asked["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    call("delete_item", [key.pk], **asked)


def put_many(items: Sequence[Item]) -> None:
    """Write items without conditions, 25 a call; the last of those with the same key wins."""
    unique = {(item.PK, item.SK): item.serialize() for item in items}
    _write_batches([(pk, {"PutRequest": {"Item": raw}}) for (pk, _), raw in unique.items()])


def delete_many(keys: Sequence[Key]) -> None:
    """Remove items without conditions, 25 a call."""
    _write_batches([(key.pk, {"DeleteRequest": {"Key": key.raw()}}) for key in dict.fromkeys(keys)])


def transact(*writes: Put | Delete | Check) -> None:
    """All of it or nothing, at most 100 writes to as many items.

    Raises:
        Lost: a condition did not hold; `items` has an entry per write, None where its own condition held.
        Aborted: others kept changing the same items.
    """
    asked = [_transactional(write) for write in writes]
    touched = [write.item.PK if isinstance(write, Put) else write.key.pk for write in writes]
    for attempt in attempts(Aborted("The same thing is being changed by others; try again.", retry_after=1)):
        try:
            call("transact_write_items", touched, table=False, TransactItems=asked)
        except ClientError as error:
            reasons: list[Any] = error.response.get("CancellationReasons", [])
            codes = {reason.get("Code") for reason in reasons}
            if "ConditionalCheckFailed" in codes:
                raise Lost([_stood(reason) for reason in reasons]) from error
            if "TransactionConflict" not in codes and not codes & THROTTLED:
                raise
            pause(attempt)
        else:
            return


def retry_after_lost(attempt: int) -> None:
    """Wait a jittered moment before an optimistic write is tried again."""
    pause(attempt)


def _stood(reason: Raw) -> Raw | None:
    return known(reason.get("Item", {})) if reason.get("Code") == "ConditionalCheckFailed" else None


def _transactional(write: Put | Delete | Check) -> Raw:
    asked: Raw = {"TableName": settings().table, **_spoken(write.condition)}
    if write.condition is not None:
        asked["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if isinstance(write, Put):
        return {"Put": {"Item": write.item.serialize(), **asked}}
    return {type(write).__name__.replace("Check", "ConditionCheck"): {"Key": write.key.raw(), **asked}}


def _spoken(condition: Condition | None) -> Raw:
    if condition is None:
        return {}
    names: dict[str, str] = {}
    values: Raw = {}
    spoken: Raw = {"ConditionExpression": condition.serialize(names, values)}
    spoken["ExpressionAttributeNames"] = {placeholder: name for name, placeholder in names.items()}
    if values:
        spoken["ExpressionAttributeValues"] = values
    return spoken


def _write_batches(requests: Sequence[tuple[str, Raw]]) -> None:
    name = settings().table
    for start in range(0, len(requests), BATCH_WRITE):
        some = requests[start : start + BATCH_WRITE]
        touched = [pk for pk, _ in some]
        wanted: Any = {name: [request for _, request in some]}
        for attempt in attempts():
            wanted = call("batch_write_item", touched, table=False, RequestItems=wanted).get(
                "UnprocessedItems"
            )
            if not wanted:
                break
            pause(attempt)
