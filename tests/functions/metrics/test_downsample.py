"""Lines of at most 1,000 buckets."""

import math

from hypothesis import given
from hypothesis import strategies as st

from functions.metrics.downsample import BUCKETS, Bucket, downsampled, pack, unpack
from tests.functions.runs.naive import rank, told
from tests.functions.runs.strategies import INT64, TIMES, VALUES, bits

POINTS = st.lists(
    st.tuples(st.just("k"), VALUES, TIMES, INT64)
    | st.tuples(st.just("k"), st.sampled_from([0.0, 1.0, math.nan]), st.integers(0, 2), st.integers(0, 9)),
    min_size=1,
    max_size=40,
)


def exact(line):
    """Buckets that can be compared bit by bit."""
    return [
        (*bucket[:3], *("NaN" if math.isnan(value) else bits(value) for value in bucket[3:]))
        for bucket in line
    ]


def whole(line):
    """The extremes of a line and its end: (min, max, last step, its time, last value), bit by bit."""
    lows = [bucket.min for bucket in line if not math.isnan(bucket.min)] or [math.nan]
    highs = [bucket.max for bucket in line if not math.isnan(bucket.max)] or [math.nan]
    end = max(line, key=lambda bucket: (bucket.last_step, bucket.last_time, rank(bucket.last)))
    low, high = min(lows, key=rank), max(highs, key=rank)
    return extreme(low), extreme(high), end.last_step, end.last_time, bits(end.last)


def extreme(value):
    """A least or greatest value to compare: where every value is NaN, which of them it is says nothing."""
    return "NaN" if math.isnan(value) else bits(value)


def of(points):
    """The same of points."""
    last, low, high, _, last_step, last_time, *_ = told(points)["k"]
    return extreme(low), extreme(high), last_step, last_time, bits(last)


@given(POINTS, st.integers(2, 12), st.data())
def test_a_line_keeps_ends_and_extremes(points, most, data):
    """A line has at most so many buckets, and each tells exactly what the points of its steps did."""
    line = downsampled(data.draw(st.permutations(points)), most=most)
    assert 0 < len(line) <= most
    assert whole(line) == of(points)
    firsts = [bucket.first_step for bucket in line]
    assert firsts == sorted(set(firsts))
    for bucket, end in zip(line, [*firsts[1:], math.inf], strict=True):
        assert whole([bucket]) == of([point for point in points if bucket.first_step <= point[3] < end])


@given(POINTS, st.integers(2, 12), st.data())
def test_an_older_line_loses_nothing(points, most, data):
    """The line of some points, joined with others that it may cover already, is the line of all of them."""
    older = downsampled(data.draw(st.lists(st.sampled_from(points))), most=most)
    newer = data.draw(st.lists(st.sampled_from(points)))
    rest = [point for point in points if point not in newer]
    line = downsampled(rest, downsampled(newer, older, most), most)
    assert exact(line) == exact(downsampled(points, most=most))


def test_few_steps_are_kept_whole():
    """A history of at most 1,000 steps is its own line."""
    points = [("k", step / 7, 100 + step, step) for step in range(BUCKETS)]
    assert downsampled(points) == [
        Bucket(step, step, time, value, value, value) for _, value, time, step in points
    ]
    assert len(downsampled([*points, ("k", 1.0, 0, BUCKETS)])) == 501


@given(POINTS)
def test_a_stored_line_comes_back(points):
    """A line comes back bit by bit; nothing gives an empty one."""
    line = downsampled(points)
    assert exact(unpack(pack(line))) == exact(line)
    assert downsampled([]) == []
