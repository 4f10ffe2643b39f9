"""Training with autologging that keeps no models, in the background and with system metrics."""

import time

import mlflow
import numpy as np
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

client = MlflowClient()
mlflow.set_experiment(f"training {time.time_ns()}")
rng = np.random.default_rng(0)
X, y = rng.normal(size=(60, 3)), rng.integers(0, 2, 60)

# autologging.py keeps the models, too.
mlflow.sklearn.autolog(log_models=False, log_datasets=True, silent=True)
with mlflow.start_run() as run:
    fitted = LogisticRegression(C=0.5).fit(X, y)
    fitted.score(X, y)
logged = client.get_run(run.info.run_id)
assert logged.info.status == "FINISHED"
assert logged.data.params["C"] == "0.5"
assert len(fitted.coef_) == 1
assert len(logged.inputs.dataset_inputs) >= 1
assert logged.data.metrics["training_accuracy_score"] > 0
assert client.list_artifacts(run.info.run_id)
mlflow.sklearn.autolog(disable=True)

# Logging in the background.
with mlflow.start_run() as run:
    waiting = [
        mlflow.log_metrics({"a": step, "b": -step}, step=step, synchronous=False) for step in range(200)
    ]
    waiting.append(mlflow.log_params({"late": 1}, synchronous=False))
    waiting.append(mlflow.set_tags({"late": "1"}, synchronous=False))
    for one in waiting:
        one.wait()
assert len(client.get_metric_history(run.info.run_id, "a")) == 200
assert client.get_run(run.info.run_id).data.params == {"late": "1"}

# System metrics.
mlflow.set_system_metrics_sampling_interval(0.2)
mlflow.set_system_metrics_samples_before_logging(1)
with mlflow.start_run(log_system_metrics=True) as run:
    time.sleep(1.5)
assert "system/cpu_utilization_percentage" in client.get_run(run.info.run_id).data.metrics
