"""The demo: an MLflow program that fills a house."""

import os
import subprocess
from collections import Counter

import httpx
import pytest

from tests.conftest import ROOT
from tests.house_process import served

pytestmark = pytest.mark.client


class Filled:
    """A house in which the demo has run."""

    def __init__(self, url, python, home):
        self.url = url
        self._command = [python, "-P", str(ROOT / "scripts/demo.py")]
        self._world = {"HOME": str(home), "PATH": os.environ["PATH"], "MLFLOW_TRACKING_URI": url}
        self.said = self.demo()

    def demo(self):
        """What the demo says when it is run (again)."""
        done = subprocess.run(self._command, env=self._world, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def experiments(self):
        """The experiments of the house by name."""
        found = httpx.post(f"{self.url}/v1/experiments/search", json={}, timeout=60).json()["experiments"]
        return {each["name"]: each for each in found}

    def runs(self, name, **more):
        """The runs of an experiment."""
        asked = {"experiment_ids": [self.experiments()[name]["id"]], "limit": 1000, **more}
        return httpx.post(f"{self.url}/v1/runs/search", json=asked, timeout=60).json()["runs"]


@pytest.fixture(scope="module")
def house(newest_client, tmp_path_factory):
    """A house that the demo has filled."""
    with served(tmp_path_factory.mktemp("demo")) as url:
        yield Filled(url, newest_client, tmp_path_factory.mktemp("home"))


def test_the_demo_makes_two_experiments(house):
    """The demo makes two experiments with notes, goals and a primary metric, and says where they are."""
    made = house.experiments()
    assert set(made) == {"Default", "Diabetes regression", "Handwritten digits"}
    for name, primary in (("Diabetes regression", "rmse"), ("Handwritten digits", "val_accuracy")):
        assert made[name]["tags"]["runhaven.primary"] == primary
        assert made[name]["tags"][f"runhaven.goal.{primary}"] in {"min", "max"}
        assert made[name]["tags"]["mlflow.note.content"]
        assert f"{house.url}/#/experiments/{made[name]['id']}" in house.said


def test_every_state_is_to_be_seen(house):
    """A newcomer sees runs that finished, one that failed and one that still runs."""
    states = Counter(run["status"] for name in house.experiments() for run in house.runs(name))
    assert states["FAILED"] == states["RUNNING"] == 1
    assert states["FINISHED"] > 20


def test_the_grid_is_nested(house):
    """Each family of models is a run with its settings nested below it, and with the best of their scores."""
    runs = house.runs("Diabetes regression")
    parents = {run["run_id"]: run for run in runs if run["name"] in {"ElasticNet", "Lasso", "Ridge"}}
    below = {key: [run for run in runs if run["tags"].get("mlflow.parentRunId") == key] for key in parents}
    assert len(parents) == 3
    for key, children in below.items():
        assert len(children) >= 4
        best = min(child["metrics"]["rmse"]["last"] for child in children)
        assert parents[key]["metrics"]["rmse"]["last"] == best
        assert all(child["datasets"] for child in children)


def test_the_best_epoch_is_not_the_last(house):
    """The digits show what the best value is for: some runs are worse at the end than they were before."""
    found = house.runs("Handwritten digits", filter="metrics.val_loss.best < 0.5 AND metrics.val_loss > 0.5")
    assert [run["metrics"]["val_loss"]["count"] for run in found] == [30] * len(found)
    assert found


def test_the_models_are_good(house):
    """The training is real: digits are told apart, and progression is foreseen better than by its mean."""
    assert house.runs("Handwritten digits", filter="metrics.val_accuracy.best > 0.95")
    assert house.runs("Diabetes regression", filter="metrics.r2 > 0.4")


def test_a_second_demo_changes_nothing(house):
    """Where the experiments are, the demo leaves them alone and says so."""
    before = {name: len(house.runs(name)) for name in house.experiments()}
    assert house.demo().count("here already") == 2
    assert {name: len(house.runs(name)) for name in house.experiments()} == before
