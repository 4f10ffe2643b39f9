"""`kill -9` while a stock client logs: a restart finds what the house was at most a second before."""

import json
import os
import sqlite3
import subprocess
import time
from contextlib import closing
from types import SimpleNamespace

import httpx
import pytest

from tests.conftest import OLDEST_AND_NEWEST

# Logs step by step, and says which are done. The tag follows the param, and that follows the metric.
PROGRAM = """
import mlflow, time
client = mlflow.MlflowClient()
step = 0
while True:
    run = client.create_run("0")
    for _ in range(40):
        step += 1
        client.log_metric(run.info.run_id, "n", step, step=step)
        client.log_param(run.info.run_id, f"p{step}", step)
        client.set_tag(run.info.run_id, "last", step)
        print(time.monotonic(), step, run.info.run_id, flush=True)
    client.set_terminated(run.info.run_id)
"""


@pytest.fixture
def logging_client(mlflow_python, tmp_path):
    """Starts a stock client that logs without end to an address; it is ended with the test."""
    started = []

    def start(url):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "MLFLOW_TRACKING_URI": url,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
            "PYTHONWARNINGS": "ignore",
        }
        command = [mlflow_python, "-c", PROGRAM]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        started.append(subprocess.Popen(command, env=environment, **streams))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def acknowledged(client, seconds):
    """What the client said within so many seconds after its first word: when, which step, in which run."""
    said = []
    while not said or said[-1].at < said[0].at + seconds:
        line = client.stdout.readline()
        assert line, "the client ended"
        if line[0].isdigit():  # client 2.22 prints links too, when a run ends
            at, step, run = line.split()
            said.append(SimpleNamespace(at=float(at), step=int(step), run=run))
    return said


def found(url):
    """Each run that is there: its steps, params, last tag and status."""
    asked = {"experiment_ids": ["0"], "max_results": 1000}
    answer = httpx.post(f"{url}/api/2.0/mlflow/runs/search", json=asked, timeout=30).raise_for_status().json()
    return {run["info"]["run_id"]: content(url, run) for run in answer.get("runs", [])}


def content(url, run):
    """What is known of one run."""
    asked = {"run_id": run["info"]["run_id"], "metric_key": "n"}
    answer = httpx.get(
        f"{url}/api/2.0/mlflow/metrics/get-history", params=asked, timeout=30
    ).raise_for_status()
    tags = {tag["key"]: tag["value"] for tag in run["data"].get("tags", [])}
    return SimpleNamespace(
        steps=[int(point["step"]) for point in answer.json().get("metrics", [])],
        params=sorted(int(param["value"]) for param in run["data"].get("params", [])),
        last=int(tags.get("last", 0)),
        status=run["info"]["status"],
    )


def is_one_moment(runs):
    """Whether the runs are as the client's own order of writes had made them at some moment."""
    steps = sorted(step for run in runs.values() for step in run.steps)
    params = sorted(step for run in runs.values() for step in run.params)
    last = max(run.last for run in runs.values())
    begun = [run for run in runs.values() if run.status == "RUNNING" and run.steps]
    return (
        steps == list(range(1, len(steps) + 1))
        and params == steps[: len(params)]
        and len(steps) - 1 <= last <= len(params) <= len(steps)
        and len(begun) <= 1
    )


@pytest.mark.client
@pytest.mark.slow
@OLDEST_AND_NEWEST
def test_a_killed_house_loses_a_second_at_most(house_process, logging_client):
    """All that the client knew to be logged a second before is there, and nothing out of its order."""
    house = house_process()
    client = logging_client(house.url)
    said = acknowledged(client, 3.5)
    house.kill()
    killed = time.monotonic()
    client.kill()
    house.start()
    runs = found(house.url)
    assert is_one_moment(runs)
    old = [each for each in said if each.at < killed - 1.25]
    assert len(old) > 10
    assert is_there(runs, old)


@pytest.mark.client
@pytest.mark.engine
@OLDEST_AND_NEWEST
def test_a_killed_house_before_an_engine_loses_nothing(house_process, logging_client, dynoxide):
    """A client goes on when the house is back at its address, and all that it knew to be logged is there."""
    house = house_process("--dynamodb", dynoxide)
    client = logging_client(house.url)
    said = acknowledged(client, 1)
    house.kill()
    house.port = int(house.url.rpartition(":")[2])
    house.start()
    said += acknowledged(client, 1)
    client.kill()
    runs = found(house.url)
    assert is_one_moment(runs)
    assert is_there(runs, said)


def is_there(runs, said):
    """Whether the runs have what the client was told to be logged."""
    return all(each.step in runs[each.run].steps and each.step in runs[each.run].params for each in said)


def test_runs_that_ended_are_settled_after_a_crash(house_process):
    """A house that was killed before it settled a run settles it when it is started again."""
    house = house_process()
    run = httpx.post(f"{house.url}/v1/runs", json={"experiment_id": "0"}).json()["run_id"]
    for step in [*range(12), *range(12)]:  # until it is settled, what came twice may be counted twice
        point = {"run_id": run, "key": "n", "value": step, "timestamp": step, "step": step}
        httpx.post(f"{house.url}/api/2.0/mlflow/runs/log-metric", json=point).raise_for_status()
    time.sleep(1.5)
    house.kill()
    end_in_the_file(house.folder, run)
    house.start()
    end = time.monotonic() + 60
    while count(house, run) != 12:
        assert time.monotonic() < end
        time.sleep(0.2)


def end_in_the_file(folder, run):
    """End the run in the file of a house that was killed, as if that had been its last word."""
    with closing(sqlite3.connect(folder / "table.sqlite")) as kept, kept:
        ((text,),) = kept.execute("SELECT item FROM items WHERE sk = ?", (f"R#{run}~",))
        head = json.loads(text) | {"st": {"S": "FINISHED"}, "e": {"N": "5"}, "due": {"N": "5"}}
        kept.execute("UPDATE items SET item = ? WHERE sk = ?", (json.dumps(head), f"R#{run}~"))


def count(house, run):
    """How many points of the run's metric the house has counted."""
    return httpx.get(f"{house.url}/v1/runs/{run}").raise_for_status().json()["metrics"]["n"]["count"]
