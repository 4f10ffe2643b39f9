"""Packing points."""

import math
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.errors import Outdated
from functions.runs import points
from functions.runs.points import Batch
from tests.functions.runs.strategies import POINTS, TYING, exactly

BATCHES = st.lists(POINTS, min_size=1, max_size=40)


def regrouped(batch):
    """The points as pack groups them: by key, in the order in which the keys came."""
    order = list(dict.fromkeys(point[0] for point in batch))
    return sorted(batch, key=lambda point: order.index(point[0]))


@given(BATCHES)
def test_points_come_back_bit_by_bit(batch):
    """Every key, float64, timestamp and step comes back as it was packed, grouped by key."""
    found = points.unpack(points.pack(Batch(batch)))
    assert exactly(found.points) == exactly(regrouped(batch))
    assert (found.writer, found.sequence) == ("", [])


@given(BATCHES, st.integers(0, 2**53 - 100), st.randoms())
def test_sequence_numbers_stay_with_their_points(batch, first, chance):
    """A writer's numbers come back next to the points that they were given to."""
    numbers = list(range(first, first + 2 * len(batch), 2))
    chance.shuffle(numbers)
    found = points.unpack(points.pack(Batch(batch, "a" * 32, numbers)))
    assert found.writer == "a" * 32
    back = zip(exactly(found.points), found.sequence, strict=True)
    assert sorted(back) == sorted(zip(exactly(batch), numbers, strict=True))


@given(BATCHES)
def test_one_metric_is_read_alone(batch):
    """The slice of one metric is what the whole holds of it, also for a metric that is not in it."""
    blob = points.pack(Batch(batch))
    for key in {point[0] for point in batch} | {"not there"}:
        alone = [point for point in batch if point[0] == key]
        assert exactly(points.unpack_one(blob, key)) == exactly(alone)
        columns = [part for name, part in points.columns(blob) if name == key]
        assert exactly(point for part in columns for point in part.points(key)) == exactly(alone)


@given(BATCHES, st.integers(80, 2000))
def test_parts_are_as_small_as_was_asked(batch, most):
    """A batch in parts holds the same points and numbers, and a part is too large only if it is one point."""
    numbers = list(range(len(batch)))
    blobs = points.pack_within(Batch(batch, "b" * 32, numbers), most)
    parts = [points.unpack(blob) for blob in blobs]
    back = [
        (point, number)
        for part in parts
        for point, number in zip(exactly(part.points), part.sequence, strict=True)
    ]
    assert sorted(back) == sorted(zip(exactly(batch), numbers, strict=True))
    for blob, part in zip(blobs, parts, strict=True):
        assert len(blob) <= most or len(part.points) == 1


@given(st.lists(TYING, max_size=30), st.randoms())
def test_history_is_in_one_order_without_repetitions(batch, chance):
    """In any order, with repetitions, the same points make the same history by timestamp, step and value."""
    shuffled = [*batch, *chance.sample(batch, len(batch) // 2)]
    chance.shuffle(shuffled)
    for key in ("loss", "acc"):
        found = points.distinct(point for point in shuffled if point[0] == key)
        assert exactly(found) == exactly(points.distinct(point for point in batch if point[0] == key))
        places = [points.order(point) for point in found]
        assert places == sorted(set(places))
        assert [place[:2] for place in places] == [(time, step) for _, _, time, step in found]


def test_nan_stands_before_every_number_and_is_one_point():
    """NaN of any payload is the same NaN, comes first among its equals, and -0.0 comes before 0.0."""
    (other,) = struct.unpack("<d", b"\x01\0\0\0\0\0\xf8\xff")
    values = [0.0, math.nan, -0.0, -math.inf, other, math.inf]
    found = points.distinct(("k", value, 0, 0) for value in values)
    assert [str(point[1]) for point in found] == ["nan", "-inf", "-0.0", "0.0", "inf"]


def test_neighbours_share_their_bytes():
    """A point of a training curve takes about 8 bytes, whatever its name is."""
    chance = random.Random(1)
    curve = [
        ("val/loss", 1 / step + chance.random() / 100, 1_700_000_000_000 + 200 * step, step)
        for step in range(1, 10_001)
    ]
    assert len(points.pack(Batch(curve))) < 9 * len(curve)
    row = [(f"metric/{number}", chance.random(), 1_700_000_000_000, 7) for number in range(1000)]
    assert len(points.pack(Batch(row))) < 12 * len(row)


def test_a_blob_of_another_format_is_refused():
    """A blob that a later version wrote in a new format is refused instead of misread."""
    with pytest.raises(Outdated, match="newer Runhaven"):
        points.unpack(b"\x03abc")
