"""The gateway's habits: what a request has become when it reaches the function, and what stops it before."""

import json
import threading

import pytest

from tests.runtime.gateway import Gateway
from tests.runtime.sandbox import Failed

HOST = "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"
MIB = 2**20


@pytest.fixture
def gateway():
    """A gateway before a function that answers with its event."""
    return Gateway(lambda event: {"statusCode": 200, "body": json.dumps(event)}, HOST)


@pytest.fixture
def event(gateway):
    """The event that a request becomes."""

    def become(method="GET", target="/", headers=(), body=b""):
        return json.loads(gateway.answer(method, target, list(headers), body)[2])

    return become


def test_headers_are_lowered_and_joined(event):
    """A header has its name in lower case and all its values in one; the connection's own stay away."""
    seen = event(headers=[("X-A", "1"), ("x-a", "2"), ("Host", HOST), ("Connection", "keep-alive")])
    assert seen["headers"]["x-a"] == "1,2"
    assert "connection" not in seen["headers"]
    assert seen["headers"]["x-forwarded-proto"] == "https"


def test_cookies_are_a_list(event):
    """Cookies stand beside the headers."""
    seen = event(headers=[("Cookie", "a=1; b=2"), ("Cookie", "c=3")])
    assert seen["cookies"] == ["a=1", "b=2", "c=3"]
    assert "cookie" not in seen["headers"]


def test_the_path_comes_decoded_and_the_query_does_not(event):
    """The path was decoded once, to its first question mark; the query is as it was sent."""
    seen = event(target="/a%20b/100%25/c%2520d?x=%20y&x=z")
    assert seen["rawPath"] == seen["requestContext"]["http"]["path"] == "/a b/100%/c%20d"
    assert seen["rawQueryString"] == "x=%20y&x=z"
    assert seen["queryStringParameters"] == {"x": " y,z"}
    assert event(target="/a%3Fb")["rawPath"] == "/a"


def test_bytes_are_base64(event):
    """JSON and text travel as text, everything else as base64."""
    text = event(
        "POST", body='{"ü": 1}'.encode(), headers=[("Content-Type", "application/json; charset=utf-8")]
    )
    assert (text["body"], text["isBase64Encoded"]) == ('{"ü": 1}', False)
    raw = event("PUT", body=b"\xff", headers=[("Content-Type", "application/octet-stream")])
    assert (raw["body"], raw["isBase64Encoded"]) == ("/w==", True)


def test_what_is_too_large_never_arrives(gateway):
    """Ten megabytes of body, or ten kilobytes of head, are refused by the gateway itself."""
    assert gateway.answer("PUT", "/", [], b" " * (10 * MIB + 1))[0] == 413
    assert gateway.answer("GET", "/", [("authorization", "x" * 10_240)], b"")[0] == 431


def test_a_failing_function_is_an_internal_error():
    """Nobody reads why a function failed, or that its answer has no shape."""

    def fails(_event):
        raise Failed("secret")

    for invoke in (fails, lambda _event: "words"):
        status, _, body = Gateway(invoke, HOST).answer("GET", "/", [], b"")
        assert (status, json.loads(body)) == (500, {"message": "Internal Server Error"})


def test_it_waits_no_longer_than_it_may():
    """When the function is not done in the gateway's time, the caller hears so at once."""
    done = threading.Event()

    def slow(_event):
        done.wait(30)
        return {"statusCode": 200}

    try:
        status, _, body = Gateway(slow, HOST, seconds=0.01).answer("GET", "/", [], b"")
    finally:
        done.set()
    assert (status, json.loads(body)) == (503, {"message": "Service Unavailable"})
