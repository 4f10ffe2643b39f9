"""Lineage in both languages: what MLflow's clients log, and what the native API keeps, are one."""

import json

import pytest

DATA = {"name": "iris", "digest": "d1", "source_type": "local", "source": "{}"}
TAGS = [{"key": "mlflow.data.context", "value": "train"}]
REFERENCE = {"source": "s3://bucket/iris.csv", "digest": "d1", "rows": 150}


def native(caller, method, path, body=None, query=None):
    """A call below /v1 that must succeed."""
    answer = caller.call(method, f"/v1{path}", body=body, query=query)
    assert answer.status in {200, 201}, answer.body
    return answer.json


@pytest.mark.client
def test_what_a_client_logs_has_a_lineage(flow, open_house):
    """A dataset that log_input names, the run and the model that it made are found from each other."""
    flow("lineage", open_house)


def test_a_version_and_an_input_of_the_same_digest_are_one(house, run):
    """What an MLflow client logged becomes a numbered version when somebody keeps it, and the run read it."""
    house.done("runs/log-inputs", {"run_id": run, "datasets": [{"dataset": DATA, "tags": TAGS}]})
    before = native(house, "GET", "/lineage", query={"dataset": "iris", "digest": "d1"})
    assert [(node["kind"], node["version"]) for node in before["nodes"]] == [("dataset", None), ("run", None)]
    native(house, "POST", "/datasets/iris/versions", REFERENCE)
    after = native(house, "GET", "/lineage", query={"dataset": "iris", "version": "1"})
    assert after["edges"] == before["edges"]
    assert [node["version"] for node in after["nodes"]] == [1, None]


def test_mlflow_s_clients_see_a_version_as_a_dataset(house, run):
    """A version that a run read is among its inputs; one that it wrote is no model that it wrote."""
    made = native(house, "POST", "/datasets/kept/versions", REFERENCE)["version"]
    wanted = {"dataset": "kept", "version": "latest", "tags": {"mlflow.data.context": "eval"}}
    native(house, "POST", f"/runs/{run}/inputs", {"versions": [wanted]})
    native(house, "POST", f"/runs/{run}/outputs", {"versions": [{"dataset": "kept", "version": 1}]})
    seen = house.seen("runs/get", {"run_id": run})["run"]
    (read,) = seen["inputs"]["dataset_inputs"]
    assert (read["dataset"]["name"], read["dataset"]["digest"]) == ("kept", made["digest"])
    assert json.loads(read["dataset"]["source"]) == {"uri": "s3://bucket/iris.csv"}
    assert read["tags"] == [{"key": "mlflow.data.context", "value": "eval"}]
    assert "model_outputs" not in seen.get("outputs", {}) or seen["outputs"]["model_outputs"] == []
