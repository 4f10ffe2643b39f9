"""What is known of metrics, told again in the plainest way, to hold the real thing against."""

import math

from tests.functions.runs.strategies import bits


def rank(value):
    """A value's place among values: NaN below every number, -0.0 below 0.0."""
    return (0, 0.0, 0) if math.isnan(value) else (1, value, math.copysign(1, value))


def told(points):
    """Last, min, max and first of each metric with their steps and times, from all its points."""
    found = {}
    for key in {point[0] for point in points}:
        mine = [point[1:] for point in points if point[0] == key]
        by_step = sorted(mine, key=lambda one: (one[2], one[1], rank(one[0])))
        numbers = [one for one in mine if not math.isnan(one[0])] or by_step[:1]
        low = min(numbers, key=lambda one: (rank(one[0]), one[2]))
        high = min(numbers, key=lambda one: (*(-part for part in rank(one[0])), one[2]))
        first, last = by_step[0], by_step[-1]
        found[key] = (
            last[0],
            low[0],
            high[0],
            first[0],
            last[2],
            last[1],
            low[2],
            high[2],
            first[2],
            first[1],
        )
    return found


def exact(metrics):
    """Metrics that can be compared bit by bit; without the count, which repetitions may raise."""
    return {key: (*map(bits, one[:4]), *one[4:10]) for key, one in metrics.items()}


def at_best(points, primary, goal):
    """Every metric's last value at the step where the primary metric is best; nothing without such a step."""
    known = told(points).get(primary)
    if known is None:
        return {}
    step = known[6] if goal == "min" else known[7]
    here = [point for point in points if point[3] == step]
    found = {point[0]: point[1] for point in sorted(here, key=lambda one: (one[2], rank(one[1])))}
    return {**found, primary: known[1] if goal == "min" else known[2]}


def history(points, key):
    """A metric's points, each once, by (timestamp, step, value)."""
    mine = {
        (bits(point[1] if not math.isnan(point[1]) else math.nan), *point[2:]): point
        for point in points
        if point[0] == key
    }
    return sorted(mine.values(), key=lambda one: (one[2], one[3], rank(one[1])))
