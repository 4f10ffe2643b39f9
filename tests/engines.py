"""Real engines, started for a test: a free loopback port, an empty folder, and gone afterwards."""

import functools
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
CI = os.environ.get("CI") == "true"


@functools.cache
def program(name: str) -> str:
    """The path of an engine's program; without it the test is skipped, with the reason."""
    look = [ROOT / "scripts/engines", "--look", "--json", name]
    answer = subprocess.run(look, capture_output=True, env={**os.environ, "CI": ""}, check=True).stdout
    found = json.loads(answer)[name]
    if "why" in found:
        pytest.skip(f"{name} {found['version']} is not here: {found['why']}")
    return found["path"]


def or_moto(name: str) -> list[Any]:
    """An engine, for `params`; where it is not here, moto stands in for it, and its own tests are skipped."""
    real = pytest.param(name, marks=pytest.mark.engine)
    if CI:
        return [real]
    try:
        program(name)
    except pytest.skip.Exception:
        return ["moto", real]
    return [real]


@contextmanager
def dynoxide(data: Path | None = None, port: int = 0) -> Iterator[str]:
    """A DynamoDB in memory, or kept in the SQLite file *data*, at a free port or that one; yields its URL."""
    command = [program("dynoxide"), "serve", "--log", "quiet", *(["--db-path", data] if data else [])]
    port = port or _free_port()
    with _running([*command, "--port", str(port)], port, {}):
        yield f"http://127.0.0.1:{port}"


# Whose calls MinIO answers; STS narrows them to what a session policy allows.
MINIO_USER = {"AWS_ACCESS_KEY_ID": "runhaven", "AWS_SECRET_ACCESS_KEY": "runhaven-secret"}


@contextmanager
def minio(data: Path) -> Iterator[str]:
    """An S3 with STS that keeps its objects below the folder *data*; yields its URL."""
    port = _free_port()
    command = [program("minio"), "server", "--quiet", "--address", f"127.0.0.1:{port}", str(data)]
    user, secret = MINIO_USER.values()
    world = {
        "MINIO_ROOT_USER": user,
        "MINIO_ROOT_PASSWORD": secret,
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
    }
    with _running(command, port, world):
        url = f"http://127.0.0.1:{port}"
        is_ready(f"{url}/minio/health/ready")
        yield url


def opentofu() -> str:
    """The path of OpenTofu's program."""
    return program("opentofu")


@contextmanager
def running_python(script: Path) -> Iterator[str]:
    """A server that this Python runs: `script PORT`; yields its URL."""
    port = _free_port()
    with _running([sys.executable, "-P", script, str(port)], port, {}):
        yield f"http://127.0.0.1:{port}"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def _running(command: list, port: int, world: dict[str, str]) -> Iterator[None]:
    environment = {**os.environ, **world}
    engine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment)
    try:
        _answers(engine, port)
        yield
    finally:
        engine.kill()
        engine.wait()


def is_ready(url: str, seconds: float = 60) -> None:
    """Wait until a server says so at this address; OSError where it does not in this time."""
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def _answers(engine: subprocess.Popen, port: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if engine.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.005)
        else:
            return
