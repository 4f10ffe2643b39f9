"""A body that is no JSON object is a 400 in MLflow's JSON, at every endpoint; it is never a 5xx."""

import json

import pytest

from tests.dialects.caller import refused
from tests.dialects.endpoints import BODIED

DEEP = 100_000
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"nope",
        b"[]",
        b"[{}]",
        b"5",
        b"true",
        b'"x"',
        b'"[1]"',
        b"\xff\xfe{\x00}\x00",
        b'{"run_id": "\xff"}',
        b'{"run_id": "\\ud800"}',
        b'{"run_id": "\\ud800", "x": NaN}',
        b'{"run_id": "a"} trailing',
        b"{'run_id': 'a'}",
        b'{"x": 1e400}',
        b'{"x": 1e400, "y": NaN}',
        b'{"x": -1e999}',
        b'{"x": ' + b"9" * 5000 + b"}",
        b"[" * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        b'{"run_id":' * DEEP + b"1" + b"}" * DEEP,
        b'{"x": NaN, "run_id":' + b"[" * DEEP + b"]" * DEEP + b"}",
        json.dumps("[" * DEEP).encode(),
    ],
    ids=range(23),
)
def test_a_body_that_is_no_object_is_refused(house, raw):
    """Broken, deep, scalar and foreign bodies are a 400 at every endpoint that takes a body."""
    for method, path in BODIED:
        refused(house.call(method, path, raw=raw), 400, 404)


@pytest.mark.parametrize("raw", [b"", b" ", b"null", b"{}", b'"{}"'])
def test_an_empty_body_misses_what_is_needed(house, raw):
    """An empty body is an empty object: what is needed is named as missing."""
    for method, path in BODIED:
        assert house.call(method, path, raw=raw).status in {200, 400, 404}, path
    said = refused(house.call("POST", "runs/log-metric", raw=raw))
    assert "Missing value for required parameter 'run_id'" in said["message"]


def test_a_broken_body_misses_what_is_needed(house):
    """As in MLflow, a body that is no JSON misses the first parameter that is needed."""
    said = refused(house.call("POST", "experiments/create", raw=b"{nope"))
    assert "Missing value for required parameter 'name'" in said["message"]


@pytest.mark.parametrize("kind", ["", "text/plain", FORM, "multipart/form-data", "application/jsonp"])
def test_a_body_must_claim_to_be_json(house, kind):
    """Another content type is a 400, so that a foreign page's form cannot write."""
    for method, path in BODIED:
        answer = house.call(method, path, raw=b'{"name": "x"}', headers={"content-type": kind})
        assert "Content-Type" in refused(answer)["message"]


def test_a_body_must_say_what_it_is(house):
    """A request without a content type is a 400, in MLflow's words."""
    for method, path in BODIED:
        assert "Content-Type header is missing" in refused(house.call(method, path))["message"]


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_may_say_its_charset(house, run, kind):
    """Parameters and case of the content type do not matter."""
    raw = json.dumps({"run_id": run, "key": "k", "value": "v"}).encode()
    assert house.call("POST", "runs/set-tag", raw=raw, headers={"content-type": kind}).status == 200


def test_json_in_json_is_taken(house, run):
    """Old clients send their object as a JSON string, which is decoded twice."""
    raw = json.dumps(json.dumps({"run_id": run, "key": "k", "value": "v"})).encode()
    assert house.call("POST", "runs/set-tag", raw=raw).status == 200


def test_unknown_fields_are_ignored(house, run):
    """What a newer client sends beside is no error, at any depth."""
    metric = {"key": "m", "value": 1, "timestamp": 1, "color": "red"}
    house.done("runs/log-batch", {"run_id": run, "metrics": [metric], "mood": {"a": [1]}})


def test_a_missing_field_and_null_are_the_same(house, run):
    """A field that is null is not there, as protobuf's JSON has it."""
    batch = {"run_id": run, "metrics": None, "params": None, "tags": [{"key": "k", "value": None}]}
    house.done("runs/log-batch", batch)
    assert house.tags(run)["k"] == ""


def test_numbers_are_printed_so_that_they_come_back(house, run):
    """The JSON of an answer is strict: NaN and infinities are words in it."""
    for key, value in (("a", "NaN"), ("b", "Infinity"), ("c", "-Infinity")):
        house.done("runs/log-metric", {"run_id": run, "key": key, "value": value, "timestamp": 1})

    def refuse(literal):
        raise AssertionError(literal)

    answer = house.get("runs/get", {"run_id": run})
    metrics = json.loads(answer.body, parse_constant=refuse)["run"]["data"]["metrics"]
    assert {one["key"]: str(float(one["value"])) for one in metrics} == {"a": "nan", "b": "inf", "c": "-inf"}
