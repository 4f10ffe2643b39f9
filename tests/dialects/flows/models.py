"""Logged models as clients of version 3 use them, and what clients of version 2 do instead."""

import json
import time

import mlflow
from mlflow import MlflowClient
from refusals import refused

client = MlflowClient()
experiment = client.create_experiment(f"models {time.time_ns()}")
run = client.create_run(experiment)
run_id = run.info.run_id

if mlflow.__version__.startswith("2."):
    model = mlflow.models.Model(artifact_path="model", run_id=run_id, flavors={"sklearn": {"a": 1}})
    client._record_logged_model(run_id, model)
    client._record_logged_model(run_id, model)
    history = json.loads(client.get_run(run_id).data.tags["mlflow.log-model.history"])
    assert [one["artifact_path"] for one in history] == ["model"], history
    raise SystemExit

made = client.create_logged_model(
    experiment, name="mine", source_run_id=run_id, params={"a": "1"}, tags={"x": "y"}, model_type="tree"
)
assert (made.status.value, made.name, made.params, made.tags) == ("PENDING", "mine", {"a": "1"}, {"x": "y"})
ready = client.finalize_logged_model(made.model_id, "READY")
assert ready.status.value == "READY"
client.set_logged_model_tags(made.model_id, {"z": "1", "w": "2"})
client.delete_logged_model_tag(made.model_id, "w")
client.log_outputs(run_id, [mlflow.entities.LoggedModelOutput(made.model_id, step=3)])
client.log_inputs(run_id, models=[mlflow.entities.LoggedModelInput(made.model_id)])
for step in range(3):
    client.log_metric(
        run_id, "score", step, step=step, model_id=made.model_id, dataset_name="d", dataset_digest="1"
    )
client.log_batch(
    run_id,
    metrics=[mlflow.entities.Metric("other", 7, 1, 0, model_id=made.model_id, run_id=run_id)],
)
got = client.get_logged_model(made.model_id)
assert got.tags == {"x": "y", "z": "1"}
assert {(one.key, one.value, one.dataset_name, one.run_id) for one in got.metrics} >= {
    ("score", 2.0, "d", run_id),
    ("other", 7.0, None, run_id),
}
seen = client.get_run(run_id)
assert [(one.model_id, one.step) for one in seen.outputs.model_outputs] == [(made.model_id, 3)]
assert [one.model_id for one in seen.inputs.model_inputs] == [made.model_id]
assert seen.data.metrics == {"score": 2.0, "other": 7.0}

others = [client.create_logged_model(experiment, name=f"other-{number}") for number in range(3)]


def names(**asked):
    """What is found, in which order."""
    return [model.name for model in client.search_logged_models([experiment], **asked)]


assert names() == ["other-2", "other-1", "other-0", "mine"]
assert names(filter_string="name = 'mine' AND metrics.score > 1 AND params.a = '1'") == ["mine"]
assert names(filter_string="tags.x = 'y'") == ["mine"]
assert names(order_by=[{"field_name": "creation_timestamp", "ascending": True}])[0] == "mine"
assert names(datasets=[{"dataset_name": "d"}]) == ["mine"]
assert names(datasets=[{"dataset_name": "d", "dataset_digest": "2"}]) == []
first = client.search_logged_models([experiment], max_results=3)
rest = client.search_logged_models([experiment], max_results=3, page_token=first.token)
assert (len(first), len(rest), rest.token or None) == (3, 1, None)

client.delete_logged_model(others[0].model_id)
assert "other-0" not in names()
refused("RESOURCE_DOES_NOT_EXIST", client.get_logged_model, others[0].model_id)

# Fluent, with a model that was made before.
mlflow.set_experiment(experiment_id=experiment)
with mlflow.start_run():
    mlflow.log_metric("m", 1, model_id=made.model_id)
assert {one.key for one in client.get_logged_model(made.model_id).metrics} == {"score", "other", "m"}
