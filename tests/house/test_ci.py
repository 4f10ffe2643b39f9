"""Under CI nothing is skipped: what is not proved there is proved nowhere."""

import os
import re
import subprocess
import sys

import pytest

from tests.house.source import ROOT

SKIPS = {
    "test_says_so": "import pytest\ndef test_it():\n    pytest.skip('no engine')\n",
    "test_is_marked": "import pytest\n@pytest.mark.skip(reason='no engine')\ndef test_it(): ...\n",
    "test_asks": "import pytest\n@pytest.fixture\ndef it(): pytest.skip('no engine')\ndef test_it(it): ...\n",
    "test_is_a_module": "import pytest\npytest.skip('no engine', allow_module_level=True)\n",
}


@pytest.mark.parametrize(("ci", "shown", "failed"), [("true", "FAILED|ERROR", True), ("", "SKIPPED", False)])
def test_a_skip_is_a_failure_under_ci(tmp_path, ci, shown, failed):
    """A skip, wherever it is said, fails with its reason under CI and is only shown elsewhere."""
    for name, code in SKIPS.items():
        (tmp_path / f"{name}.py").write_text(code)
    (tmp_path / "empty.ini").write_text("[pytest]\n")
    options = ["-p", "tests.conftest", "-c", "empty.ini", "-ra", "--continue-on-collection-errors"]
    world = {**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", *options, "."]
    done = subprocess.run(command, cwd=tmp_path, env=world, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) is failed
    for name in SKIPS:
        assert re.search(rf"^(?:{shown}) .*{name}.py", done.stdout, re.MULTILINE), done.stdout
    assert "no engine" in done.stdout


GROUPED = """
import os, pytest
@pytest.mark.parametrize("name", ["a", "b"] * 4)
class TestIt:
    @pytest.mark.xdist_group("one")
    def test_it(self, name):
        print(os.environ["PYTEST_XDIST_WORKER"])
"""


def test_what_shares_an_apply_runs_in_one_process(tmp_path):
    """Tests of one group meet in one worker, where what they share is made once."""
    (tmp_path / "test_groups.py").write_text(GROUPED)
    (tmp_path / "empty.ini").write_text("[pytest]\n")
    options = ["-c", "empty.ini", "-n", "2", "--dist", "loadgroup", "-rP", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert len(set(re.findall(r"^gw\d$", done.stdout, re.MULTILINE))) == 1, done.stdout
