"""The house and a stock MLflow 3.18 server answer the same requests alike, but for what `stories` says."""

import json
import os
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from operator import itemgetter

import pytest

from tests.conftest import client
from tests.dialects.stories import NEW, STORIES

pytestmark = pytest.mark.client

# Times that the servers choose, places, and fields that only one of them has.
OWN = set(
    "artifact_location artifact_uri created_by creation_time creation_timestamp_ms last_update_time "
    "last_updated_timestamp_ms next_page_token workspace".split()
)


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    """The URL of a stock server on SQLite."""
    python = client("3.18")
    if not python.exists():
        pytest.skip("no mlflow 3.18; scripts/test installs it")
    folder = tmp_path_factory.mktemp("peer")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--host", "127.0.0.1", "--port", str(port), "--backend-store-uri", "sqlite:///mlflow.db"]
    server = subprocess.Popen(
        [python, "-m", "mlflow", "server", *options, "--workers", "1"],
        cwd=folder,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{url}/health")
        for number in range(10):  # its ids begin at 1: from 10 on none is taken for a number in an answer
            made = Side(url, f"before {number}").answer(NEW)
            assert made[0] == 200
        yield url
    finally:
        os.killpg(server.pid, 9)
        server.wait()


def wait_for(url, seconds=90):
    """Wait until a server answers."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            assert time.monotonic() < end, f"{url} does not answer"
            time.sleep(0.2)


class Side:
    """One of the two servers, with the ids that it gave."""

    def __init__(self, url, name):
        self.url, self.ids = url, {"NAME": name}

    def answer(self, step):
        """The status and what matters of the body."""
        path = self.filled(step.path)
        whole = path if path.startswith("/") else f"/api/2.0/mlflow/{path}"
        body = None if step.body is None else json.dumps(self.filled(step.body)).encode()
        headers = {} if body is None else {"content-type": "application/json"}
        request = urllib.request.Request(self.url + whole, body, headers, method=step.method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                status, said = response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            text = error.read()
            code = json.loads(text)["error_code"] if text.startswith(b"{") else None
            return error.code, code
        if step.keep:
            name, place = step.keep
            found = said
            for part in place.split("."):
                found = found[part]
            self.ids[name] = found
        return status, self.plain(said)

    def filled(self, value):
        """A request with this side's ids in it."""
        match value:
            case str():
                for name in sorted(self.ids, key=len, reverse=True):
                    value = value.replace(f"${name}", self.ids[name])
                return value
            case dict():
                return {key: self.filled(one) for key, one in value.items()}
            case list():
                return [self.filled(one) for one in value]
        return value

    def plain(self, value):
        """An answer without what must differ, and with the names of ids instead of them."""
        match value:
            case dict():
                kept = {key: self.plain(one) for key, one in value.items() if key not in OWN}
                return {key: one for key, one in sorted(kept.items()) if one != {}}
            case list():
                some = [self.plain(one) for one in value]
                keyed = all(isinstance(one, dict) and "key" in one for one in some)
                return sorted(some, key=itemgetter("key")) if keyed else some
            case str():
                return next((f"${name}" for name, known in self.ids.items() if known == value), value)
        return value


@pytest.mark.parametrize("story", STORIES)
def test_the_house_answers_as_mlflow_does(open_house, peer, story):
    """Status, error code and body are the same, and each known difference is still one."""
    name = f"{story} {secrets.token_hex(6)}".replace(" ", "-")
    ours, theirs = Side(open_house, name), Side(peer, name)
    wrong = []
    for step in STORIES[story]:
        here, there = ours.answer(step), theirs.answer(step)
        if (here == there) is bool(step.differs):
            wrong.append(
                f"{step.method} {step.path} {str(step.body)[:100]}\n  ours   {here}\n  MLflow {there}"
            )
    assert not wrong, "\n" + "\n".join(wrong)
