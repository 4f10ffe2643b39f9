"""What a client of MLflow logs, as the house tells it back: dataset, run and model, asked from each."""

import json
import time
from urllib.parse import urlencode
from urllib.request import urlopen

import mlflow
import pandas as pd
from mlflow import MlflowClient

client = MlflowClient()
IS_NEW = not mlflow.__version__.startswith("2.")
SALT = str(time.time_ns())
mlflow.set_experiment(f"lineage {SALT}")
frame = pd.DataFrame({"a": [1, 2, 3], "b": [float(SALT[-9:]), 0.5, 0.25]})
dataset = mlflow.data.from_pandas(frame, source=f"s3://bucket/{SALT}.csv", name="iris/train", targets="b")


class Constant(mlflow.pyfunc.PythonModel):
    """A model that says the same of everything."""

    def predict(self, context, model_input, params=None):
        """The answer."""
        return [1] * len(model_input)


def seen(**query):
    """Lineage from somewhere: kinds and names in order, and the edges by the names of their ends."""
    with urlopen(f"{mlflow.get_tracking_uri()}/v1/lineage?{urlencode(query)}", timeout=20) as reply:
        found = json.load(reply)
    assert found["more"] == []
    called = {node["id"]: node["name"] for node in found["nodes"]}
    edges = {(called[edge["source"]], edge["what"], called[edge["target"]]) for edge in found["edges"]}
    return [(node["kind"], node["name"]) for node in found["nodes"]], edges


with mlflow.start_run(run_name="training") as training:
    mlflow.log_input(dataset, context="train")
    mlflow.log_input(dataset, context="train")
    if IS_NEW:
        logged = mlflow.pyfunc.log_model(name="tree", python_model=Constant(), pip_requirements=[])
    else:
        mlflow.pyfunc.log_model("tree", python_model=Constant(), pip_requirements=[])

run_id = training.info.run_id
(read,) = client.get_run(run_id).inputs.dataset_inputs
assert (read.dataset.name, read.dataset.digest) == ("iris/train", dataset.digest)
asked = {"dataset": "iris/train", "digest": dataset.digest}
by_data, data_edges = seen(**asked)
by_run, run_edges = seen(run=run_id)
assert ("iris/train", "read", "training") in data_edges & run_edges
assert by_data[:2] == [("dataset", "iris/train"), ("run", "training")]
assert by_run[0] == ("run", "training")

if IS_NEW:
    with mlflow.start_run(run_name="scoring") as scoring:
        client.log_inputs(scoring.info.run_id, models=[mlflow.entities.LoggedModelInput(logged.model_id)])
    chain = {
        ("iris/train", "read", "training"),
        ("training", "wrote", "tree"),
        ("tree", "read", "scoring"),
    }
    whole = [("dataset", "iris/train"), ("model", "tree"), ("run", "scoring"), ("run", "training")]
    for query in (asked, {"run": run_id}, {"model": logged.model_id}, {"run": scoring.info.run_id}):
        nodes, edges = seen(**query)
        assert (sorted(nodes), edges) == (whole, chain), (query, nodes, edges)
    above, _ = seen(model=logged.model_id, way="up")
    assert above == [("model", "tree"), ("run", "training"), ("dataset", "iris/train")], above
    assert [one.model_id for one in client.get_run(run_id).outputs.model_outputs] == [logged.model_id]

client.delete_run(run_id)
with urlopen(f"{mlflow.get_tracking_uri()}/v1/lineage?{urlencode(asked)}", timeout=20) as reply:
    states = {node["name"]: node["state"] for node in json.load(reply)["nodes"]}
assert (states["iris/train"], states["training"]) == ("active", "deleted"), states
