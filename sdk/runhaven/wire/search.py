"""Searches: what is asked for, and a page of what was found."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Le, Len

from runhaven.wire.experiments import Experiment
from runhaven.wire.logged_models import LoggedModel
from runhaven.wire.runs import Run

View = Literal["ACTIVE_ONLY", "DELETED_ONLY", "ALL"]
Limit = Annotated[int, Ge(1), Le(1000)]


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for.

    Attributes:
        experiment_ids: where to look; experiments are searched in the whole team.
        filter: such as `metrics.loss.min < 0.1 AND (params.lr = '0.01' OR tags.kind LIKE 'base%')`.
        order_by: each `key [ASC|DESC]`.
        view: which lifecycles.
        limit: how many at the most; a page also ends at 4 MB.
        page_token: from the page before, of the same search.
    """

    experiment_ids: Annotated[list[str], Len(0, 1000)] = field(default_factory=list)
    filter: str = ""
    order_by: list[str] = field(default_factory=list)
    view: View = "ACTIVE_ONLY"
    limit: Limit = 100
    page_token: str | None = None


@dataclass(frozen=True, slots=True)
class Runs:
    """A page of runs."""

    runs: list[Run]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class ExperimentsFound:
    """A page of experiments."""

    experiments: list[Experiment]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedModelsFound:
    """A page of logged models."""

    logged_models: list[LoggedModel]
    next: str | None = None
