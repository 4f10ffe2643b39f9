"""Merging a tail into a head."""

import math
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.runs.content import Content
from functions.runs.merge import Goals, absorb, summary
from functions.runs.points import Batch
from tests.functions.runs.naive import exact, told
from tests.functions.runs.strategies import TYING

TAIL = st.lists(st.lists(TYING, min_size=1, max_size=6), min_size=1, max_size=8)


def absorbed(content, batches):
    """A packed content with more tail items in it, given as (key, batch)."""
    found = Content(content)
    absorb(found, batches)
    return found


@given(TAIL, st.data())
def test_any_order_and_split_gives_the_same_metrics(batches, data):
    """However points are split, ordered, repeated and folded, what is known of a metric is the same."""
    points = [point for batch in batches for point in batch]
    tail = [(str(number), Batch(batch)) for number, batch in enumerate(batches)]
    tail = data.draw(st.permutations(tail))
    cut = data.draw(st.integers(0, len(tail)))
    head = absorbed(b"", tail[:cut])
    found = absorbed(head.packed(), [*tail[cut:], *data.draw(st.permutations(tail))])
    assert exact(found.metrics) == exact(told(points))


@given(st.lists(TYING, min_size=1, max_size=40), st.data())
def test_every_record_of_a_writer_counts_once(points, data):
    """Overlapping pieces of a writer's records, in any order, count each record once, folded or not."""
    writer, total = "a" * 32, len(points)
    spans = data.draw(st.lists(st.tuples(st.integers(0, total - 1), st.integers(1, total)), max_size=6))
    spans = [*spans, (0, total)]
    tail = [
        (f"{first}-{count}", Batch(points[first : first + count], writer, list(range(first, total))[:count]))
        for first, count in data.draw(st.permutations(spans))
    ]
    cut = data.draw(st.integers(0, len(tail)))
    found = absorbed(absorbed(b"", tail[:cut]).packed(), tail[cut:])
    assert exact(found.metrics) == exact(told(points))
    for key, metric in found.metrics.items():
        assert metric.count == sum(point[0] == key for point in points)
    assert found.writers == {writer: [0, total - 1]}


@given(st.lists(TYING, min_size=1, max_size=12))
def test_a_folded_tail_item_counts_once(points):
    """While the head names a tail item as folded, reading both together counts its points once."""
    head = absorbed(b"", [("k", Batch(points))])
    head.folded = ["k"]
    found = absorbed(head.packed(), [("k", Batch(points))])
    assert sum(metric.count for metric in found.metrics.values()) == len(points)


def test_last_is_the_greatest_step_then_time_then_value():
    """The last value is at the greatest (step, timestamp, value), where NaN stands below every number."""
    nan = math.nan
    points = [("k", 9.0, 50, 1), ("k", 1.0, 10, 2), ("k", nan, 20, 2), ("k", -5.0, 20, 2), ("k", -6.0, 20, 2)]
    found = summary(points)
    assert (found.last, found.last_step, found.last_time) == (-5.0, 2, 20)
    assert (found.first, found.first_step, found.first_time) == (9.0, 1, 50)


def test_min_and_max_ignore_nan_unless_there_is_nothing_else():
    """Minimum and maximum are numbers at their least step, infinities too; only all-NaN metrics have NaN."""
    found = summary([("k", math.nan, 0, 0), ("k", math.inf, 0, 3), ("k", 2.0, 0, 5), ("k", 2.0, 0, 4)])
    assert (found.min, found.min_step, found.max, found.max_step) == (2.0, 4, math.inf, 3)
    nothing = summary([("k", math.nan, 0, 7), ("k", math.nan, 0, 6)])
    assert math.isnan(nothing.min)
    assert math.isnan(nothing.max)
    assert (nothing.min_step, nothing.max_step) == (6, 6)
    later = summary([("k", 1.0, 0, 9)], nothing)
    assert (later.min, later.min_step, later.max, later.first_step) == (1.0, 9, 1.0, 6)


@pytest.mark.parametrize(("goal", "step"), [("min", 2), ("max", 1)])
def test_at_best_follows_the_primary_metric(goal, step):
    """The values at best are those at the step where the primary metric is best, as far as they are known."""
    goals = Goals({"loss": goal}, "loss")
    content = Content()
    losses = {1: 3.0, 2: 1.0, 3: 2.0}
    for at, loss in losses.items():
        absorb(content, [(str(at), Batch([("loss", loss, at, at), ("acc", at / 10, at, at)]))], goals)
    known = SimpleNamespace(**{name: getattr(content.at_best, name) for name in ("step", "values", "goal")})
    assert (known.step, known.goal, known.values) == (step, goal, {"loss": losses[step], "acc": step / 10})
