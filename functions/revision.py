"""Optimistic changes: read an item, alter it, write it on the condition that nobody else wrote in between."""

import secrets
from collections.abc import Callable
from typing import TypeVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition

from functions import table
from functions.errors import Busy, HouseError

# Pauses double up to the fifth, so sixteen tries end within about six seconds.
_TRIES, _LONGEST_PAUSE = 16, 5
_REMEMBERED_WRITES = 8


class Revised(table.Item):
    """An item with a revision, and the ids of its last writes, by which a writer recognises its own.

    A write can be applied while its answer is lost; the repeated write then fails on its condition although
    it succeeded.
    """

    rv = NumberAttribute(default=0)
    writes = UnicodeAttribute(default="")


RevisedT = TypeVar("RevisedT", bound=Revised)


def create(item: Revised) -> bool:
    """Write an item that must not be there yet; False if another one is."""
    mine = stamp(item)
    try:
        table.put(item, type(item).PK.does_not_exist())
    except table.Lost as lost:
        stood = lost.items[0]
        return stood is not None and mine in type(item).from_raw_data(stood).writes.split()
    return True


def stamp(item: Revised) -> str:
    """Give an item its next revision and a new write id, and return that id."""
    write = secrets.token_hex(6)
    item.rv += 1
    item.writes = " ".join([write, *item.writes.split()[: _REMEMBERED_WRITES - 1]])
    return write


def change(
    kind: type[RevisedT],
    key: table.Key,
    alter: Callable[[RevisedT], bool],
    missing: HouseError,
    *,
    seen: RevisedT | None = None,
    write: Callable[[RevisedT, Condition], None] = table.put,
) -> RevisedT:
    """Alter a stored item and return it as it is then stored.

    Args:
        kind: the item's class.
        key: where it lies.
        alter: changes the item in place; False if there is nothing to write. It may be called several times.
        missing: what is raised when there is no such item.
        seen: the item where it was read just now, which saves the reading.
        write: writes the item under a condition; a transaction has the item first.

    Raises:
        Busy: others kept changing the item for about six seconds.
    """
    item = table.get(kind, key) if seen is None else seen
    for attempt in range(_TRIES):
        if item is None:
            raise missing
        if not alter(item):
            return item
        unchanged = kind.rv == item.rv
        mine = stamp(item)
        try:
            write(item, unchanged)
        except table.Lost as lost:
            stood = lost.items[0]
            item = kind.from_raw_data(stood) if stood else None
            if item is not None and mine in item.writes.split():
                return item
            if attempt:  # what stood there is at once the freshest; after a pause it is not
                table.retry_after_lost(min(attempt, _LONGEST_PAUSE))
                item = table.get(kind, key)
        else:
            return item
    message = "Too many are changing the same thing at once; try again."
    raise Busy(message, retry_after=1)
