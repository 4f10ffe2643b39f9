"""A run as everybody sees it: its head with its tail merged in (pure).

Merging gives the same answer in any order and any number of times: params never change, last, min, max and
first are extremes, records of SDK writers count once by their sequence numbers, and a batch of a caller that
names no writer counts once by its content until it is folded.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import isnan
from operator import itemgetter
from typing import NamedTuple

from functions.runs.content import AtBest, Content, Input, Metric, Metrics, Output, add_range, in_ranges
from functions.runs.points import Batch, Point, rank, unpack

NAME_TAG = "mlflow.runName"


class Facts(NamedTuple):
    """The plain attributes of a run's head.

    Times are milliseconds since 1970 UTC. `token` is the id of the Runhaven token that created the run, `rv`
    the head's revision, `blocks` how many metric blocks its folds have written since the last compaction.
    """

    run_id: str
    experiment_id: str
    name: str
    status: str
    start_time: int
    end_time: int | None
    user_id: str
    created_by: str
    token: str | None
    deleted_at: int | None
    rv: int
    blocks: int
    due: int | None


class Goals(NamedTuple):
    """An experiment's goals: which way each metric is better, and which metric is the primary one."""

    goals: Mapping[str, str]
    primary: str | None

    @property
    def best(self) -> tuple[str, str] | None:
        """The primary metric and its goal, where both are set."""
        if self.primary is None or self.primary not in self.goals:
            return None
        return self.primary, self.goals[self.primary]


NO_GOALS = Goals({}, None)


class Run:
    """A run: the facts of its head at once, everything else decoded and merged at the first look."""

    def __init__(
        self,
        facts: Facts,
        blob: bytes,
        tails: Sequence[tuple[str, bytes]] = (),
        *,
        lifecycle: str = "active",
        goals: Goals = NO_GOALS,
    ) -> None:
        self.facts, self._blob, self._tails = facts, blob, tails
        self.lifecycle, self.experiment_goals = lifecycle, goals
        self.run_id, self.experiment_id = facts.run_id, facts.experiment_id
        self.name, self.status = facts.name, facts.status
        self.start_time, self.end_time = facts.start_time, facts.end_time
        self.user_id, self.created_by, self.token = facts.user_id, facts.created_by, facts.token

    @cached_property
    def content(self) -> Content:
        """The head's content with the tail in it."""
        content = Content(self._blob)
        if self._tails:
            absorb(content, [(key, unpack(blob)) for key, blob in self._tails], self.experiment_goals)
        return content

    @property
    def params(self) -> dict[str, str]:
        """The run's parameters."""
        return self.content.params

    @cached_property
    def tags(self) -> dict[str, str]:
        """The run's tags; its name is always among them, as MLflow's clients expect."""
        return {**self.content.tags, NAME_TAG: self.name}

    @property
    def metrics(self) -> Metrics:
        """What is known of each metric."""
        return self.content.metrics

    @property
    def inputs(self) -> list[Input]:
        """Datasets and models that the run read."""
        return self.content.inputs

    @property
    def outputs(self) -> list[Output]:
        """Models and datasets that the run wrote."""
        return self.content.outputs

    @property
    def goals(self) -> Mapping[str, str]:
        """Which way each metric of the experiment is better."""
        return self.experiment_goals.goals

    @property
    def primary(self) -> str | None:
        """The experiment's primary metric."""
        return self.experiment_goals.primary

    @cached_property
    def at_best(self) -> dict[str, float]:
        """Each metric's value at the step where the primary metric is best, as far as it is known."""
        best = self.experiment_goals.best
        if best is None:
            return {}
        found = best_known(self.content.metrics, self.content.at_best, (), best)
        return found.values if found else {}


def absorb(content: Content, tails: Iterable[tuple[str, Batch]], goals: Goals = NO_GOALS) -> None:
    """Merge tail items, given as (key, batch), into a head's content."""
    fresh, writers = news(content, tails)
    by_key: dict[str, list[Point]] = {}
    for point in fresh:
        by_key.setdefault(point[0], []).append(point)
    for key, group in by_key.items():
        content.metrics.changed[key] = summary(group, content.metrics.get(key))
    content.writers = {**content.writers, **writers}
    if goals.best is not None and fresh:
        content.at_best = best_known(content.metrics, content.at_best, fresh, goals.best)


def news(content: Content, tails: Iterable[tuple[str, Batch]]) -> tuple[list[Point], dict[str, list[int]]]:
    """The points of a tail that are not in the content yet, and what it will have received of each writer."""
    fresh: list[Point] = []
    seen: dict[str, set[int]] = {}
    for key, batch in tails:
        if not batch.writer:
            if key not in content.folded:
                fresh += batch.points
            continue
        had = content.writers.get(batch.writer, [])
        taken = seen.setdefault(batch.writer, set())
        for point, number in zip(batch.points, batch.sequence, strict=True):
            if number not in taken and not in_ranges(had, number):
                taken.add(number)
                fresh.append(point)
    return fresh, {
        writer: with_numbers(content.writers.get(writer, []), numbers) for writer, numbers in seen.items()
    }


def with_numbers(ranges: list[int], numbers: Iterable[int]) -> list[int]:
    """Ranges with single numbers added to them."""
    begin = end = None
    for number in sorted(numbers):
        if begin is not None and end is not None and number == end + 1:
            end = number
            continue
        if begin is not None and end is not None:
            ranges = add_range(ranges, begin, end)
        begin = end = number
    return ranges if begin is None or end is None else add_range(ranges, begin, end)


def summary(points: Sequence[Point], known: Metric | None = None) -> Metric:
    """What is known of a metric after more of its points came."""
    if known is None:
        _, value, time, step = points[0]
        known = Metric(value, value, value, value, step, time, step, step, step, time, 0)
    last, low, high, first, last_step, last_time, low_step, high_step, first_step, first_time, count = known
    for _, value, time, step in points:
        if step >= last_step and (step, time, *rank(value)) > (last_step, last_time, *rank(last)):
            last, last_time, last_step = value, time, step
        if step <= first_step and (step, time, *rank(value)) < (first_step, first_time, *rank(first)):
            first, first_time, first_step = value, time, step
        if isnan(value):
            continue
        if not value > low and (isnan(low) or (*rank(value), step) < (*rank(low), low_step)):
            low, low_step = value, step
        if not value < high and (isnan(high) or (*rank(value), -step) > (*rank(high), -high_step)):
            high, high_step = value, step
    if isnan(low):
        low, low_step, high, high_step = first, first_step, first, first_step
    return Metric(
        last, low, high, first,
        last_step, last_time, low_step, high_step, first_step, first_time, count + len(points),
    )  # fmt: skip


def best_known(
    metrics: Mapping[str, Metric], known: AtBest | None, points: Iterable[Point], best: tuple[str, str]
) -> AtBest | None:
    """Each metric's value at the primary metric's best step, from what the head and these points can tell."""
    primary, goal = best
    if primary not in metrics:
        return None
    leader = metrics[primary]
    step = leader.min_step if goal == "min" else leader.max_step
    values: dict[str, float] = {}
    if known is not None and (known.primary, known.goal, known.step) == (primary, goal, step):
        values.update(known.values)
    else:
        for key, metric in metrics.items():
            at = {metric.first_step: metric.first, metric.min_step: metric.min, metric.max_step: metric.max}
            at[metric.last_step] = metric.last
            if step in at:
                values[key] = at[step]
    here = [(time, *rank(value), key, value) for key, value, time, at in points if at == step]
    values |= {key: value for *_, key, value in sorted(here, key=itemgetter(0, 1, 2))}
    values[primary] = leader.min if goal == "min" else leader.max
    return AtBest(primary, goal, step, values)
