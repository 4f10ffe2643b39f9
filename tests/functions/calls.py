"""Requests to the app, byte by byte: what a server hands over, also what no client library would send."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, unquote

import pytest

from functions import settings, table
from functions.access.memory import MEMORY

HOME = "http://127.0.0.1:5000"
HEALTH, SEARCH = "/health", "/api/2.0/mlflow/experiments/search"
JSON = (b"content-type", b"application/json")


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def json(self):
        """The body as JSON."""
        return json.loads(self.body)

    def header(self, name):
        """The values of a header, joined."""
        return b", ".join(
            value for key, value in self.headers if key.lower() == name.lower().encode()
        ).decode()


def call(
    app, method, path, *, token=None, team=None, headers=(), json_body=None, body=b"", query="", raw=None
):
    """Send one request; *body* may be a list of chunks, *raw* is the path as it stood on the wire."""
    sent = [(b"host", b"127.0.0.1:5000")] if not any(key == b"host" for key, _ in headers) else []
    sent += [(b"authorization", f"Bearer {token}".encode())] if token else []
    sent += [(b"x-mlflow-workspace", team.encode())] if team else []
    if json_body is not None:
        body = json.dumps(json_body).encode()
        sent.append((b"content-type", b"application/json"))
    chunks = body if isinstance(body, list) else [body]
    if not isinstance(body, list):
        sent.append((b"content-length", str(len(body)).encode()))
    raw = quote(path).encode() if raw is None else raw
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw.decode("latin-1")) if path is None else path,
        "raw_path": raw,
        "query_string": query if isinstance(query, bytes) else query.encode(),
        "root_path": "",
        "headers": [*sent, *headers],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 5_000),
    }
    return asyncio.run(_sent(app, scope, chunks))


def search(app, *, prefix="", **more):
    """A request that any member may make: the team's experiments."""
    headers = [*more.pop("headers", ()), JSON]
    return call(app, "POST", prefix + SEARCH, body=b'{"max_results": 5}', headers=headers, **more)


async def _sent(app, scope, chunks):
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks) - 1}
        for number, chunk in enumerate(chunks)
    ]
    messages = []

    async def receive():
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message):
        messages.append(message)

    await app(scope, receive, send)
    starts = [each for each in messages if each["type"] == "http.response.start"]
    assert len(starts) == 1, messages
    return Answer(
        starts[0]["status"],
        list(starts[0]["headers"]),
        b"".join(each.get("body", b"") for each in messages if each["type"] == "http.response.body"),
    )


@contextmanager
def table_on_moto(**more) -> Iterator[None]:
    """An empty table, and settings that lead there."""
    from moto import mock_aws

    from functions import local_table

    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"):
            environment.setenv(name, "true")
        settings.use(settings.Settings("runhaven", "eu-central-1", **more))
        table.forget_clients()
        MEMORY.forget()
        with local_table.open_table(table.client(), "runhaven"):
            yield
        table.forget_clients()
        settings._used.clear()
