"""The house as MLflow's clients find it: in this process for speed, and over a socket for the real ones."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.dialects.caller import Caller

ROOT = Path(__file__).parents[2]


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


@contextmanager
def served(folder, *options):
    """`scripts/run`'s house in a process of its own, at a free port; yields its URL."""
    command = [sys.executable, "-P", "-m", "functions.local", "--port", "0", "--data", str(folder), *options]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sdk'}"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            first = process.stdout.readline()
            assert first.startswith("Runhaven is ready at "), first
            yield first.split()[-1]
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="session")
def open_house(tmp_path_factory):
    """The URL of a house without credentials."""
    with served(tmp_path_factory.mktemp("open")) as url:
        yield url


@pytest.fixture(scope="session")
def closed_house(tmp_path_factory):
    """What a house with credentials wrote for its users: its URL and their tokens."""
    file = tmp_path_factory.mktemp("closed") / "credentials.json"
    with served(file.parent / "data", "--auth", "--credentials", str(file)):
        yield json.loads(file.read_text("utf-8"))


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
            timeout=240,
            check=False,
        )
        took = time.monotonic() - started
        assert done.returncode == 0, f"{name} failed after {took:.0f} s:\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    return run
