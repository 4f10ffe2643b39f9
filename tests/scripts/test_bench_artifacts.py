"""The bench of uploads and downloads: what it measures keeps the house's budgets, beside a proxy."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import engines
from tests.conftest import client

ROOT = Path(__file__).parents[2]
LARGE = [f"{api} {way} 100 MB" for api in ("mlflow", "native") for way in ("upload", "download")]


def bench(*arguments, **environment):
    """What the bench says, and its rows by name."""
    if not client("3.18").exists():
        pytest.skip("no mlflow 3.18; scripts/test installs it")
    world = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sdk'}", **environment}
    command = [sys.executable, ROOT / "scripts/_bench_artifacts.py", "--json", *arguments]
    done = subprocess.run(command, env=world, capture_output=True, check=True, timeout=230, cwd=ROOT)
    said = json.loads(done.stdout)
    return said, {row["call"]: row for row in said["calls"]}


@pytest.fixture(scope="module")
def rows():
    """The rows of 1 MB and 100 MB on real engines, beside the proxy."""
    for name in ("dynoxide", "minio"):
        engines.program(name)
    said, rows = bench("--repeat", "3")
    assert (said["table"], said["objects"]) == ("dynoxide", "minio")
    return rows


@pytest.mark.client
@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("call", LARGE)
def test_100_mb_cost_the_api_less_than_20_ms_of_cpu(rows, call):
    """All requests of a warm transfer of 100 MB take less than 20 ms of CPU outside the AWS calls."""
    assert 0 < rows[call]["outside AWS"] < 20


@pytest.mark.client
@pytest.mark.engine
@pytest.mark.slow
def test_the_transfer_itself_costs_less_than_20_ms_with_its_aws_calls(rows):
    """What a client asks for beside looking for a file takes less than 20 ms, botocore's part included."""
    assert rows["mlflow upload 100 MB"]["cpu ms"] < 20
    assert rows["native download 100 MB"]["cpu ms"] < 20


@pytest.mark.client
@pytest.mark.engine
@pytest.mark.slow
def test_what_an_upload_costs_hardly_depends_on_its_size(rows):
    """100 MB cost the API a call or two more than 1 MB does; a proxy pays for each byte."""
    for way in ("upload", "download"):
        small, large = rows[f"mlflow {way} 1 MB"], rows[f"mlflow {way} 100 MB"]
        assert large["cpu ms"] < 5 * small["cpu ms"]
        assert large["proxy cpu ms"] > 5 * large["cpu ms"]


@pytest.mark.client
@pytest.mark.engine
@pytest.mark.slow
def test_calls_to_dynamodb_s3_and_sts_are_counted_apart(rows):
    """A file of one part costs no call to S3, one of several two; a session is entered once."""
    assert {name: row["sts"] for name, row in rows.items() if row["sts"]} == {"mlflow, first upload": 1}
    s3 = {name: row["s3"] for name, row in rows.items()}
    assert s3["mlflow, first upload"] == s3["mlflow upload 1 MB"] == 0
    assert s3["mlflow upload 100 MB"] == 2  # to begin it and to complete it
    assert s3["mlflow download 1 MB"] == s3["mlflow download 100 MB"] == 1  # the list, not the file
    assert (s3["native upload 1 MB"], s3["native upload 100 MB"]) == (1, 4)  # with the proof of what came
    # Every minute one of them looks at the experiment and the vault again.
    assert 2 <= rows["mlflow upload 1 MB"]["dynamodb"] <= 3
    assert 2 <= rows["mlflow upload 100 MB"]["dynamodb"] <= 3
    assert rows["native upload 1 MB"]["dynamodb"] <= 8
    assert rows["native download 100 MB"]["dynamodb"] <= 4


@pytest.mark.client
def test_without_engines_only_the_apis_own_cpu_is_told(tmp_path):
    """On moto, which works in the same process, calls are counted and CPU is that outside them."""
    said, rows = bench("--alone", "--sizes", "1", "--repeat", "2", RUNHAVEN_ENGINES=str(tmp_path))
    assert (said["table"], said["objects"]) == ("moto", "moto")
    row = rows["mlflow upload 1 MB"]
    assert (row["requests"], row["dynamodb"], row["s3"], row["sts"], row["cpu ms"]) == (2, 2, 0, 0, None)
    assert row["outside AWS"] > 0
    assert row["proxy cpu ms"] is None
