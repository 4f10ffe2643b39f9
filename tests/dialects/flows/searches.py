"""Searching with filters and orders, as users type them."""

import time

import mlflow
from mlflow import MlflowClient
from refusals import refused

client = MlflowClient()
experiment = client.create_experiment(f"searches {time.time_ns()}")
runs = {}
for number in range(7):
    run = client.create_run(experiment, start_time=1000 + number, run_name=f"run {number}")
    runs[number] = run.info.run_id
    client.log_param(run.info.run_id, "model", "tree" if number % 2 else "linear")
    client.log_metric(run.info.run_id, "val/loss", 10 - number)
    if number == 3:
        client.set_tag(run.info.run_id, "a.b c", "odd key")
        client.log_metric(run.info.run_id, "broken", float("nan"))
    if number > 4:
        client.set_terminated(run.info.run_id)


def numbers(filter_string="", **more):
    """Which runs are found, in which order."""
    by_id = {run_id: number for number, run_id in runs.items()}
    return [by_id[run.info.run_id] for run in client.search_runs([experiment], filter_string, **more)]


assert numbers() == [6, 5, 4, 3, 2, 1, 0]
assert numbers("metrics.`val/loss` <= 6") == [6, 5, 4]
assert numbers("params.model = 'tree' and metrics.`val/loss` > 5") == [3, 1]
assert numbers("params.model LIKE 'tr%'", order_by=["metrics.`val/loss` DESC"]) == [1, 3, 5]
assert numbers("attributes.status = 'FINISHED'") == [6, 5]
assert numbers("run_name = 'run 2'") == [2]
assert numbers("attributes.run_name ILIKE 'RUN _'", order_by=["start_time ASC"]) == [0, 1, 2, 3, 4, 5, 6]
assert numbers("tags.`a.b c` = 'odd key'") == [3]
assert numbers("tags.nothing IS NULL AND params.model != 'tree'") == [6, 4, 2, 0]
assert numbers("metrics.broken != 1") == [3]
assert numbers(f"attributes.run_id IN ('{runs[1]}', '{runs[2]}')") == [2, 1]
assert numbers("start_time >= 1005") == [6, 5]
assert numbers(order_by=["metrics.broken ASC"])[0] == 3
# What MLflow lacks.
assert numbers("metrics.`val/loss` < 5 OR run_name = 'run 0'") == [6, 0]
assert numbers("NOT (params.model = 'tree')") == [6, 4, 2, 0]
assert numbers("metrics.`val/loss`.min < 5") == [6]
client.set_experiment_tag(experiment, "runhaven.goal.val/loss", "min")
assert numbers("metrics.`val/loss`.best < 5") == [6]
assert len(numbers("attributes.created_by LIKE '%'")) == 7

pages, token = [], None
while True:
    page = client.search_runs([experiment], max_results=3, page_token=token)
    pages.append(len(page))
    token = page.token
    if not token:
        break
assert pages == [3, 3, 1]

for wrong in ("metrics.x = 'a'", "nothing.x = 1", "params.model = tree", "(((", "metrics.x >", "run_name ="):
    refused("INVALID_PARAMETER_VALUE", numbers, wrong)

frame = mlflow.search_runs([experiment], order_by=["metrics.`val/loss` ASC"], max_results=2)
assert list(frame["metrics.val/loss"]) == [4.0, 5.0]
assert len(mlflow.search_runs(search_all_experiments=True)) >= 7
named = client.search_experiments(filter_string="name LIKE 'searches %'", order_by=["creation_time DESC"])
assert named[0].experiment_id == experiment
