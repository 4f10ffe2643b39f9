"""The house as MLflow's clients find it: in this process for speed, and over a socket for the real ones."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.dialects.caller import Caller


@pytest.fixture(scope="module")
def house():
    """An open house in this process, empty, and a caller who is its owner."""
    from functions import local

    with local.opened(local.Options(data=None), 5000) as opened:
        caller = Caller(opened.app, opened.url)
        yield caller
        caller.close()


@pytest.fixture
def experiment(house):
    """The id of a new experiment."""
    return house.new_experiment()


@pytest.fixture
def run(house, experiment):
    """The id of a new run in a new experiment."""
    return house.new_run(experiment, start_time=1_700_000_000_000)


@pytest.fixture
def root(experiment, run):
    """Where a new run's artifacts lie, as clients write it."""
    return f"{experiment}/{run}/artifacts"


@pytest.fixture
def model(house, experiment):
    """The id of a new logged model."""
    return house.done("logged-models", {"experiment_id": experiment})["model"]["info"]["model_id"]


@pytest.fixture
def flow(mlflow_python, tmp_path):
    """Runs a program of flows/ with a stock client; its asserts are the test."""

    def run(name, url, **variables):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "MLFLOW_TRACKING_URI": url,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
            "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
            "PYTHONWARNINGS": "ignore",
            **variables,
        }
        program = Path(__file__).parent / "flows" / f"{name}.py"
        started = time.monotonic()
        done = subprocess.run(
            [mlflow_python, program],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        took = time.monotonic() - started
        assert done.returncode == 0, f"{name} failed after {took:.0f} s:\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    return run
