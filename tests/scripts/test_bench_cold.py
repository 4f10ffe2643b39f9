"""`scripts/bench cold`: a cold start of what is deployed stays within its budget."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import _bench_cold
from tests.runtime.sandbox import PYTHON
from tests.yardstick import slowness

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_cold_start_of_the_zip_is_in_budget():
    """The packaged API function is imported in 320 ms of CPU under AWS's runtime client, and answers."""
    if not PYTHON.exists():
        pytest.skip("no environment for Lambda's runtime client; scripts/test installs it")
    command = [sys.executable, ROOT / "scripts/_bench_cold.py", "--json", "--repeat", "5"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sdk'}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    slower = slowness()
    assert 0 < found["api"]["init"] <= 320 * slower
    assert found["api"]["GET /health cpu"] <= 100 * slower
    assert found["api"]["resident after"] <= 128
    assert max(found[name]["init"] for name in ("stream", "jobs")) <= 320 * slower
    tables = _bench_cold.told(found)
    first = ["function", "init", "CPU", "ms", "wall", "ms", "MB"]
    second = ["first", "answer", "CPU", "ms", "wall", "ms"]
    lines = [line.split() for line in tables.splitlines()]
    assert lines.index(first) < lines.index(second)
    api = found["api"]
    assert ["api", *(f"{api[what]:.0f}" for what in ("init", "wall", "resident"))] in lines
    assert ["native", f"{api['native cpu']:.0f}", f"{api['native wall']:.0f}"] in lines
