"""What every test may ask for: real engines and real clients. Under CI nothing is skipped."""

import gc
import os
from pathlib import Path

import pytest

from tests import engines
from tests.house_process import HouseProcess, house

ROOT = Path(__file__).parents[1]
CI = engines.CI


def pytest_collection_finish():
    """Let Python not look through all tests and modules again and again: that was a fifth of all CPU."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def clients() -> list[str]:
    """The mlflow clients to try: those that RUNHAVEN_MLFLOW names, else under CI all, else the installed."""
    if chosen := os.environ.get("RUNHAVEN_MLFLOW", "").split():
        return chosen
    known = [lock.stem.removeprefix("mlflow-") for lock in sorted(ROOT.glob("locks/mlflow-*.txt"))]
    return known if CI else [version for version in known if client(version).exists()] or known[-1:]


def client(version: str) -> Path:
    """The Python in which scripts/test installs that client."""
    return ROOT / f".venv-mlflow-{version}/bin/python"


# For what takes long and is hardly another thing for the clients between them.
OLDEST_AND_NEWEST = pytest.mark.parametrize(
    "mlflow_python", sorted({clients()[0], clients()[-1]}), indirect=True
)
NEWEST = pytest.mark.parametrize("mlflow_python", [clients()[-1]], indirect=True)


@pytest.fixture(scope="session", params=clients())
def mlflow_python(request):
    """The Python of a stock mlflow client, one after the other."""
    python = client(request.param)
    if not python.exists():
        pytest.skip(f"no mlflow {request.param} client; scripts/test installs it")
    return python


@pytest.fixture(scope="session")
def newest_client():
    """The Python of the newest of them, for what is tried once."""
    python = client(clients()[-1])
    if not python.exists():
        pytest.skip("no mlflow client; scripts/test installs it")
    return python


@pytest.fixture(scope="module")
def dynoxide():
    """The URL of a DynamoDB engine that was empty when the module's first test asked for it."""
    with engines.dynoxide() as url:
        yield url


@pytest.fixture(scope="session")
def minio(tmp_path_factory):
    """The URL of an S3 with STS; a test makes buckets of its own."""
    with engines.minio(tmp_path_factory.mktemp("minio")) as url:
        yield url


@pytest.fixture(scope="session")
def open_process(tmp_path_factory):
    """A house without credentials, whose requests create the teams that they name."""
    with house(tmp_path_factory.mktemp("open") / "data", "--auto-teams") as opened:
        yield opened


@pytest.fixture(scope="session")
def closed_process(tmp_path_factory):
    """A house with credentials, which lie in its folder."""
    with house(tmp_path_factory.mktemp("closed") / "data", "--auth") as opened:
        yield opened


@pytest.fixture(scope="session")
def open_house(open_process):
    """The URL of a house without credentials, whose requests create the teams that they name."""
    return open_process.url


@pytest.fixture(scope="session")
def closed_house(closed_process):
    """What a house with credentials wrote for its users: its URL and their tokens."""
    return closed_process.credentials()


@pytest.fixture
def house_process(tmp_path):
    """Starts a house of the test's own, with these options; the test may end it and start it again."""
    started = []

    def start(*options, port=0):
        started.append(HouseProcess(tmp_path / "data", options, port))
        return started[-1].start()

    yield start
    for each in started:
        each.end()


def refuse_skips(report):
    """Under CI a skip is a failure: what is not proved there is proved nowhere."""
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"skipped, which CI does not allow: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Look at each test's outcome."""
    return refuse_skips((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    """Look at each module's outcome: a module can skip itself whole."""
    return refuse_skips((yield))
