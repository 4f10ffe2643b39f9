"""Reading history while it moves: tails, blocks, then segments; nothing is missed, nothing comes twice."""

import time
from array import array
from collections.abc import Iterator

from functions import table
from functions.access.grants import Grant
from functions.ids import RunId
from functions.metrics import items
from functions.runs.points import Columns, Point, columns, distinct, unpack_one
from functions.runs.service import Stored

_ERASED_AT_ONCE = 100


def of_metric(grant: Grant, run: RunId, stored: Stored, metric: str) -> list[Point]:
    """All points of one metric, in history's order. *stored* must have been read before this call."""
    return distinct([*newest(grant, run, stored, metric), *in_segments(grant, run, metric)])


def newest(grant: Grant, run: RunId, stored: Stored, metric: str) -> list[Point]:
    """The points of one metric in tail and blocks, with repetitions."""
    found = [point for _, blob in stored.tails for point in unpack_one(blob, metric)]
    for raw in table.query(items.partition(grant, run), items.BLOCK):
        found += unpack_one(raw["d"]["B"], metric)
    return found


def in_segments(grant: Grant, run: RunId, metric: str, after: int | None = None) -> list[Point]:
    """The points of one metric in segments that begin after a timestamp, with repetitions."""
    prefix = items.segments_of(metric)
    start = None if after is None else f"{prefix}{after:019d}~"
    raws = table.query(items.partition(grant, run), prefix, after=start)
    return [point for raw in raws for point in unpack_one(raw["d"]["B"], metric)]


def blocks(grant: Grant, run: RunId) -> tuple[list[str], dict[str, Columns]]:
    """The keys of all blocks of a run, and their points by metric, as columns: 24 bytes a point."""
    keys: list[str] = []
    found: dict[str, Columns] = {}
    for raw in table.query(items.partition(grant, run), items.BLOCK):
        keys.append(raw["SK"]["S"])
        gather(found, raw["d"]["B"])
    return keys, found


def gather(found: dict[str, Columns], blob: bytes) -> None:
    """Add the points of a blob to columns by metric."""
    for metric, more in columns(blob):
        have = found.setdefault(metric, Columns(array("d"), array("q"), array("q")))
        have.values.extend(more.values)
        have.times.extend(more.times)
        have.steps.extend(more.steps)


def whole(grant: Grant, run: RunId, in_blocks: dict[str, Columns]) -> Iterator[tuple[str, list[Point]]]:
    """Every metric's history in order, one metric after the other: its points in blocks and in segments."""
    left = dict(in_blocks)
    metric, points = "", list[Point]()
    for raw in table.query(items.partition(grant, run), items.SEGMENT):
        for name, part in columns(raw["d"]["B"]):
            if name != metric:
                if points:
                    yield metric, distinct(points)
                metric, points = name, left.pop(name).points(name) if name in left else []
            points += part.points(name)
    if points:
        yield metric, distinct(points)
    for name, part in left.items():
        yield name, distinct(part.points(name))


def erase(grant: Grant, run: RunId, until: float) -> bool:
    """Remove the history of a run that is being removed; False if it takes longer than *until*.

    `until` is a moment of `time.monotonic()`.
    """
    for prefix in (items.BLOCK, items.SEGMENT, items.LINE):
        names: list[str] = []
        for raw in table.query(items.partition(grant, run), prefix):
            names.append(raw["SK"]["S"])
            if len(names) == _ERASED_AT_ONCE:
                table.delete_many([items.history_key(grant, run, name) for name in names])
                names.clear()
                if time.monotonic() > until:
                    return False
        table.delete_many([items.history_key(grant, run, name) for name in names])
    return True
