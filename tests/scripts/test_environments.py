"""`scripts/_venv.sh`: finds a Python and keeps environments as the locks say."""

import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OLD = "#!/bin/sh\nexit 1\n"
# A Python that will do, whose environments are folders with a copy of itself.
QUICK = """#!/bin/sh
case "$*" in
  "-m venv --clear "*) rm -rf "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; touch "$4/bin/pip" ;;
esac
"""
LOCK = "# what an empty lock pins: nothing\n"


def script(path, text):
    """An executable file."""
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path):
    """A checkout with two locks and a PATH of its own that has neither uv nor a Python."""
    for folder in ("scripts", "locks", "tools"):
        (tmp_path / folder).mkdir()
    shutil.copy(ROOT / "scripts/_venv.sh", tmp_path / "scripts")
    (tmp_path / "locks/house.txt").write_text(LOCK)
    (tmp_path / "locks/dev.txt").write_text(LOCK + "# and more\n")
    for name in ("cmp", "cp", "dirname", "mkdir", "rm", "touch"):
        (tmp_path / "tools" / name).symlink_to(shutil.which(name))
    return tmp_path


@pytest.fixture
def python(checkout):
    """A Python on the PATH, under the last name that is tried."""
    script(checkout / "tools/python3.11", QUICK)


@pytest.fixture
def real_python(checkout):
    """The real one."""
    path = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    script(checkout / "tools/python3", f'#!/bin/sh\nexec "{path}" "$@"\n')


def bash(checkout, line):
    """What a line of bash says after sourcing the file."""
    command = [shutil.which("bash"), "-c", f". '{checkout}/scripts/_venv.sh'; {line}"]
    done = subprocess.run(
        command, env={"PATH": str(checkout / "tools")}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_an_old_python_is_passed_over(checkout, python):
    """A python3 that is too old does not matter where a newer one lies beside it."""
    script(checkout / "tools/python3", OLD)
    assert bash(checkout, "find_python")[:2] == (0, f"{checkout}/tools/python3.11\n")


def test_without_python_the_message_is_clear(checkout):
    """Where no Python will do, the script says which one is needed and stops."""
    script(checkout / "tools/python3", OLD)
    code, _, complaint = bash(checkout, "environment .venv house")
    assert code == 1
    assert "Python 3.11 or newer" in complaint


def test_an_environment_is_made_once(checkout, python):
    """The first call makes the environment and the second does nothing."""
    assert "Installing locks/house.txt into .venv" in bash(checkout, "environment .venv house dev")[2]
    assert (checkout / ".venv/installed.txt").read_text() == LOCK
    assert bash(checkout, "environment .venv house dev") == (0, "", "")


def test_a_wider_environment_will_do(checkout, python):
    """Where the developers' lock is installed, the house's needs nothing more."""
    assert bash(checkout, "environment .venv dev")[0] == 0
    assert bash(checkout, "environment .venv house dev") == (0, "", "")
    assert "locks/dev.txt" in bash(checkout, "environment .venv house; environment .venv dev")[2]


def test_a_changed_lock_is_installed(checkout, python):
    """When the lock changes, the environment follows."""
    bash(checkout, "environment .venv house")
    (checkout / "locks/house.txt").write_text(LOCK + "# changed\n")
    assert bash(checkout, "environment .venv house")[0] == 0
    assert (checkout / ".venv/installed.txt").read_text().endswith("# changed\n")


def test_half_an_environment_is_made_anew(checkout, python):
    """An environment whose making was interrupted is made again from nothing."""
    script_in_it = checkout / ".venv/bin/python"
    script_in_it.parent.mkdir(parents=True)
    script(script_in_it, OLD)
    assert bash(checkout, "environment .venv house")[0] == 0
    assert (checkout / ".venv/bin/pip").exists()


@pytest.mark.slow
def test_a_second_start_costs_nothing(checkout, python):
    """Where nothing changed, the check takes less than 0.1 s of CPU."""
    bash(checkout, "environment .venv house")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    bash(checkout, "environment .venv house")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.1


def test_a_lock_without_hashes_is_refused(checkout, real_python):
    """What has no hash is not installed, and the environment does not count as made."""
    (checkout / "locks/house.txt").write_text("annotated-types==0.7.0\n")
    code, _, complaint = bash(checkout, "environment .venv house")
    assert code != 0
    assert "hash" in complaint.lower()
    assert not (checkout / ".venv/installed.txt").exists()
