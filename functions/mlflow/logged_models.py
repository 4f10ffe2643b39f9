"""MLflow's endpoints of logged models: `mlflow/logged-models/...` (mlflow 3.18 `protos/service.proto`)."""

from collections.abc import Mapping
from typing import Any

from functions.access.principal import Principal
from functions.logged_models import service
from functions.logged_models.service import LoggedModel
from functions.mlflow import places
from functions.mlflow.asks import Ask, Fields
from functions.mlflow.errors import missing
from functions.mlflow.shapes import Answer, Route, found_page, lean, listed, number
from functions.search import service as search
from functions.search.service import OnDataset

# The protocol's words, and the house's.
STATUSES = {1: "LOGGED_MODEL_PENDING", 2: "LOGGED_MODEL_READY", 3: "LOGGED_MODEL_UPLOAD_FAILED"}
_HOUSE_STATUSES = {
    "LOGGED_MODEL_PENDING": "PENDING",
    "LOGGED_MODEL_READY": "READY",
    "LOGGED_MODEL_UPLOAD_FAILED": "FAILED",
}
_WIRE_STATUSES = {house: wire for wire, house in _HOUSE_STATUSES.items()}
_USUAL_RESULTS, _MOST_RESULTS = 50, 50_000


def create(who: Principal, ask: Ask) -> Answer:
    """POST logged-models."""
    model = service.create(
        who,
        experiment_id=ask.experiment_id(),
        name=ask.text("name") or None,
        model_type=ask.text("model_type") or None,
        source_run_id=ask.text("source_run_id") or None,
        params=dict(ask.pairs("params")),
        tags=dict(ask.pairs("tags")),
    )
    return {"model": shown(model)}


def get(who: Principal, ask: Ask) -> Answer:
    """GET logged-models/{model_id}; a deleted one only where the client says so."""
    return {"model": shown(service.get(who, ask.path["model_id"], deleted=ask.flag("allow_deleted")))}


def finalize(who: Principal, ask: Ask) -> Answer:
    """PATCH logged-models/{model_id}."""
    status = ask.word("status", STATUSES)
    if status is None:
        raise missing("status")
    return {"model": shown(service.finalize(who, ask.path["model_id"], _HOUSE_STATUSES[status]))}


def delete(who: Principal, ask: Ask) -> Answer:
    """DELETE logged-models/{model_id}."""
    service.delete(who, ask.path["model_id"])
    return {}


def set_tags(who: Principal, ask: Ask) -> Answer:
    """PATCH logged-models/{model_id}/tags."""
    service.set_tags(who, ask.path["model_id"], dict(ask.pairs("tags")))
    return {}


def delete_tag(who: Principal, ask: Ask) -> Answer:
    """DELETE logged-models/{model_id}/tags/{tag_key}."""
    service.delete_tag(who, ask.path["model_id"], ask.path["tag_key"])
    return {}


def log_params(who: Principal, ask: Ask) -> Answer:
    """POST logged-models/{model_id}/params."""
    service.log_params(who, ask.path["model_id"], dict(ask.pairs("params")))
    return {}


def find(who: Principal, ask: Ask) -> Answer:
    """POST logged-models/search."""
    experiment_ids = ask.experiment_ids()
    if not experiment_ids:
        raise missing("experiment_ids")
    found = search.logged_models(
        who,
        experiment_ids,
        filter=ask.text("filter") or "",
        order_by=[_order(one) for one in ask.objects("order_by")],
        datasets=[_dataset(one) for one in ask.objects("datasets")],
        # 0 is none here, unlike in the other searches.
        max_results=ask.page_size(_USUAL_RESULTS, _MOST_RESULTS, none=0),
        page_token=ask.page_token(),
    )
    return found_page("models", found, shown)


def shown(model: LoggedModel) -> dict[str, Any]:
    """A logged model as MLflow prints it."""
    info = lean(
        model_id=model.model_id,
        experiment_id=model.experiment_id,
        name=model.name,
        artifact_uri=places.of_logged_model(model.experiment_id, model.model_id),
        creation_timestamp_ms=model.created_at,
        last_updated_timestamp_ms=model.updated_at,
        model_type=model.model_type,
        source_run_id=model.source_run_id,
        status=_WIRE_STATUSES[model.status],
        tags=listed(model.tags),
        created_by=model.created_by,
    )
    metrics = [
        lean(
            key=one.key,
            value=number(one.value),
            timestamp=one.timestamp,
            step=one.step,
            model_id=model.model_id,
            dataset_name=one.dataset_name,
            dataset_digest=one.dataset_digest,
            run_id=one.run_id,
        )
        for one in model.metrics
    ]
    return {"info": info, "data": lean(params=listed(model.params), metrics=metrics)}


def _order(asked: Fields) -> Mapping[str, Any]:
    return {
        "field_name": asked.need("field_name"),
        "ascending": asked.flag("ascending") if asked.has("ascending") else True,
        "dataset_name": asked.text("dataset_name") or None,
        "dataset_digest": asked.text("dataset_digest") or None,
    }


def _dataset(asked: Fields) -> OnDataset:
    return OnDataset(asked.need("dataset_name"), asked.text("dataset_digest") or None)


ROUTES: tuple[Route, ...] = (
    Route("POST", "logged-models", create, writes=True),
    Route("POST", "logged-models/search", find),
    Route("GET", "logged-models/{model_id}", get),
    Route("PATCH", "logged-models/{model_id}", finalize, writes=True),
    Route("DELETE", "logged-models/{model_id}", delete, writes=True),
    Route("PATCH", "logged-models/{model_id}/tags", set_tags, writes=True),
    Route("DELETE", "logged-models/{model_id}/tags/{tag_key:path}", delete_tag, writes=True),
    Route("POST", "logged-models/{model_id}/params", log_params, writes=True),
)
