"""A stock MLflow client before a deployment: nothing in between knows that this is no AWS."""

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.runtime import stack

pytestmark = [pytest.mark.client, pytest.mark.long, pytest.mark.xdist_group("whole_run")]


def test_a_whole_run_arrives(deployed, red, mlflow_python, tmp_path):
    """Params, metrics, odd names and a large file come back; the files lie in the team's own account."""
    program = Path(__file__).with_name("whole_run.py")
    world = deployed.client_world(red.token, tmp_path)
    command = [mlflow_python, program]
    done = subprocess.run(
        command, env=world, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr + deployed.logs()
    run = json.loads(done.stdout.splitlines()[-1])
    s3 = deployed.cloud.client("s3", stack.RED)
    held = s3.list_objects_v2(Bucket=red.place["bucket"])["Contents"]
    assert all(each["Key"].startswith("runhaven/red/") for each in held)
    assert max(each["Size"] for each in held) == 5 * 2**20
    assert sum(run["run"] in each["Key"] for each in held) >= 8
    assert deployed.cloud.client("s3").list_buckets()["Buckets"] == []


def test_a_cold_start_compiles_nothing(deployed, red, package):
    """Every module lies there compiled: a function that has served everything leaves the zip as it was."""
    assert red.get("/v1/openapi.json").status_code == 200
    (zipped,) = package.parent.glob("*.zip")
    with zipfile.ZipFile(zipped) as archive:
        held = set(archive.namelist())
    there = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    assert there == held
