"""The front of the house: addresses, methods, and how errors and requests are spoken of."""

import json
from dataclasses import replace

import pytest

from functions import app as house
from functions import settings
from functions.errors import Busy
from tests.functions.calls import HEALTH, SEARCH, call

GET = "/api/2.0/mlflow/experiments/get-by-name"


@pytest.mark.parametrize("path", [
    "/nowhere", "/api", "/api/2.0/mlflow/runs", "/api/2.0/mlflow//runs/get", "/v1", "/v1/", "/v1/nowhere",
    "//health",
    "/health/", "/HEALTH", "/t", "/t/", "/t//health", "/api/2.0/mlflow/../health", "/.env", "/moto-api/reset",
    "/api/2.0/mlflow/runs/get%2e", "/health;x", "/é", "/\0", "/" + "a" * 8_000,
])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_address_is_404(app, secret, method, path):
    """It is JSON with MLflow's word for it, and is not written back whole."""
    answer = call(app, method, path, token=secret)
    assert (answer.status, answer.json["error_code"]) == (404, "ENDPOINT_NOT_FOUND")
    assert len(answer.body) < 300


def test_the_path_is_decoded_once(app, secret):
    """A path that was encoded twice is another path."""
    assert call(app, "GET", None, raw=b"/he%61lth").status == 200
    assert call(app, "GET", "/he%61lth", raw=b"/he%2561lth", token=secret).status == 404


@pytest.mark.parametrize(("method", "path", "allow"), [
    ("POST", HEALTH, "GET, HEAD"), ("PUT", SEARCH, "GET, HEAD, POST"),
    ("DELETE", "/v1/teams", "GET, HEAD, POST"),
    ("POST", "/v1/tokens/x", "DELETE"), ("OPTIONS", "/v1/me", "GET, HEAD"), ("TRACE", HEALTH, "GET, HEAD"),
    ("PROPFIND", "/v1/experiments/0", "DELETE, GET, HEAD, PATCH"), ("\0", HEALTH, "GET, HEAD"),
    ("POST", "/v1/openapi.json", "GET, HEAD"),
])  # fmt: skip
def test_a_wrong_method_is_405_and_says_which_are_right(app, secret, method, path, allow):
    """The Allow header has every method of the path."""
    answer = call(app, method, path, token=secret)
    assert (answer.status, answer.json["error_code"], answer.header("allow")) == (405, "BAD_REQUEST", allow)


@pytest.mark.parametrize("path", [HEALTH, "/v1/me", GET + "?", "/v1/openapi.json", "/nowhere"])
def test_head_is_get_without_a_body(app, secret, path):
    """The status and headers are GET's."""
    path, _, query = path.partition("?")
    query = "experiment_name=Default"
    get, head = (call(app, method, path, token=secret, query=query) for method in ("GET", "HEAD"))
    assert (head.status, head.body) == (get.status, b"")
    assert head.header("content-length") == get.header("content-length") == str(len(get.body))


@pytest.fixture
def broken(app):
    """A house with a verb that fails as it is told."""
    fails = []

    async def endpoint(_request):
        raise fails.pop()

    routes = [each for each in app.routes if getattr(each, "path", "") == HEALTH]
    door = routes[0].endpoint
    kept = door.verbs["GET"]
    door.verbs["GET"] = house.Verb(endpoint, False)
    yield fails
    door.verbs["GET"] = kept


def test_an_unknown_failure_is_500_and_says_nothing(app, broken, lines):
    """The answer has no word of the exception; the log has it once, with its traceback."""
    broken.append(RuntimeError("the secret is 42"))
    answer = call(app, "GET", HEALTH)
    assert (answer.status, answer.json["error_code"]) == (500, "INTERNAL_ERROR")
    assert b"secret" not in answer.body
    failures = [line for line in lines if "the secret is 42" in json.dumps(line)]
    assert len(failures) == 1
    assert "Traceback" in failures[0]["exception"]
    assert lines[-1]["status"] == 500


def test_an_unknown_failure_in_the_native_api_is_the_same(app, secret, lines):
    """A table that is not there is nobody's mistake but ours: 500 without a word of it, logged once."""
    before = settings.settings()
    call(app, "GET", "/v1/tokens", token=secret)
    settings.use(replace(before, table="nowhere"))
    try:
        answer = call(app, "GET", "/v1/tokens", token=secret)
    finally:
        settings.use(before)
    assert (answer.status, answer.json["error_code"]) == (500, "INTERNAL_ERROR")
    assert b"ResourceNotFound" not in answer.body
    assert len([line for line in lines if "ResourceNotFound" in json.dumps(line)]) == 1


def test_a_busy_house_says_when_to_come_back(app, broken):
    """A retry time becomes a Retry-After header."""
    broken.append(Busy("Slow down.", retry_after=3, field="run_id"))
    answer = call(app, "GET", HEALTH)
    assert (answer.status, answer.header("retry-after")) == (429, "3")
    assert answer.json == {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "Slow down.", "field": "run_id"}


def test_each_request_is_one_line(app, ann, secret, lines):
    """It has the method, the route, the status, the time, and who asked; never a secret or a query."""
    call(app, "GET", "/v1/experiments/0", token=secret, query="password=hunter2")
    call(app, "GET", f"/t/{ann.team}{GET}", token=secret, query="experiment_name=Default")
    call(app, "GET", "/v1/me", token="rh_" + "x" * 43)
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("GET", "/v1/experiments/{experiment_id}", 200),
        ("GET", GET, 200),
        ("GET", "'/v1/me'", 401),
    ]
    assert {line["team"] for line in lines[:2]} == {ann.team}
    assert lines[0]["user"] == ann.sub
    assert lines[0]["milliseconds"] >= 0
    text = json.dumps(lines)
    assert secret not in text
    assert "hunter2" not in text
    assert "xxxx" not in text


def test_nothing_is_kept_by_browsers_or_embedded(app, secret):
    """Every answer says so, errors too."""
    for path in (HEALTH, "/v1/me", "/nowhere"):
        answer = call(app, "GET", path, token=secret)
        assert answer.header("cache-control") == "no-store"
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("cross-origin-resource-policy") == "same-origin"
