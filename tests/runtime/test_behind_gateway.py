"""The API's function behind the gateway, as it is packaged: what it makes of what the gateway hands on."""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tests.infra import written
from tests.runtime.gateway import Gateway
from tests.runtime.sandbox import ANSWER_BYTES, Function

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("gateway")]

MIB = 2**20


def test_it_has_what_the_module_writes(deployed):
    """What stands here for a deployment has every setting, and each function's time and memory."""
    assert set(deployed.environment) == written.settings()
    for name, function in deployed.functions.items():
        assert (function.seconds, function.memory) == written.limits()[name]


def test_the_function_answers_before_the_gateway_gives_up(deployed):
    """A function that runs into its end says so while the gateway still waits."""
    assert deployed.functions["api"].seconds < deployed.gateway.seconds == written.gateway_seconds()


def test_the_function_is_reached_through_it(deployed):
    """An open route answers; whoever comes by another name, or asks as another page, is turned away."""
    assert deployed.call("GET", "/health").text == "OK"
    assert deployed.call("HEAD", "/health").content == b""
    assert deployed.call("GET", "/health", headers={"Host": "example.org"}).status_code == 403
    assert deployed.call("GET", "/health", headers={"Origin": "https://example.org"}).status_code == 403
    assert deployed.call("GET", "/v1/me").json()["error_code"] == "UNAUTHENTICATED"
    page = deployed.call("GET", "/")
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src" in page.headers["content-security-policy"]


def test_names_come_through_as_they_were_sent(deployed, red):
    """A name with a percent sign, a space or a foreign letter in its path is the name that is stored."""
    run = red.call("POST", "/v1/runs", json={"experiment_id": "0"}).json()["run_id"]
    names = {"a%2520b": "a%20b", "100%25": "100%", "a%20b": "a b", "%C3%BC+": "ü+", "a%2Fb": "a/b"}
    for sent in names:
        path = f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/{sent}"
        put = red.call("PUT", path, data=sent.encode(), headers={"Content-Type": "application/octet-stream"})
        assert put.status_code == 200, put.text
    page = red.get(f"/v1/runs/{run}/artifacts?recursive=true").json()
    assert sorted(each["path"] for each in page["artifacts"]) == sorted(names.values())


def test_lambda_carries_six_megabytes(deployed, red):
    """A body that Lambda does not carry is refused; one that it carries comes through, byte for byte."""
    run = red.call("POST", "/v1/runs", json={"experiment_id": "0"}).json()["run_id"]
    path = f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/large.bin"
    headers, body = {"Content-Type": "application/octet-stream"}, os.urandom(3 * MIB)
    assert red.call("PUT", path, data=body, headers=headers).status_code == 200
    assert deployed.call("GET", path, headers={"Authorization": f"Bearer {red.token}"}).content == body
    assert red.call("PUT", path, data=b"\xff" * (5 * MIB), headers=headers).status_code == 413


FLOOD = """
AROUND = len('{"statusCode": 200, "body": ""}')

def handler(event, context):
    return {"statusCode": 200, "body": "x" * (int(event["rawPath"][1:]) - AROUND)}
"""


@pytest.mark.usefixtures("package")
def test_an_answer_that_lambda_does_not_carry_is_an_error(tmp_path):
    """Of an answer that is a byte too long the caller sees an internal error; the next has a new process."""
    (tmp_path / "flood.py").write_text(FLOOD)
    flood = Function(tmp_path, "flood.handler", {}, {}, tmp_path / "log.txt", *written.limits()["api"])
    gateway = Gateway(flood.invoke, "example.org")
    try:
        assert gateway.answer("GET", f"/{ANSWER_BYTES}", [], b"")[0] == 200
        status, _, body = gateway.answer("GET", f"/{ANSWER_BYTES + 1}", [], b"")
        assert (status, json.loads(body)) == (500, {"message": "Internal Server Error"})
        assert flood.started[0].process.wait(60) != 0
        assert "413" in flood.log.read_text()
        assert gateway.answer("GET", "/1000", [], b"")[0] == 200
        assert len(flood.started) == 2
    finally:
        flood.end()


def test_headers_come_through(deployed, red):
    """A header counts in any case, and with all its values where it comes several times."""

    def answer(path, *headers):
        return deployed.gateway.answer("GET", path, [("HOST", deployed.gateway.host), *headers], b"")

    assert answer("/v1/me", ("AUTHORIZATION", f"Bearer {red.token}"))[0] == 200
    twice = [("Authorization", f"Bearer {token}") for token in (red.token, "rh_another")]
    assert answer("/v1/me", *twice)[0] == 401
    tag = dict(answer("/")[1])["etag"]
    assert answer("/", ("If-None-Match", '"another"'))[0] == 200
    assert answer("/", ("If-None-Match", '"another"'), ("if-none-match", tag))[0] == 304


def test_a_cookie_is_no_credential(deployed, red):
    """What a browser sends along by itself neither lets anybody in nor keeps anybody out."""
    cookie = f"Authorization=Bearer {red.token}; token={red.token}; ü=%"
    assert deployed.call("GET", "/v1/me", headers={"Cookie": cookie.encode()}).status_code == 401
    assert red.call("GET", "/v1/me", headers={"Cookie": cookie.encode()}).status_code == 200


def test_cold_processes_serve_side_by_side(deployed):
    """Requests at once have a process each, and later ones find those."""
    function, at_once = deployed.function("api"), Barrier(3)
    gateway = Gateway(function.invoke, deployed.gateway.host)

    def ask(_):
        at_once.wait(60)
        return gateway.answer("GET", "/version", [("host", deployed.gateway.host)], b"")[0]

    try:
        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(ask, range(3))) == [200] * 3
            assert len(function.started) == 3
            assert list(pool.map(ask, range(3))) == [200] * 3
        assert len(function.started) == 3
    finally:
        function.end()


def has_pydantic(sandbox):
    """Whether a process has loaded pydantic, with which FastAPI comes."""
    return "pydantic_core" in Path(f"/proc/{sandbox.process.pid}/maps").read_text()


def test_fastapi_comes_with_the_native_api(deployed, red):
    """Of a cold start FastAPI is no part: only the first request below /v1 brings it."""
    functions = {name: deployed.function(name) for name in deployed.functions}
    gateway = Gateway(functions["api"].invoke, deployed.gateway.host)
    host = ("host", deployed.gateway.host)
    try:
        for name in ("stream", "jobs"):
            functions[name].sandbox().wait()
        assert gateway.answer("GET", "/health", [host], b"")[0] == 200
        assert [name for name, each in functions.items() if has_pydantic(each.started[0])] == []
        gateway.answer("GET", "/v1/me", [host, ("authorization", f"Bearer {red.token}")], b"")
        assert has_pydantic(functions["api"].started[0])
    finally:
        for each in functions.values():
            each.end()


def test_a_function_that_takes_too_long_is_ended(deployed, red):
    """After its time the process is ended and the gateway says so; the next request has a new one."""
    slow = deployed.function("api")
    gateway = Gateway(slow.invoke, deployed.gateway.host)
    headers = [("host", deployed.gateway.host), ("authorization", f"Bearer {red.token}")]
    rendered, slow.seconds = slow.seconds, 0.001
    try:
        status, _, body = gateway.answer("GET", "/v1/experiments", headers, b"")
        assert (status, json.loads(body)) == (500, {"message": "Internal Server Error"})
        assert slow.started[0].process.poll() is not None
        slow.seconds = rendered
        assert gateway.answer("GET", "/v1/experiments", headers, b"")[0] == 200
        assert len(slow.started) == 2
    finally:
        slow.end()


def answers(function, deployed, source, *headers):
    """Status of an open route for a caller from there."""
    gateway = Gateway(function.invoke, deployed.gateway.host, source=source)
    return gateway.answer("GET", "/health", [("host", deployed.gateway.host), *headers], b"")[0]


def test_networks_are_looked_at_first(deployed):
    """Who comes from elsewhere gets no open route either, whatever he says of himself; who is inside does."""
    function = deployed.function("api", RUNHAVEN_ALLOWED_CIDRS="198.51.100.0/24,2001:db8::/32")
    said = ("x-forwarded-for", "198.51.100.7")
    assert answers(function, deployed, "192.0.2.1", said) == 403
    assert answers(function, deployed, "198.51.100.7") == answers(function, deployed, "2001:db8::1") == 200
    function.end()


def test_nobody_gets_past_the_edge(deployed):
    """Behind an edge only who shows its secret is answered."""
    secret = "0123456789abcdef" * 2
    digest = hashlib.sha256(secret.encode()).hexdigest()
    function = deployed.function("api", RUNHAVEN_EDGE_SECRET=digest)
    assert answers(function, deployed, "192.0.2.1") == 403
    assert answers(function, deployed, "192.0.2.1", ("X-Runhaven-Edge", digest)) == 403
    assert answers(function, deployed, "192.0.2.1", ("X-Runhaven-Edge", secret)) == 200
    function.end()
