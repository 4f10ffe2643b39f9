"""Tokens, as MLflow's clients send them."""

import os
import time

import mlflow
from mlflow import MlflowClient
from refusals import refused


def become(token="", basic=""):
    """Send these credentials from now on."""
    for name in ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        os.environ.pop(name, None)
    if token:
        os.environ["MLFLOW_TRACKING_TOKEN"] = token
    if basic:
        os.environ |= {"MLFLOW_TRACKING_USERNAME": "anything", "MLFLOW_TRACKING_PASSWORD": basic}


client = MlflowClient()
name = f"red {time.time_ns()}"
refused("UNAUTHENTICATED", client.get_experiment, "0")
become("rh_wrong")
refused("UNAUTHENTICATED", client.get_experiment, "0")

become(os.environ["CONTRIBUTOR"])
experiment = client.create_experiment(name)
run = client.create_run(experiment)
client.log_metric(run.info.run_id, "m", 1)
refused("PERMISSION_DENIED", client.delete_run, run.info.run_id)

become(basic=os.environ["VIEWER"])
assert client.get_run(run.info.run_id).data.metrics == {"m": 1.0}
refused("PERMISSION_DENIED", client.log_metric, run.info.run_id, "m", 2)

become(os.environ["STRANGER"])
refused("RESOURCE_DOES_NOT_EXIST", client.get_run, run.info.run_id)

# A token for logging sees what a training script needs, and its own runs only.
become(os.environ["LOG"])
mlflow.set_experiment(experiment_name=name)
with mlflow.start_run() as own:
    mlflow.log_params({"a": 1})
    mlflow.log_metric("m", 1)
assert client.get_run(own.info.run_id).info.status == "FINISHED"
refused("PERMISSION_DENIED", client.get_run, run.info.run_id)
refused("PERMISSION_DENIED", client.search_runs, [experiment])
