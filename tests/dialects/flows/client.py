"""What tools write: MlflowClient, page by page, and what it raises."""

import time

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from refusals import refused

client = MlflowClient()
tag = f"{time.time_ns()}"

# Experiments: from the first to the last of their lives.
ids = [client.create_experiment(f"client {tag} {number}", tags={"set": tag}) for number in range(5)]
refused("RESOURCE_ALREADY_EXISTS", client.create_experiment, f"client {tag} 0")
assert client.get_experiment(ids[0]).name == f"client {tag} 0"
assert client.get_experiment_by_name(f"client {tag} 1").experiment_id == ids[1]
assert client.get_experiment_by_name("no such experiment") is None
client.rename_experiment(ids[0], f"renamed {tag}")
client.set_experiment_tag(ids[0], "k", "v")
assert client.get_experiment(ids[0]).tags == {"set": tag, "k": "v"}
refused("RESOURCE_DOES_NOT_EXIST", client.get_experiment, "123456789")
refused("INVALID_PARAMETER_VALUE", client.create_experiment, f"elsewhere {tag}", "s3://somebody-else/x")

pages, token = [], None
while True:
    page = client.search_experiments(
        filter_string=f"tags.`set` = '{tag}'", order_by=["name DESC"], max_results=2, page_token=token
    )
    pages.append([one.experiment_id for one in page])
    token = page.token
    if not token:
        break
assert [len(page) for page in pages] == [2, 2, 1]
assert [one for page in pages for one in page] == [ids[0], *reversed(ids[1:])]

client.delete_experiment(ids[4])
assert client.get_experiment(ids[4]).lifecycle_stage == "deleted"
gone = client.search_experiments(ViewType.DELETED_ONLY, filter_string=f"tags.`set` = '{tag}'")
assert [one.experiment_id for one in gone] == [ids[4]]
refused("RESOURCE_ALREADY_EXISTS", client.create_experiment, f"client {tag} 4")
refused("INVALID_PARAMETER_VALUE", client.create_run, ids[4])
client.restore_experiment(ids[4])

# Runs.
run = client.create_run(ids[0], start_time=1_700_000_000_000, run_name="mine", tags={"a": "b"})
run_id = run.info.run_id
assert (run.info.start_time, run.info.run_name, run.info.status) == (1_700_000_000_000, "mine", "RUNNING")
assert run.info.artifact_uri.endswith(f"/{ids[0]}/{run_id}/artifacts")
client.log_param(run_id, "p", 1)
client.log_param(run_id, "p", 1)
assert "Changing param" in refused("INVALID_PARAMETER_VALUE", client.log_param, run_id, "p", 2)
client.log_metric(run_id, "m", 0.5, timestamp=1_700_000_000_000, step=3)
client.set_tag(run_id, "t", "1")
client.delete_tag(run_id, "t")
refused("RESOURCE_DOES_NOT_EXIST", client.delete_tag, run_id, "t")
client.update_run(run_id, name="renamed")
assert client.get_run(run_id).data.tags["mlflow.runName"] == "renamed"
refused("RESOURCE_DOES_NOT_EXIST", client.get_run, "0" * 32)
for bad in ("", "a//b", "../a", "a#b", "k" * 251):
    refused("INVALID_PARAMETER_VALUE", client.log_metric, run_id, bad, 1)

client.log_batch(
    run_id,
    metrics=[Metric("batch", step / 7, 1_700_000_000_000 + step, step) for step in range(1000)],
    params=[Param(f"p{number}", str(number)) for number in range(100)],
)
client.log_batch(run_id, tags=[RunTag(f"t{number}", "x") for number in range(100)])
history = client.get_metric_history(run_id, "batch")
assert [(point.step, point.value) for point in history] == [(step, step / 7) for step in range(1000)]
client.set_terminated(run_id, "KILLED", end_time=1_700_000_001_000)
ended = client.get_run(run_id)
assert (ended.info.status, ended.info.end_time) == ("KILLED", 1_700_000_001_000)
assert len(ended.data.params) == 101
assert ended.data.metrics == {"m": 0.5, "batch": 999 / 7}

# A long value is cut, as by MLflow's own server.
client.set_tag(run_id, "long", "y" * 9000)
assert len(client.get_run(run_id).data.tags["long"]) == 8000

# Deleting.
client.delete_run(run_id)
client.delete_run(run_id)
active = client.search_runs([ids[0]])
assert run_id not in [one.info.run_id for one in active]
gone = client.search_runs([ids[0]], run_view_type=ViewType.DELETED_ONLY)
assert [one.info.run_id for one in gone] == [run_id]
client.restore_run(run_id)
