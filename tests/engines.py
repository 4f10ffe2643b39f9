"""Real engines, started for a test: a free loopback port, an empty folder, and gone afterwards."""

import functools
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@functools.cache
def program(name: str) -> str:
    """The path of an engine's program; without it the test is skipped, with the reason."""
    look = [ROOT / "scripts/engines", "--look", "--json", name]
    answer = subprocess.run(look, capture_output=True, env={**os.environ, "CI": ""}, check=True).stdout
    found = json.loads(answer)[name]
    if "why" in found:
        pytest.skip(f"{name} {found['version']} is not here: {found['why']}")
    return found["path"]


@contextmanager
def dynoxide(data: Path | None = None, port: int = 0) -> Iterator[str]:
    """A DynamoDB in memory, or kept in the SQLite file *data*, at a free port or that one; yields its URL."""
    command = [program("dynoxide"), "serve", "--log", "quiet", *(["--db-path", data] if data else [])]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = port or free.getsockname()[1]
    engine = subprocess.Popen([*command, "--port", str(port)], stdin=subprocess.DEVNULL)
    try:
        _answers(engine, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        engine.kill()
        engine.wait()


def _answers(engine: subprocess.Popen, port: int, seconds: float = 20) -> None:
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
