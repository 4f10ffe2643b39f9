"""Models, logged in the ways of both generations of clients and loaded back by each of their addresses."""

import os
import time
from pathlib import Path

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.models import infer_signature
from refusals import refused
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

assert not any(name.startswith("AWS_") for name in os.environ)
NATIVE = not mlflow.__version__.startswith("2.")
client = MlflowClient()
mlflow.set_experiment(f"saved models {time.time_ns()}")
X, y = load_iris(return_X_y=True)
fitted = LogisticRegression(max_iter=500).fit(X, y)
expected = fitted.predict(X)


class Doubler(mlflow.pyfunc.PythonModel):
    """A model of one's own, with a file beside it."""

    def load_context(self, context):
        """Read the factor."""
        self.factor = int(Path(context.artifacts["factor"]).read_text())

    def predict(self, context, model_input, params=None):
        """Multiply."""
        return np.asarray(model_input) * self.factor


def answers(uri):
    """Demand that scikit-learn's model comes back by this address, in its own flavour and as a pyfunc."""
    assert (mlflow.sklearn.load_model(uri).predict(X) == expected).all(), uri
    assert (mlflow.pyfunc.load_model(uri).predict(X) == expected).all(), uri


def logged(flavour, path, **named):
    """Log a model under a name, which clients of version 2 call a path."""
    named |= {"name": path} if NATIVE else {"artifact_path": path}
    return flavour.log_model(**named, pip_requirements=["mlflow", "scikit-learn"])


Path("factor.txt").write_text("2", "utf-8")
signature = infer_signature(X, expected)
with mlflow.start_run() as run:
    info = logged(mlflow.sklearn, "tree", sk_model=fitted, signature=signature, input_example=X[:2])
    pyfunc = logged(
        mlflow.pyfunc,
        "doubler",
        python_model=Doubler(),
        artifacts={"factor": "factor.txt"},
    )
run_id = run.info.run_id

for uri in (info.model_uri, f"runs:/{run_id}/tree"):
    answers(uri)
for uri in (pyfunc.model_uri, f"runs:/{run_id}/doubler"):
    assert mlflow.pyfunc.load_model(uri).predict(np.array([3])).tolist() == [6], uri
assert mlflow.models.get_model_info(info.model_uri).signature == signature

if NATIVE:
    assert info.model_uri == f"models:/{info.model_id}", info.model_uri
    model = client.get_logged_model(info.model_id)
    assert (model.status.value, model.source_run_id) == ("READY", run_id)
    answers(model.artifact_location)
    assert [one.model_id for one in client.get_run(run_id).outputs.model_outputs] == [
        info.model_id,
        pyfunc.model_id,
    ]
    found = mlflow.search_logged_models([run.info.experiment_id], output_format="list")
    assert {one.model_id for one in found} == {info.model_id, pyfunc.model_id}
    names = {one.path for one in mlflow.artifacts.list_artifacts(info.model_uri)}
    assert {"MLmodel", "requirements.txt"} <= {name.rpartition("/")[2] for name in names}, names
    # A model of its own, without a run.
    alone = mlflow.sklearn.log_model(fitted, name="alone", pip_requirements=[])
    answers(alone.model_uri)
    # Its path in the way of version 2 still works, and is a name.
    with mlflow.start_run() as older:
        old = mlflow.sklearn.log_model(fitted, artifact_path="older", pip_requirements=[])
    answers(old.model_uri)
    answers(f"runs:/{older.info.run_id}/older")
else:
    assert info.model_uri == f"runs:/{run_id}/tree", info.model_uri
    answers(f"{run.info.artifact_uri}/tree")
    assert "tree/MLmodel" in [one.path for one in client.list_artifacts(run_id, "tree")]

# What is in a directory of one's own, and a model that was saved before.
mlflow.sklearn.save_model(fitted, "saved", pip_requirements=[])
with mlflow.start_run() as copied:
    mlflow.log_artifacts("saved", "copied")
answers(f"runs:/{copied.info.run_id}/copied")

# Registering is refused at once, and costs nobody the model.
began = time.monotonic()
refused("NOT_IMPLEMENTED", mlflow.register_model, info.model_uri, "mine")
assert time.monotonic() - began < 5, "it was tried again"
with mlflow.start_run() as unregistered:
    wanted = {"sk_model": fitted, "registered_model_name": "mine"}
    refused("NOT_IMPLEMENTED", logged, mlflow.sklearn, "unregistered", **wanted)
answers(f"runs:/{unregistered.info.run_id}/unregistered")
