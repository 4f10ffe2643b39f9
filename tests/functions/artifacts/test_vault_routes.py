"""The vault over native HTTP."""

from tests.functions import people
from tests.functions.calls import call

RIGHT = {
    "account": "1" * 12,
    "bucket": "red-bucket",
    "region": "eu-central-1",
    "role_arn": f"arn:aws:iam::{'1' * 12}:role/runhaven",
}


def test_the_routes_speak_json(app):
    """The three requests in their order, over HTTP."""
    secret = people.token(people.found())
    assert call(app, "GET", "/v1/vault", token=secret).json["state"] == "none"
    told = call(app, "POST", "/v1/vault/new", token=secret)
    assert (told.status, told.json["error_code"]) == (501, "NOT_IMPLEMENTED")
    wrong = call(app, "POST", "/v1/vault/check", token=secret, json_body={**RIGHT, "account": "1"})
    assert (wrong.status, wrong.json["field"]) == (400, "account")
    wrong = call(app, "POST", "/v1/vault/check", token=secret, json_body=RIGHT)
    assert (wrong.status, wrong.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
