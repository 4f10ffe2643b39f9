"""A training script with a stock client: everything that it logs is there afterwards."""

import json
import os
import sys
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts, load_text

assert not any(name.startswith("AWS_") for name in os.environ)

mlflow.set_experiment(f"digits {mlflow.__version__}")
mlflow.set_experiment_tag("runhaven.goal.loss", "min")
# Bodies, names and values that a gateway might take for something else.
NAMES = ["plain.bin", "a b.txt", "100%.txt", "a+b.txt", "Größe 尺寸.txt", "x;y,z=&@!.txt"]
LARGE = os.urandom(5 * 2**20)

with mlflow.start_run(run_name="Größe % 1", tags={"team": "rot & blau"}) as run:
    mlflow.log_params({"lr": 0.01, "path": "a/b?c=d%20e"})
    for step in range(20):
        mlflow.log_metrics({"loss": 1 / (step + 1), "accuracy": step / 20}, step=step)
    mlflow.log_metric("never", float("nan"))
    for name in NAMES:
        Path(name).write_bytes(name.encode())
        mlflow.log_artifact(name, "odd names")
    Path("large.bin").write_bytes(LARGE)
    mlflow.log_artifact("large.bin")
    mlflow.log_text("Grüße\n", "note.txt")

run_id = run.info.run_id
client = MlflowClient()
kept = client.get_run(run_id)
assert kept.info.status == "FINISHED"
assert kept.info.run_name == "Größe % 1"
assert kept.data.params == {"lr": "0.01", "path": "a/b?c=d%20e"}
assert kept.data.tags["team"] == "rot & blau"
assert kept.data.metrics["loss"] == 0.05
assert [point.value for point in client.get_metric_history(run_id, "loss")] == [
    1 / (n + 1) for n in range(20)
]
listed = {one.path.partition("/")[2] for one in client.list_artifacts(run_id, "odd names")}
assert listed == set(NAMES), listed ^ set(NAMES)
for name in NAMES:
    fetched = download_artifacts(run_id=run_id, artifact_path=f"odd names/{name}", dst_path="fetched")
    assert Path(fetched).read_bytes() == name.encode(), name
fetched = download_artifacts(run_id=run_id, artifact_path="large.bin", dst_path="fetched")
assert Path(fetched).read_bytes() == LARGE
assert load_text(f"runs:/{run_id}/note.txt") == "Grüße\n"
found = mlflow.search_runs(filter_string="metrics.loss.best < 0.1 AND params.lr = '0.01'")
assert list(found["run_id"]) == [run_id]
sys.stdout.write(json.dumps({"run": run_id, "experiment": run.info.experiment_id}))
