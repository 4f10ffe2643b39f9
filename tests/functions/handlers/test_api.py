"""The door of the API function: an event of API Gateway in, its answer out."""

import json
from types import SimpleNamespace

import pytest

from functions.handlers import api

CONTEXT = SimpleNamespace(
    function_name="api",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:eu-central-1:123456789012:function:api",
    aws_request_id="52fdfc07-2182-154f-163f-5f0f9a621d72",
)


def event(method, path, *, token=None, body=None, query="", **headers):
    """A request as API Gateway's payload format 2.0 has it."""
    headers = {"host": "127.0.0.1", "content-type": "application/json", **headers}
    headers |= {"authorization": f"Bearer {token}"} if token else {}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "stage": "$default",
        },
        **({} if body is None else {"body": json.dumps(body)}),
        "isBase64Encoded": False,
    }


@pytest.fixture
def answered(app):
    """What the function answers to an event."""
    api._door.cache_clear()
    yield lambda *sent, **more: api.handler(event(*sent, **more), CONTEXT)
    api._door.cache_clear()


def test_it_serves_the_app(answered, secret, ann):
    """Both dialects, open and closed routes, with and without a team in the path."""
    assert answered("GET", "/health")["body"] == "OK"
    me = answered("GET", "/v1/me", token=secret)
    assert (me["statusCode"], json.loads(me["body"])["team"]) == (200, ann.team)
    path = f"/t/{ann.team}/api/2.0/mlflow/experiments/create"
    made = answered("POST", path, token=secret, body={"name": "one"})
    got = answered("GET", "/v1/experiments", token=secret, query="name=one")
    ids = [json.loads(made["body"])["experiment_id"], json.loads(got["body"])["experiments"][0]["id"]]
    assert ids[0] == ids[1]


def test_it_speaks_errors_as_the_app_does(answered):
    """Strangers, foreign pages and wrong addresses get the same answers as from any server."""
    assert answered("GET", "/v1/me")["statusCode"] == 401
    assert answered("GET", "/health", origin="null")["statusCode"] == 403
    assert answered("POST", "/health")["statusCode"] == 405
    assert json.loads(answered("GET", "/v1/me")["body"])["error_code"] == "UNAUTHENTICATED"


def test_its_lines_carry_the_invocation(answered, lines):
    """What is logged can be found by Lambda's request id."""
    answered("GET", "/health")
    assert [line["function_request_id"] for line in lines] == [CONTEXT.aws_request_id]


def test_the_path_is_taken_as_the_gateway_has_decoded_it(answered, secret):
    """A percent sign in the path is a letter by then; it is not decoded a second time."""
    said = json.loads(answered("GET", "/a%2Fb c", token=secret)["body"])
    assert (said["error_code"], "/a%2Fb c" in said["message"]) == ("ENDPOINT_NOT_FOUND", True)
