"""What most people write: mlflow's fluent calls, one after the other."""

import contextlib
import math
import time

import mlflow
import pandas as pd
from mlflow import MlflowClient
from refusals import refused

name = f"fluent {time.time_ns()}"
experiment = mlflow.set_experiment(name)
assert mlflow.set_experiment(name).experiment_id == experiment.experiment_id

with mlflow.start_run(run_name="first", description="about it", tags={"stage": "one"}) as first:
    mlflow.log_param("depth", 3)
    mlflow.log_params({"rate": 0.1, "name": "Grüße, 世界"})
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metrics({"nan": math.nan, "most": math.inf, "least": -math.inf, "tiny": 5e-324}, step=7)
    mlflow.set_tag("note", "hello")
    mlflow.set_tags({"one": "1", "two": "2"})
    mlflow.delete_tag("two")
    frame = pd.DataFrame({"x": [1, 2], "y": [0.5, 1.5]})
    mlflow.log_input(mlflow.data.from_pandas(frame, name="numbers"), context="train")
    with mlflow.start_run(nested=True, run_name="child") as child:
        mlflow.log_metric("loss", 9)

client = MlflowClient()
run = client.get_run(first.info.run_id)
assert (run.info.status, run.info.run_name, run.info.lifecycle_stage) == ("FINISHED", "first", "active")
assert run.info.start_time <= run.info.end_time
assert run.data.params == {"depth": "3", "rate": "0.1", "name": "Grüße, 世界"}
assert run.data.metrics["loss"] == 0.2
assert math.isnan(run.data.metrics["nan"])
assert (run.data.metrics["most"], run.data.metrics["least"]) == (math.inf, -math.inf)
assert run.data.metrics["tiny"] == 5e-324
assert run.data.tags["mlflow.note.content"] == "about it"
assert "two" not in run.data.tags
assert run.data.tags["mlflow.runName"] == "first"
(read,) = run.inputs.dataset_inputs
assert read.dataset.name == "numbers"
assert [(tag.key, tag.value) for tag in read.tags] == [("mlflow.data.context", "train")]
assert client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == first.info.run_id
assert [point.step for point in client.get_metric_history(first.info.run_id, "loss")] == [0, 1, 2, 3, 4]
assert client.get_metric_history(first.info.run_id, "nothing") == []

found = mlflow.search_runs(filter_string="metrics.loss < 1 and params.depth = '3'")
assert list(found["run_id"]) == [first.info.run_id]

with mlflow.start_run(run_id=first.info.run_id):
    mlflow.log_metric("late", 1)
    words = refused("INVALID_PARAMETER_VALUE", mlflow.log_param, "depth", 4)
    assert "Changing param values is not allowed" in words

with contextlib.suppress(ZeroDivisionError), mlflow.start_run(run_name="broken") as broken:
    1 / 0  # noqa: B018
assert client.get_run(broken.info.run_id).info.status == "FAILED"

mlflow.delete_run(first.info.run_id)
assert client.get_run(first.info.run_id).info.lifecycle_stage == "deleted"
words = refused("INVALID_PARAMETER_VALUE", client.log_metric, first.info.run_id, "loss", 1)
assert "must be in the 'active' state" in words
client.restore_run(first.info.run_id)
assert client.get_run(first.info.run_id).info.lifecycle_stage == "active"

mlflow.log_metric("outside", 1)
unnamed = mlflow.active_run()
mlflow.end_run()
assert client.get_run(unnamed.info.run_id).info.run_name
