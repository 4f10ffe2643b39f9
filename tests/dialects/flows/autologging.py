"""What scikit-learn's autologging leaves of a training: params, metrics, data, plots and models that load."""

import logging
import time
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV


class Complaints(logging.Handler):
    """Autologging swallows its failures and warns of them, so that only the log tells."""

    def emit(self, record):
        """Fail on a warning that a file, a metric or a model did not arrive."""
        text = record.getMessage()
        if "ailed to" in text or "ncountered unexpected error" in text:
            said.append(text)


said = []
logging.getLogger("mlflow").addHandler(Complaints())
NATIVE = not mlflow.__version__.startswith("2.")
PLOTS = {"estimator.html", "training_confusion_matrix.png"}
client = MlflowClient()
mlflow.set_experiment(f"autologging {time.time_ns()}")
X, y = load_iris(return_X_y=True, as_frame=True)


def models(run_id):
    """The ids of the models that a run has put out."""
    return [one.model_id for one in client.get_run(run_id).outputs.model_outputs]


mlflow.sklearn.autolog(log_input_examples=True, log_model_signatures=True)
with mlflow.start_run() as run:
    fitted = LogisticRegression(C=0.5, max_iter=500).fit(X, y)
    fitted.score(X, y)
logged = client.get_run(run.info.run_id)
assert (logged.info.status, logged.data.params["C"]) == ("FINISHED", "0.5")
assert logged.data.metrics["training_score"] == fitted.score(X, y)
assert "LogisticRegression_score_X" in logged.data.metrics, logged.data.metrics
assert {one.dataset.name for one in logged.inputs.dataset_inputs}
names = {one.path for one in client.list_artifacts(run.info.run_id)}
assert names >= PLOTS, names
plot = mlflow.artifacts.download_artifacts(
    run_id=run.info.run_id, artifact_path="training_confusion_matrix.png"
)
assert Path(plot).read_bytes().startswith(b"\x89PNG")
loaded = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/model")
assert (loaded.predict(X) == fitted.predict(X)).all()
info = mlflow.models.get_model_info(f"runs:/{run.info.run_id}/model")
assert info.signature is not None
if NATIVE:
    (model_id,) = models(run.info.run_id)
    model = client.get_logged_model(model_id)
    assert (model.status.value, model.source_run_id) == ("READY", run.info.run_id)
    assert any(one.key == "training_score" and one.dataset_name for one in model.metrics), model.metrics
    again = mlflow.pyfunc.load_model(f"models:/{model_id}")
    assert (again.predict(X) == fitted.predict(X)).all()

# A search: child runs, the best model and the table of all.
with mlflow.start_run() as run:
    search = GridSearchCV(RandomForestClassifier(n_estimators=3), {"max_depth": [1, 2]}, cv=2).fit(X, y)
names = {one.path for one in client.list_artifacts(run.info.run_id)}
assert names >= {*PLOTS, "cv_results.csv"}, names
best = mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/best_estimator")
assert (best.predict(X) == search.best_estimator_.predict(X)).all()
children = client.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
assert len(children) == 2
assert not said, said
