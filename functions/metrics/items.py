"""How history lies in the table, in a partition of its own per run: blocks, segments, lines."""

import hashlib
from collections.abc import Sequence

from pynamodb.attributes import BinaryAttribute, NumberAttribute

from functions import table
from functions.access.grants import Grant
from functions.ids import RunId, name_hash
from functions.runs.points import Batch, Point, pack_within

BLOB_BYTES = 380_000
# A segment is read whole for any of its points; this keeps a page of history at a few reads.
SEGMENT_POINTS = 20_000
BLOCK, SEGMENT, LINE = "C#", "S#", "D#"


class Block(table.Item):
    """The points of one fold, all metrics."""

    d = BinaryAttribute(legacy_encoding=False)


class Segment(table.Item):
    """Points of one metric, from compacted blocks."""

    d = BinaryAttribute(legacy_encoding=False)


class Line(table.Item):
    """One metric downsampled: `n` points until timestamp `until` in at most 1,000 buckets."""

    n = NumberAttribute()
    until = NumberAttribute()
    d = BinaryAttribute(legacy_encoding=False)


def partition(grant: Grant, run: RunId) -> str:
    """Where the history of a run lies."""
    return f"T#{grant.team}#R#{run.text}"


def segments_of(metric: str) -> str:
    """What the keys of a metric's segments begin with."""
    return f"{SEGMENT}{name_hash(metric)}#"


def line_key(grant: Grant, run: RunId, metric: str) -> table.Key:
    """Where a metric's line lies."""
    return table.Key(partition(grant, run), LINE + name_hash(metric))


def history_key(grant: Grant, run: RunId, sk: str) -> table.Key:
    """The key of an item of the history that was read."""
    return table.Key(partition(grant, run), sk)


def blocks(grant: Grant, run: RunId, points: Sequence[Point]) -> list[Block]:
    """The points of a fold as blocks, more than one only if they outgrow an item.

    The key is the content, so a fold that is repeated overwrites itself, and nothing else ever does: two
    folds of the same tail items may still differ in what was new to them.
    """
    pk, start = partition(grant, run), min(point[2] for point in points)
    parts = pack_within(Batch(list(points)), BLOB_BYTES)
    return [
        Block(pk, f"{BLOCK}{start:019d}#{hashlib.sha256(blob).hexdigest()[:24]}", d=blob) for blob in parts
    ]


def segments(grant: Grant, run: RunId, metric: str, points: Sequence[Point]) -> list[Segment]:
    """Points of one metric, in history's order, as segments whose keys are their content."""
    pk, prefix = partition(grant, run), segments_of(metric)
    found = []
    for start in range(0, len(points), SEGMENT_POINTS):
        part = list(points[start : start + SEGMENT_POINTS])
        for blob in pack_within(Batch(part), BLOB_BYTES):
            sk = f"{prefix}{part[0][2]:019d}#{hashlib.sha256(blob).hexdigest()[:24]}"
            found.append(Segment(pk, sk, d=blob))
    return found
