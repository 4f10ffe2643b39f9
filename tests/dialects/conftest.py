"""The house as MLflow's clients find it: in this process for speed, and over a socket for the real ones."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.dialects.caller import Caller

FLOWS = Path(__file__).parent / "flows"


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


class Forked:
    """A stock client that is imported once, and whose programs run in processes of their own."""

    def __init__(self, python: Path) -> None:
        """Start it with this Python."""
        world = {"PATH": os.environ["PATH"], "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONWARNINGS": "ignore"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen([python, FLOWS / "_forked.py"], env=world, text=True, **pipes)

    def run(self, program: Path, folder: Path, environment: dict[str, str]) -> tuple[int, str]:
        """The exit code of a program, which is ended after ten minutes, and what it printed."""
        said = folder / f"{program.stem} {time.monotonic_ns()}.txt"
        asked = {"program": program, "folder": folder, "environment": environment, "said": said}
        self.process.stdin.write(json.dumps(asked, default=str) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline()), said.read_text("utf-8")


@pytest.fixture(scope="session")
def forked(mlflow_python):
    """A stock client, imported."""
    client = Forked(mlflow_python)
    yield client
    client.process.kill()
    client.process.wait()


@pytest.fixture
def flow(forked, tmp_path):
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
        started = time.monotonic()
        code, said = forked.run(FLOWS / f"{name}.py", tmp_path, environment)
        assert code == 0, f"{name} failed after {time.monotonic() - started:.0f} s:\n{said}"
        return said

    return run
