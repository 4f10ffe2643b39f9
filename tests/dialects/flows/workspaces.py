"""Teams as workspaces, which clients know since 3.10; older ones name the team in the address."""

import os
import time

import mlflow
from mlflow import MlflowClient
from refusals import refused

url = os.environ["MLFLOW_TRACKING_URI"]
name = f"of one {time.time_ns()}"
one, other = os.environ["ONE"], os.environ["OTHER"]


def become(who):
    """Send this token from now on."""
    os.environ["MLFLOW_TRACKING_TOKEN"] = os.environ[who]


# In the address: any client.
become("OWNER")
mlflow.set_tracking_uri(f"{url}/t/{one}")
MlflowClient().create_experiment(name)
with mlflow.start_run() as run:
    mlflow.log_metric("m", 1)
become("BOTH")
assert MlflowClient().get_run(run.info.run_id).data.metrics == {"m": 1.0}
mlflow.set_tracking_uri(f"{url}/t/{other}")
assert MlflowClient().get_experiment_by_name(name) is None
refused("RESOURCE_DOES_NOT_EXIST", MlflowClient().get_run, run.info.run_id)

if hasattr(mlflow, "list_workspaces"):
    mlflow.set_tracking_uri(url)
    assert {workspace.name for workspace in mlflow.list_workspaces()} == {one, other}
    assert mlflow.get_workspace(one).name == one
    mlflow.set_workspace(one)
    assert MlflowClient().get_experiment_by_name(name).name == name
    mlflow.set_workspace(None)
    become("ADMIN")
    made = mlflow.create_workspace(name=f"new-{time.time_ns()}", description="made by a client")
    assert made.description == "made by a client"
    assert mlflow.update_workspace(made.name, description="changed").description == "changed"
    mlflow.set_workspace(made.name)
    assert MlflowClient().get_experiment("0").name == "Default"
    with mlflow.start_run() as run:
        mlflow.log_param("a", 1)
    assert MlflowClient().get_run(run.info.run_id).data.params == {"a": "1"}
