"""Whose datasets they are: no team reaches another's versions, files or lineage."""

import json

import pytest

from functions import local
from tests.dialects.caller import Caller

REFERENCE = {"source": "s3://bucket/iris.csv", "digest": "d1"}
DATA = {"name": "iris", "digest": "d1", "source_type": "local", "source": "{}"}


def native(caller, method, path, body=None):
    """A call below /v1 that must succeed."""
    answer = caller.call(method, f"/v1{path}", body=body)
    assert answer.status in {200, 201}, answer.body
    return answer.json


@pytest.fixture(scope="module")
def teams(tmp_path_factory):
    """Callers of a house with credentials: the owners of red and blue."""
    file = tmp_path_factory.mktemp("teams") / "credentials.json"
    with local.opened(local.Options(data=None, auth=True, credentials=file), 5000) as opened:
        tokens = json.loads(file.read_text("utf-8"))["teams"]
        callers = [
            Caller(opened.app, opened.url, {"authorization": f"Bearer {tokens[team]['owner']}"})
            for team in ("red", "blue")
        ]
        yield callers
        for caller in callers:
            caller.close()


def test_red_reaches_nothing_of_blue_s(teams):
    """Datasets, versions, files, aliases and lineage of blue are 404 for red, whatever is tried."""
    red, blue = teams
    digest = "0" * 64
    run = blue.done("runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
    model = blue.done("logged-models", {"experiment_id": "0", "source_run_id": run})["model"]["info"][
        "model_id"
    ]
    native(blue, "POST", "/datasets/secret/versions", {**REFERENCE, "run_id": run})
    native(blue, "PUT", "/datasets/secret/aliases/best", {"version": 1})
    mine = red.done("runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
    tried = [
        ("GET", "/datasets/secret", None),
        ("PATCH", "/datasets/secret", {"description": "x"}),
        ("GET", "/datasets/secret/versions", None),
        *(("GET", f"/datasets/secret/versions/{one}", None) for one in ("1", "best", "latest")),
        ("PATCH", "/datasets/secret/versions/1", {"description": "x"}),
        ("DELETE", "/datasets/secret/versions/1", None),
        ("PUT", "/datasets/secret/aliases/mine", {"version": 1}),
        ("DELETE", "/datasets/secret/aliases/best", None),
        ("GET", "/datasets/secret/versions/1/files", None),
        ("POST", "/datasets/secret/versions/1/files:download", {"paths": ["a"]}),
        ("POST", f"/runs/{mine}/inputs", {"versions": [{"dataset": "secret", "version": 1}]}),
        ("POST", f"/runs/{mine}/outputs", {"versions": [{"dataset": "secret", "version": 1}]}),
        ("POST", f"/runs/{run}/inputs", {"datasets": [{"dataset": DATA}]}),
        ("POST", f"/runs/{run}/outputs", {"models": [{"model_id": model}]}),
        ("POST", "/datasets/own/versions", {**REFERENCE, "run_id": run}),
        ("GET", f"/lineage?run={run}", None),
        ("GET", f"/lineage?model={model}", None),
        ("GET", "/lineage?dataset=secret", None),
        ("GET", "/lineage?dataset=secret&digest=d1", None),
    ]
    for method, path, body in tried:
        place, _, query = path.partition("?")
        asked = dict(each.split("=") for each in query.split("&")) if query else None
        assert red.call(method, f"/v1{place}", body=body, query=asked).status == 404, path
    files = [{"path": "a", "size": 1, "sha256": digest}]
    assert native(red, "POST", "/datasets/secret/versions", {"files": files})["missing"] == ["a"]
    told = native(blue, "GET", "/datasets/secret")
    assert (told["aliases"], told["latest"], told["description"]) == ({"best": 1}, 1, "")
