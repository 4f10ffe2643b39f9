"""The bench, run small: it measures every call, and its counts are within the house's budgets."""

import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests import engines
from tests.conftest import client

ROOT = Path(__file__).parents[2]


def bench(*arguments):
    """What the bench says of few repetitions among few runs."""
    command = [
        sys.executable,
        ROOT / "scripts/_bench.py",
        "--json",
        "--repeat",
        "3",
        "--runs",
        "20",
        *arguments,
    ]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sdk'}"}
    done = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=300, cwd=ROOT)
    return json.loads(done.stdout)


@pytest.mark.engine
def test_every_call_is_measured_and_keeps_the_budget_of_round_trips(dynoxide):
    """Each call of the REST API has its trips, real units, CPU and wall time, within the budgets."""
    said = bench()
    assert said["table"] == "dynoxide"
    rows = {row["call"]: row for row in said["calls"]}
    assert rows["create run"]["trips"] <= 2
    assert rows["log-metric"]["trips"] <= 2
    assert rows["get run"]["trips"] == 2  # side by side: one round
    assert rows["log-batch 1000"]["write units"] > rows["log-batch 10"]["write units"] > 0
    assert {"history 10k", "search 20 page", "search 20 filter+order"} <= set(rows)
    assert all(row["cpu ms"] > 0 and row["wall ms"] > 0 for row in rows.values())


@pytest.mark.client
@pytest.mark.long
def test_a_peer_gets_the_same_calls(tmp_path):
    """With --peer a stock mlflow server is asked in turn, and every row has its time and the ratio."""
    python = client("3.18")
    if not python.exists():
        pytest.skip("no mlflow 3.18; scripts/test installs it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-m", "mlflow", "server", "--port", str(port)]
    store = f"sqlite:///{tmp_path}/peer.sqlite"
    peer = subprocess.Popen(
        [*command, "--backend-store-uri", store, "--workers", "1"],
        cwd=tmp_path,
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},  # it would start nine more
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        engines.is_ready(f"{url}/health", 300)  # it needs 5 s of CPU, and the machine is shared
        said = bench("--peer", url)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(peer.pid, 9)
        peer.wait()
    assert all(row["peer wall ms"] > 0 and row["peer / ours"] > 0 for row in said["calls"])
