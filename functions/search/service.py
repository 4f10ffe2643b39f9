"""The verbs of search: read what may match, strongly, and let the plan choose."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

from functions.access.grants import grant
from functions.access.policy import Action
from functions.access.principal import Principal
from functions.errors import NotFound
from functions.experiments import service as experiment_room
from functions.experiments.service import Dataset, Experiment
from functions.ids import parse_experiment_id, parse_run_id
from functions.logged_models import service as logged_model_room
from functions.logged_models.service import LoggedModel
from functions.parallel import together
from functions.runs import service as run_room
from functions.runs.merge import Run
from functions.search.fields import EXPERIMENTS, LOGGED_MODELS, RUNS
from functions.search.pages import refusal
from functions.search.plan import Plan, plan
from functions.search.readers import OnDataset

__all__ = ["VIEWS", "Found", "OnDataset", "experiments", "logged_models", "runs"]

RecordT = TypeVar("RecordT")

# Which lifecycles each of MLflow's view types shows.
VIEWS = {"ACTIVE_ONLY": {"active"}, "DELETED_ONLY": {"deleted"}, "ALL": {"active", "deleted"}}


class Found(NamedTuple, Generic[RecordT]):
    """A page of a search: its records, the next page's token if there is one, and how to end it earlier."""

    records: list[RecordT]
    next: str | None
    token: Callable[[RecordT], str]


def runs(
    who: Principal,
    experiment_ids: Sequence[str],
    *,
    filter: str = "",  # noqa: A002  (the field's standard term)
    order_by: Sequence[str] = (),
    view: str = "ACTIVE_ONLY",
    max_results: int = 1000,
    page_token: str | None = None,
) -> Found[Run]:
    """Runs of these experiments that match, with everything that was logged before this call.

    Args:
        who: the caller.
        experiment_ids: where to look; an id that does not exist has no runs.
        filter: MLflow's grammar and ours, see `grammar`.
        order_by: `key [ASC|DESC]`, each; by default the latest start first.
        view: one of `VIEWS`.
        max_results: how many at the most.
        page_token: from the page before, of the same search.

    Raises:
        Unacceptable: a bad filter, order or token; a statistic without a goal.
    """
    grant(who, Action.READ)
    chosen = _existing(experiment_ids)
    asked = plan(RUNS, chosen, filter, order_by, view=view)
    last = asked.after(page_token)
    if not asked.plain:
        found, searched = run_room.listing(who, chosen)
        every = [run for run in found if run.lifecycle in VIEWS[view]]
        known = _datasets(who, every) if "datasets" in asked.needs else None
        page = asked.page(every, max_results, page_token, experiments=searched, datasets=known)
        return Found(*page, asked.token)
    after = None if last is None else _run_named(last[-1])
    found, _ = run_room.listing(who, chosen, after=after, page=max_results + 1)
    return _first((run for run in found if run.lifecycle in VIEWS[view]), max_results, asked)


def experiments(
    who: Principal,
    *,
    filter: str = "",  # noqa: A002  (the field's standard term)
    order_by: Sequence[str] = (),
    view: str = "ACTIVE_ONLY",
    max_results: int = 1000,
    page_token: str | None = None,
) -> Found[Experiment]:
    """The team's experiments that match, the latest created first. Arguments and errors as for `runs`."""
    grant(who, Action.READ)
    asked = plan(EXPERIMENTS, (), filter, order_by, view=view)
    every = [one for one in experiment_room.listing(who) if one.lifecycle in VIEWS[view]]
    return Found(*asked.page(every, max_results, page_token), asked.token)


def logged_models(
    who: Principal,
    experiment_ids: Sequence[str],
    *,
    filter: str = "",  # noqa: A002  (the field's standard term)
    order_by: Sequence[str | Mapping[str, Any]] = (),
    datasets: Sequence[OnDataset] = (),
    max_results: int = 100,
    page_token: str | None = None,
) -> Found[LoggedModel]:
    """Logged models of these experiments that match, by default the latest created first.

    Args:
        who: the caller.
        experiment_ids: where to look.
        filter: as for `runs`.
        order_by: as for `runs`, or MLflow's objects.
        datasets: only models with a metric on one of these, and only such metrics count.
        max_results: how many at the most.
        page_token: from the page before, of the same search.

    Raises:
        Unacceptable: a bad filter, order or token.
    """
    grant(who, Action.READ)
    chosen = _existing(experiment_ids)
    asked = plan(LOGGED_MODELS, chosen, filter, order_by, on=datasets)
    parts = together(*(partial(logged_model_room.listing, who, one) for one in chosen)) if chosen else []
    return Found(
        *asked.page([model for part in parts for model in part], max_results, page_token), asked.token
    )


def _run_named(value: object) -> str:
    """The run behind which a page begins. Anybody can make a token that names none."""
    try:
        return parse_run_id(value).text
    except NotFound:
        raise refusal() from None


def _existing(experiment_ids: Iterable[str]) -> list[str]:
    found = []
    for one in dict.fromkeys(experiment_ids):
        try:
            found.append(parse_experiment_id(one))
        except NotFound:
            continue
    return found


def _first(records: Iterable[Run], limit: int, asked: Plan) -> Found[Run]:
    first = list(islice(records, limit + 1))
    following = asked.token(first[limit - 1]) if len(first) > limit else None
    return Found(first[:limit], following, asked.token)


def _datasets(who: Principal, found: Collection[Run]) -> dict[str, Dataset]:
    wanted: dict[str, dict[str, None]] = {}
    for run in found:
        for one in run.inputs:
            if one.dataset_id:
                wanted.setdefault(run.experiment_id, {})[one.dataset_id] = None
    known: dict[str, Dataset] = {}
    for experiment_id, ids in wanted.items():
        known |= experiment_room.datasets_of_runs(who, experiment_id, list(ids))
    return known
