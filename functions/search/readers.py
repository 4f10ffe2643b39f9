"""How a field is read from a record; None means that the record has no such key.

Records are whatever has the attributes read here and in `fields`: runs are `runs.merge.Run`, experiments and
logged models the dataclasses of their rooms.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

from functions.errors import Unacceptable
from functions.ids import shown
from functions.runs.limits import CONTEXT_TAG
from functions.search.fields import AT_BEST, BEST, Entity, Target
from functions.search.tree import Field

Read = Callable[[Any], Any]


class Aims(Protocol):
    """An experiment's goals."""

    @property
    def goals(self) -> Mapping[str, str]:
        """Which way each metric is better: `min` or `max`."""
        ...

    @property
    def primary(self) -> str | None:
        """The metric whose best step is the run's best step."""
        ...


class Named(Protocol):
    """A dataset as a filter sees it."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def digest(self) -> str:
        """Its digest."""
        ...


class OnDataset(NamedTuple):
    """A restriction of a logged model's metrics to one dataset, or without a digest to all with its name."""

    name: str
    digest: str | None = None

    def covers(self, row: Any) -> bool:
        """Whether a logged model's metric was measured on this dataset."""
        return row.dataset_name == self.name and (self.digest is None or row.dataset_digest == self.digest)


def reader(
    field: Field, target: Target, on: Collection[OnDataset] = (), only: OnDataset | None = None
) -> Read:
    """Reads a field, which is not a dataset's, from a record.

    Args:
        field: what to read.
        target: the kind of the records.
        on: of a logged model's metrics, only those on one of these datasets count.
        only: and of these, only those on this one.
    """
    if field.entity is Entity.ATTRIBUTE:
        return target.attributes[field.key].read
    if field.entity is Entity.PARAM:
        return lambda record: record.params.get(field.key)
    if field.entity is Entity.TAG:
        return lambda record: record.tags.get(field.key)
    return _statistic(field) if target.statistics else _latest(field.key, on, only)


def _statistic(field: Field) -> Read:
    key = field.key
    if field.statistic == AT_BEST:
        return lambda run: run.at_best.get(key)
    if field.statistic == BEST:
        return lambda run: _best(run, key)
    take = attrgetter(field.statistic)

    def read(run: Any) -> Any:
        metric = run.metrics.get(key)
        return None if metric is None else take(metric)

    return read


def _best(run: Any, key: str) -> Any:
    goal, metric = run.goals.get(key), run.metrics.get(key)
    if goal is None or metric is None:
        return None
    return metric.min if goal == "min" else metric.max


def _latest(key: str, on: Collection[OnDataset], only: OnDataset | None) -> Read:
    def read(model: Any) -> Any:
        rows = [row for row in model.metrics if row.key == key]
        if on:
            rows = [row for row in rows if any(dataset.covers(row) for dataset in on)]
        if only is not None:
            rows = [row for row in rows if only.covers(row)]
        return max(rows, key=_recency).value if rows else None

    return read


def _recency(row: Any) -> tuple[int, int, bool, float]:
    number = row.value == row.value  # NaN stands below every number, as in a run
    return row.step, row.timestamp, number, row.value if number else 0.0


def dataset_values(key: str, datasets: Mapping[str, Named]) -> Callable[[Any], Iterable[str]]:
    """Reads `name`, `digest` or `context` of each of a run's dataset inputs."""
    if key == "context":
        return lambda run: [
            given.tags[CONTEXT_TAG] for given in run.inputs if given.dataset_id and CONTEXT_TAG in given.tags
        ]
    take = attrgetter(key)
    return lambda run: [
        take(datasets[given.dataset_id]) for given in run.inputs if given.dataset_id in datasets
    ]


def demand_goals(field: Field, experiments: Collection[Aims], blame: str) -> None:
    """Refuse `best` and `at_best` where no searched experiment defines them.

    Where only some do, the runs of the others have no such value, as if they lacked the metric.

    Raises:
        Unacceptable: of the request field *blame*; it says which tag to set.
    """
    if field.statistic == BEST and not any(field.key in aims.goals for aims in experiments):
        message = (
            f"{shown(str(field))} needs a goal: set the experiment tag {shown('runhaven.goal.' + field.key)} "
            "to 'min' or 'max', or ask for the statistic min or max."
        )
        raise Unacceptable(message, field=blame)
    if field.statistic == AT_BEST and not any(aims.primary in aims.goals for aims in experiments):
        message = (
            f"{shown(str(field))} needs a primary metric: set the experiment tags 'runhaven.primary' to its "
            "name and 'runhaven.goal.<its name>' to 'min' or 'max'."
        )
        raise Unacceptable(message, field=blame)
