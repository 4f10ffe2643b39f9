"""A metric's history as a line of at most 1,000 buckets, so that a chart is one small read (pure)."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import isnan
from operator import attrgetter
from typing import NamedTuple

import msgspec

from functions.runs.merge import summary
from functions.runs.points import Point, deflated, inflated, rank

BUCKETS = 1000


class Bucket(NamedTuple):
    """What a metric did in a range of steps.

    `last` is the value at the greatest (step, timestamp); `min` and `max` are NaN only where every value is.
    """

    first_step: int
    last_step: int
    last_time: int
    last: float
    min: float
    max: float


class _Stored(msgspec.Struct, array_like=True):
    buckets: list[Bucket]


_decode = msgspec.msgpack.Decoder(_Stored).decode


def pack(line: Sequence[Bucket]) -> bytes:
    """A line as bytes."""
    return deflated(msgspec.msgpack.encode(_Stored(list(line))))


def unpack(blob: bytes) -> list[Bucket]:
    """The line that `pack` was given."""
    return _decode(inflated(blob)).buckets


def downsampled(points: Iterable[Point], older: Iterable[Bucket] = (), most: int = BUCKETS) -> list[Bucket]:
    """The line of some points, joined with an older line that may cover some of them already.

    A bucket is 2^n steps wide and begins at a multiple of its width. So the buckets of an older line, which
    are not wider, lie each in one of the new ones, and the joined line is that of all points.

    Args:
        points: of one metric, in any order, repetitions allowed.
        older: a line of other points of the metric, or of the same ones.
        most: how many buckets the line has at the most; at least 2.
    """
    buckets = sorted([*older, *_per_step(points)], key=attrgetter("first_step"))
    if not buckets:
        return []
    lowest, highest = buckets[0].first_step, max(bucket.last_step for bucket in buckets)
    width = 0
    while (highest >> width) - (lowest >> width) >= most:
        width += 1
    grouped = groupby(buckets, key=lambda bucket: bucket.first_step >> width)
    return [_joined(list(group)) for _, group in grouped]


def _per_step(points: Iterable[Point]) -> list[Bucket]:
    by_step: dict[int, list[Point]] = {}
    for point in points:
        by_step.setdefault(point[3], []).append(point)
    found = []
    for step, group in by_step.items():
        known = summary(group)
        found.append(Bucket(step, step, known.last_time, known.last, known.min, known.max))
    return found


def _by_end(bucket: Bucket) -> tuple[int, int, float, float]:
    return bucket.last_step, bucket.last_time, *rank(bucket.last)


def _joined(buckets: list[Bucket]) -> Bucket:
    if len(buckets) == 1:
        return buckets[0]
    last = max(buckets, key=_by_end)
    lows = [bucket.min for bucket in buckets if not isnan(bucket.min)]
    highs = [bucket.max for bucket in buckets if not isnan(bucket.max)]
    return Bucket(
        buckets[0].first_step,
        last.last_step,
        last.last_time,
        last.last,
        min(lows, key=rank, default=last.last),
        max(highs, key=rank, default=last.last),
    )
