"""The zip that scripts/build makes for this machine and the Python of Lambda's runtime client, unpacked."""

import fcntl
import functools
import platform
import subprocess
import zipfile
from pathlib import Path

from tests.runtime.sandbox import PYTHON, ROOT


def arch() -> str:
    """What Lambda calls this machine's processor."""
    return {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]


@functools.cache
def python() -> str:
    """The version of the Python that has the runtime client."""
    ask = [PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    return subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()


def unpacked(folder: Path) -> Path:
    """Build into a folder and unpack there as Lambda does, unless it is there; gives the modules' folder.

    Raises:
        RuntimeError: the build failed, with its words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "task").exists():
            _build(folder)
    return folder / "task"


def _build(folder: Path) -> None:
    build = [ROOT / "scripts/build", "--arch", arch(), "--python", python(), "--to", folder]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    with zipfile.ZipFile(folder / f"runhaven-{arch()}.zip") as archive:
        archive.extractall(folder / "task")
