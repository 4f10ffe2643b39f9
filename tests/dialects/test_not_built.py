"""What is not served yet answers 501 at once, which clients do not retry and take for "not supported"."""

import pytest

PLACES = [
    ("GET", "/model-versions/get-artifact"),
    ("POST", "registered-models/create"),
    ("GET", "registered-models/get"),
    ("PATCH", "registered-models/update"),
    ("DELETE", "registered-models/alias"),
    ("POST", "model-versions/create"),
    ("GET", "model-versions/search"),
    ("GET", "webhooks"),
    ("POST", "webhooks"),
    ("POST", "webhooks/1/test"),
    ("POST", "/api/3.0/mlflow/traces"),
    ("POST", "/api/3.0/mlflow/traces/search"),
    ("PATCH", "traces/1/tags"),
    ("POST", "/v1/traces"),
]


@pytest.mark.parametrize(("method", "path"), PLACES)
@pytest.mark.parametrize("body", [b"", b"\x00\xff not JSON"])
def test_what_is_not_served_says_so(house, method, path, body):
    """Every such endpoint answers 501 in MLflow's JSON, whatever is sent, without reading it."""
    answer = house.call(method, path, raw=body, headers={"content-type": "application/octet-stream"})
    assert (answer.status, answer.json["error_code"]) == (501, "NOT_IMPLEMENTED")
    assert answer.json["message"]


def test_what_mlflow_lacks_too_is_not_found(house):
    """A path that leads nowhere is a 404, and a wrong method a 405, both in MLflow's JSON."""
    nowhere = house.get("no/such/endpoint")
    assert (nowhere.status, nowhere.json["error_code"]) == (404, "ENDPOINT_NOT_FOUND")
    wrong = house.call("PUT", "runs/create", body={})
    assert (wrong.status, wrong.json["error_code"]) == (405, "BAD_REQUEST")
