"""Calls the house in its own process: a real request through the real app, without a socket."""

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which must be JSON."""
        return json.loads(self.body)


def refused(answer, *statuses):
    """The body of an answer that must refuse, in MLflow's shape, with one of these statuses (else 400)."""
    assert answer.status in (statuses or (400,)), (answer.status, answer.body[:200])
    body = answer.json
    assert {"error_code", "message"} <= body.keys() <= {"error_code", "message", "field"}
    assert 0 < len(body["message"]) < 2000
    return body


@dataclass
class Caller:
    """A client of one app; `headers` go with every request."""

    app: Any
    url: str = "http://127.0.0.1:5000"
    headers: dict[str, str] = field(default_factory=dict)
    prefix: str = "/api/2.0/mlflow/"

    def __post_init__(self):
        self._runner = asyncio.Runner()

    def close(self):
        """End the loop in which the app ran."""
        self._runner.close()

    def get(self, path, query=None, **headers):
        """GET below the prefix; a list in the query is sent as several values."""
        return self.call("GET", path, query=query, headers=headers)

    def post(self, path, body=None, **headers):
        """POST JSON below the prefix."""
        return self.call("POST", path, body=body, headers=headers)

    def done(self, path, body):
        """The JSON of a POST that must succeed."""
        answer = self.post(path, body)
        assert answer.status == 200, answer.body
        return answer.json

    def seen(self, path, query):
        """The JSON of a GET that must succeed."""
        answer = self.get(path, query)
        assert answer.status == 200, answer.body
        return answer.json

    def new_experiment(self, **more):
        """The id of a new experiment, of a random name if none is given."""
        asked = {"name": f"test {secrets.token_hex(6)}", **more}
        return self.done("experiments/create", asked)["experiment_id"]

    def new_run(self, experiment, **more):
        """The id of a new run."""
        return self.done("runs/create", {"experiment_id": experiment, **more})["run"]["info"]["run_id"]

    def new_model(self, experiment, **more):
        """The id of a new logged model."""
        return self.done("logged-models", {"experiment_id": experiment, **more})["model"]["info"]["model_id"]

    def run(self, run_id):
        """A run as it is printed."""
        return self.seen("runs/get", {"run_id": run_id})["run"]

    def tags(self, run_id):
        """A run's tags."""
        return {one["key"]: one["value"] for one in self.run(run_id)["data"]["tags"]}

    def metrics(self, run_id):
        """The last value of each of a run's metrics, as it is printed."""
        return {one["key"]: one["value"] for one in self.run(run_id)["data"].get("metrics", [])}

    def refused(self, path, body, *statuses, method="POST", **how):
        """The body of an answer that must refuse, with one of these statuses (else 400)."""
        return refused(self.call(method, path, body=body, **how), *statuses)

    def call(self, method, path, *, body=None, raw=None, query=None, headers=None):
        """Any request; *path* is taken whole where it begins with a slash, and is quoted as it must be."""
        whole = path if path.startswith("/") else self.prefix + path
        sent = {"host": urlsplit(self.url).netloc, **self.headers, **(headers or {})}
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        if body is not None or raw is not None:
            sent.setdefault("content-type", "application/json")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": whole,
            "raw_path": quote(whole).encode(),
            "root_path": "",
            "query_string": urlencode(query or {}, doseq=True).encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in sent.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 5000),
        }
        return self._runner.run(self._asked(scope, content))

    async def _asked(self, scope, content):
        said: list[dict[str, Any]] = []

        async def receive():
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message):
            said.append(message)

        await self.app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in said[0]["headers"]}
        return Answer(said[0]["status"], headers, b"".join(one.get("body", b"") for one in said[1:]))
