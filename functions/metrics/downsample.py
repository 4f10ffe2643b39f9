"""A metric's history as a line of at most 1,000 buckets, so that a chart is one small read (pure)."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import copysign, isnan
from operator import attrgetter
from typing import NamedTuple

import msgspec

from functions.runs.merge import summary
from functions.runs.points import Point, deflated, inflated

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

    Args:
        points: of one metric, in any order, repetitions allowed.
        older: a line of other points of the metric, or of the same ones.
        most: how many buckets the line has at the most, of equal width in steps.
    """
    buckets = sorted([*older, *_per_step(points)], key=attrgetter("first_step"))
    if not buckets:
        return []
    lowest, highest = buckets[0].first_step, max(bucket.last_step for bucket in buckets)
    width = max(1, -(-(highest - lowest + 1) // most))
    grouped = groupby(buckets, key=lambda bucket: (bucket.first_step - lowest) // width)
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


def _by_end(bucket: Bucket) -> tuple[int, int, tuple[bool, float, float]]:
    return bucket.last_step, bucket.last_time, _rank(bucket.last)


def _rank(value: float) -> tuple[bool, float, float]:
    """A value's place among values: NaN below every number, -0.0 below 0.0."""
    return (False, 0.0, 0.0) if isnan(value) else (True, value, copysign(1, value))


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
        min(lows, key=_rank, default=last.last),
        max(highs, key=_rank, default=last.last),
    )
