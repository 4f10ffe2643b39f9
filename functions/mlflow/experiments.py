"""MLflow's endpoints of experiments: `mlflow/experiments/...` (mlflow 3.18 `protos/service.proto`)."""

from typing import Any

from functions.access.principal import Principal
from functions.errors import Unacceptable
from functions.experiments import service
from functions.experiments.service import Experiment
from functions.mlflow import places
from functions.mlflow.asks import VIEWS, Ask
from functions.mlflow.shapes import Answer, Route, found_page, lean, listed
from functions.search import service as search

MOST_RESULTS = 50_000
_SEARCHED_EXPERIMENTS = 20


def create(who: Principal, ask: Ask) -> Answer:
    """POST experiments/create."""
    name = ask.need("name")
    places.refuse(ask.text("artifact_location"), "artifact_location")
    return {"experiment_id": service.create(who, name, dict(ask.pairs("tags"))).id}


def get(who: Principal, ask: Ask) -> Answer:
    """GET experiments/get."""
    return {"experiment": shown(who, service.get(who, ask.experiment_id()))}


def by_name(who: Principal, ask: Ask) -> Answer:
    """GET experiments/get-by-name; deleted ones are found too, as `set_experiment` expects."""
    return {"experiment": shown(who, service.by_name(who, ask.need("experiment_name")))}


def update(who: Principal, ask: Ask) -> Answer:
    """POST experiments/update."""
    service.rename(who, ask.experiment_id(), ask.need("new_name"))
    return {}


def delete(who: Principal, ask: Ask) -> Answer:
    """POST experiments/delete."""
    service.delete(who, ask.experiment_id())
    return {}


def restore(who: Principal, ask: Ask) -> Answer:
    """POST experiments/restore."""
    service.restore(who, ask.experiment_id())
    return {}


def set_tag(who: Principal, ask: Ask) -> Answer:
    """POST experiments/set-experiment-tag."""
    service.set_tag(who, ask.experiment_id(), ask.need("key"), ask.text("value") or "")
    return {}


def delete_tag(who: Principal, ask: Ask) -> Answer:
    """POST experiments/delete-experiment-tag."""
    service.delete_tag(who, ask.experiment_id(), ask.need("key"))
    return {}


def find(who: Principal, ask: Ask) -> Answer:
    """POST and GET experiments/search."""
    found = search.experiments(
        who,
        filter=ask.text("filter") or "",
        order_by=ask.texts("order_by"),
        view=ask.known_word("view_type", VIEWS) or "ACTIVE_ONLY",
        # As in MLflow, nothing said is 0, which is refused.
        max_results=ask.page_size(0, MOST_RESULTS),
        page_token=ask.page_token(),
    )
    return found_page("experiments", found, lambda one: shown(who, one))


def find_datasets(who: Principal, ask: Ask) -> Answer:
    """POST experiments/search-datasets: which datasets the runs of up to 20 experiments read, and as what."""
    chosen = ask.experiment_ids()
    if not chosen:
        message = "SearchDatasets request must specify at least one experiment_id."
        raise Unacceptable(message, field="experiment_ids")
    if len(chosen) > _SEARCHED_EXPERIMENTS:
        message = (
            f"SearchDatasets request cannot specify more than {_SEARCHED_EXPERIMENTS} experiment_ids."
            f" Received {len(chosen)} experiment_ids."
        )
        raise Unacceptable(message, field="experiment_ids")
    summaries = [
        lean(experiment_id=one.experiment_id, name=one.name, digest=one.digest, context=one.context)
        for one in service.dataset_summaries(who, chosen)
    ]
    return lean(dataset_summaries=summaries)


def shown(who: Principal, experiment: Experiment) -> dict[str, Any]:
    """An experiment as MLflow prints it."""
    return lean(
        experiment_id=experiment.id,
        name=experiment.name,
        artifact_location=places.of_experiment(experiment.id),
        lifecycle_stage=experiment.lifecycle,
        last_update_time=experiment.updated_at,
        creation_time=experiment.created_at,
        tags=listed(experiment.tags),
        workspace=who.team,
    )


ROUTES: tuple[Route, ...] = (
    Route("POST", "experiments/create", create, writes=True),
    Route("GET", "experiments/get", get),
    Route("GET", "experiments/get-by-name", by_name),
    Route("POST", "experiments/update", update, writes=True),
    Route("POST", "experiments/delete", delete, writes=True),
    Route("POST", "experiments/restore", restore, writes=True),
    Route("POST", "experiments/set-experiment-tag", set_tag, writes=True),
    Route("POST", "experiments/delete-experiment-tag", delete_tag, writes=True),
    Route("POST", "experiments/search", find),
    Route("GET", "experiments/search", find),
    Route("POST", "experiments/search-datasets", find_datasets),
)
