"""MLflow's endpoints of runs: `mlflow/runs/...` but for metrics (mlflow 3.18 `protos/service.proto`)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from functions.access.principal import Principal
from functions.errors import Unacceptable
from functions.experiments import service as experiments
from functions.experiments.service import Dataset
from functions.mlflow import places
from functions.mlflow.asks import VIEWS, Ask, Fields
from functions.mlflow.errors import invalid, missing
from functions.mlflow.shapes import Answer, Route, found_page, lean, listed, number
from functions.runs import service
from functions.runs.merge import Run
from functions.search import service as search

STATUSES = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
# MLflow's server cuts longer values silently (MLFLOW_TRUNCATE_LONG_VALUES, on by default).
PARAM_CHARS, TAG_CHARS = 6000, 8000
_MOST_RESULTS, _USUAL_RESULTS = 50_000, 1000
# Schemas and profiles of datasets in one answer, in characters.
_BODIES_CHARS = 1_000_000
_HISTORY_TAG = "mlflow.log-model.history"
_MODEL_FIELDS = ("run_id", "artifact_path", "utc_time_created", "model_uuid")
# The bodies of datasets by experiment and id.
Bodies = Mapping[str, Mapping[str, Dataset]]

_NEEDED_MODEL_FIELDS = {"artifact_path", "flavors", "utc_time_created", "run_id"}


def create(who: Principal, ask: Ask) -> Answer:
    """POST runs/create; without an experiment it is the team's Default."""
    experiment_id = ask.experiment_id() if ask.text("experiment_id") else "0"
    run = service.create(
        who,
        experiment_id=experiment_id,
        name=ask.text("run_name") or None,
        start=ask.whole("start_time"),
        user_id=ask.text("user_id") or "",
        tags=cut(ask.pairs("tags"), TAG_CHARS),
    )
    return {"run": shown(run, {})}


def get(who: Principal, ask: Ask) -> Answer:
    """GET runs/get, with inputs and outputs."""
    run = service.get(who, ask.run_id())
    return {"run": shown(run, _datasets(who, [run]))}


def update(who: Principal, ask: Ask) -> Answer:
    """POST runs/update."""
    run = service.update(
        who,
        ask.run_id(),
        status=ask.word("status", STATUSES),
        end_time=ask.whole("end_time"),
        name=ask.text("run_name") or None,
    )
    return {"run_info": _info(run)}


def delete(who: Principal, ask: Ask) -> Answer:
    """POST runs/delete."""
    service.delete(who, ask.run_id())
    return {}


def restore(who: Principal, ask: Ask) -> Answer:
    """POST runs/restore."""
    service.restore(who, ask.run_id())
    return {}


def log_parameter(who: Principal, ask: Ask) -> Answer:
    """POST runs/log-parameter."""
    run_id = ask.run_id()
    service.amend(who, run_id, params=cut([(ask.need("key"), ask.text("value") or "")], PARAM_CHARS))
    return {}


def set_tag(who: Principal, ask: Ask) -> Answer:
    """POST runs/set-tag."""
    run_id = ask.run_id()
    service.amend(who, run_id, tags=cut([(ask.need("key"), ask.text("value") or "")], TAG_CHARS))
    return {}


def delete_tag(who: Principal, ask: Ask) -> Answer:
    """POST runs/delete-tag."""
    service.delete_tag(who, ask.run_id(), ask.need("key"))
    return {}


def log_inputs(who: Principal, ask: Ask) -> Answer:
    """POST runs/log-inputs: datasets and models that the run read."""
    run_id = ask.run_id()
    datasets = [_dataset(one) for one in ask.objects("datasets")]
    models = [(one.need("model_id"), dict[str, str]()) for one in ask.objects("models")]
    service.log_inputs(who, run_id, datasets=datasets, models=models)
    return {}


def log_outputs(who: Principal, ask: Ask) -> Answer:
    """POST runs/outputs: models that the run wrote."""
    run_id = ask.run_id()
    models = [(one.need("model_id"), one.whole("step") or 0) for one in ask.objects("models")]
    if not models:
        raise missing("models")
    service.log_outputs(who, run_id, models)
    return {}


def log_model(who: Principal, ask: Ask) -> Answer:
    """POST runs/log-model, with which clients 2.x keep their models in a tag of the run; once per model."""
    run_id = ask.run_id()
    model = _model(ask.need("model_json"))

    def with_it(tag: str | None) -> str:
        before = _history(tag)
        if tag is not None and model in before:
            return tag
        history = json.dumps([*before, model])
        if len(history) > TAG_CHARS:
            message = f"The tag '{_HISTORY_TAG}' is full ({TAG_CHARS} characters): it takes no more models."
            raise Unacceptable(message, field="model_json")
        return history

    service.retag(who, run_id, _HISTORY_TAG, with_it)
    return {}


def find(who: Principal, ask: Ask) -> Answer:
    """POST runs/search."""
    experiment_ids = ask.experiment_ids()
    found = search.runs(
        who,
        experiment_ids,
        filter=ask.text("filter") or "",
        order_by=ask.texts("order_by"),
        view=ask.known_word("run_view_type", VIEWS) or "ACTIVE_ONLY",
        max_results=ask.page_size(_USUAL_RESULTS, _MOST_RESULTS),
        page_token=ask.page_token(),
    )
    bodies = _datasets(who, found.records)
    return found_page("runs", found, lambda run: shown(run, bodies))


def shown(run: Run, bodies: Bodies) -> dict[str, Any]:
    """A run as MLflow prints it, with the bodies of its dataset inputs."""
    datasets = bodies.get(run.experiment_id, {})
    metrics = [
        {"key": key, "value": number(one.last), "timestamp": one.last_time, "step": one.last_step}
        for key, one in run.metrics.items()
    ]
    dataset_inputs = [
        lean(tags=listed(one.tags), dataset=shown_dataset(datasets[one.dataset_id]))
        for one in run.inputs
        if one.dataset_id in datasets
    ]
    model_inputs = [{"model_id": one.model_id} for one in run.inputs if one.model_id]
    outputs = [{"model_id": one.model_id, "step": one.step} for one in run.outputs if one.model_id]
    return {
        "info": _info(run),
        "data": lean(metrics=metrics, params=listed(run.params), tags=listed(run.tags)),
        "inputs": lean(dataset_inputs=dataset_inputs, model_inputs=model_inputs),
        "outputs": lean(model_outputs=outputs),
    }


def shown_dataset(dataset: Dataset) -> dict[str, Any]:
    """A dataset as MLflow prints it."""
    return lean(
        name=dataset.name,
        digest=dataset.digest,
        source_type=dataset.source_type,
        source=dataset.source,
        schema=dataset.schema or None,
        profile=dataset.profile or None,
    )


def cut(texts: Sequence[tuple[str, str]], most: int) -> dict[str, str]:
    """Params or tags with values cut as MLflow's server cuts them; of equal keys the last one wins."""
    return {key: value[:most] for key, value in texts}


def _info(run: Run) -> dict[str, Any]:
    # `created_by` is ours: MLflow's clients ignore a field that they do not know.
    return lean(
        run_id=run.run_id,
        run_uuid=run.run_id,
        run_name=run.name,
        experiment_id=run.experiment_id,
        user_id=run.user_id,
        status=run.status,
        start_time=run.start_time,
        end_time=run.end_time,
        artifact_uri=places.of_run(run.experiment_id, run.run_id),
        lifecycle_stage=run.lifecycle,
        created_by=run.created_by,
    )


def _datasets(who: Principal, found: Sequence[Run]) -> Bodies:
    wanted: dict[str, dict[str, None]] = {}
    for run in found:
        for one in run.inputs:
            if one.dataset_id:
                wanted.setdefault(run.experiment_id, {})[one.dataset_id] = None
    found_bodies = {
        place: experiments.datasets_of_runs(who, place, list(ids)) for place, ids in wanted.items()
    }
    return {place: _within(bodies) for place, bodies in found_bodies.items()}


def _within(bodies: Mapping[str, Dataset]) -> dict[str, Dataset]:
    """Bodies that fit into an answer: behind the first megabyte they come without schema and profile."""
    size, found = 0, {}
    for known_as, body in bodies.items():
        size += len(body.schema or "") + len(body.profile or "")
        found[known_as] = body if size <= _BODIES_CHARS else replace(body, schema=None, profile=None)
    return found


def _dataset(asked: Fields) -> tuple[Dataset, dict[str, str]]:
    body = asked.inner("dataset")
    if body is None:
        raise missing(asked.place("dataset"))
    dataset = Dataset(
        name=body.need("name"),
        digest=body.need("digest"),
        source_type=body.text("source_type") or "",
        source=body.text("source") or "",
        schema=body.text("schema") or "",
        profile=body.text("profile") or "",
    )
    return dataset, dict(asked.pairs("tags"))


def _model(text: str) -> dict[str, Any]:
    try:
        model = json.loads(text)
    except (ValueError, RecursionError):
        raise invalid("model_json", text, "a JSON object") from None
    if not isinstance(model, dict):
        raise invalid("model_json", text, "a JSON object")
    absent = _NEEDED_MODEL_FIELDS - model.keys()
    if absent:
        message = f"Model json is missing mandatory fields: {sorted(absent)}"
        raise Unacceptable(message, field="model_json")
    flavors = model["flavors"]
    if not isinstance(flavors, dict):
        raise invalid("model_json.flavors", flavors, "a JSON object")
    kept = {name: model[name] for name in _MODEL_FIELDS if name in model}
    return kept | {"flavors": {name: _without_config(flavor) for name, flavor in flavors.items()}}


def _without_config(flavor: object) -> object:
    if not isinstance(flavor, dict):
        return flavor
    return {key: value for key, value in flavor.items() if key != "config"}


def _history(text: str | None) -> list[Any]:
    try:
        history = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return []
    return history if isinstance(history, list) else []


ROUTES: tuple[Route, ...] = (
    Route("POST", "runs/create", create, writes=True),
    Route("GET", "runs/get", get),
    Route("POST", "runs/update", update, writes=True),
    Route("POST", "runs/delete", delete, writes=True),
    Route("POST", "runs/restore", restore, writes=True),
    Route("POST", "runs/log-parameter", log_parameter, writes=True),
    Route("POST", "runs/set-tag", set_tag, writes=True),
    Route("POST", "runs/delete-tag", delete_tag, writes=True),
    Route("POST", "runs/log-inputs", log_inputs, writes=True),
    Route("POST", "runs/outputs", log_outputs, writes=True),
    Route("POST", "runs/log-model", log_model, writes=True),
    Route("POST", "runs/search", find),
)
