"""MLflow's endpoints of logged models."""

import pytest


@pytest.fixture
def model(house, experiment, run):
    """The id of a new logged model."""
    params, tags = [{"key": "p", "value": "1"}], [{"key": "t", "value": "1"}]
    about = {"model_type": "tree", "source_run_id": run, "params": params, "tags": tags}
    return house.new_model(experiment, name="mine", **about)


def info(house, model):
    """A logged model's info, with its tags as a dictionary."""
    found = house.seen(f"logged-models/{model}", None)["model"]["info"]
    return found | {"tags": {one["key"]: one["value"] for one in found.get("tags", [])}}


def test_a_model_is_created_pending(house, experiment, run, model):
    """A new model is PENDING, belongs to its experiment, and has a place for its files."""
    found = info(house, model)
    created = found.pop("creation_timestamp_ms")
    assert found.pop("last_updated_timestamp_ms") == created
    assert found == {
        "model_id": model,
        "experiment_id": experiment,
        "name": "mine",
        "model_type": "tree",
        "source_run_id": run,
        "artifact_uri": f"mlflow-artifacts:/{experiment}/models/{model}/artifacts",
        "status": "LOGGED_MODEL_PENDING",
        "tags": {"t": "1"},
        "created_by": "local",
    }
    data = house.seen(f"logged-models/{model}", None)["model"]["data"]
    assert data == {"params": [{"key": "p", "value": "1"}]}


def test_a_model_without_a_name_is_given_one(house, experiment):
    """The server invents a name; a name with characters that MLflow forbids is refused."""
    assert house.done("logged-models", {"experiment_id": experiment})["model"]["info"]["name"]
    for name in ("a/b", "a:b", "a.b", "a%b", "a'b", 5):
        assert house.post("logged-models", {"experiment_id": experiment, "name": name}).status == 400


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("LOGGED_MODEL_READY", "LOGGED_MODEL_READY"),
        (2, "LOGGED_MODEL_READY"),
        ("LOGGED_MODEL_UPLOAD_FAILED", "LOGGED_MODEL_UPLOAD_FAILED"),
    ],
)
def test_a_model_is_finalized(house, model, status, word):
    """The status is set by the protocol's word or number, and printed as the word."""
    answer = house.call("PATCH", f"logged-models/{model}", body={"model_id": model, "status": status})
    assert answer.json["model"]["info"]["status"] == word
    assert info(house, model)["status"] == word


@pytest.mark.parametrize("status", [None, "", "READY", "BOGUS", 0, 9, True, []])
def test_a_status_that_is_none_is_refused(house, model, status):
    """An unknown status is a 400, and the model stays as it was."""
    assert house.call("PATCH", f"logged-models/{model}", body={"status": status}).status == 400
    assert info(house, model)["status"] == "LOGGED_MODEL_PENDING"


def test_tags_and_params_of_a_model_change(house, model):
    """Tags are set, replaced and deleted, also those with a slash; params are added."""
    tags = [{"key": "a/b", "value": "1"}, {"key": "t", "value": "2"}]
    assert house.call("PATCH", f"logged-models/{model}/tags", body={"tags": tags}).status == 200
    assert info(house, model)["tags"] == {"t": "2", "a/b": "1"}
    assert house.call("DELETE", f"logged-models/{model}/tags/a/b").status == 200
    assert house.call("DELETE", f"logged-models/{model}/tags/a/b").status == 404
    house.done(f"logged-models/{model}/params", {"params": [{"key": "q", "value": "2"}]})
    params = house.seen(f"logged-models/{model}", None)["model"]["data"]["params"]
    assert {one["key"]: one["value"] for one in params} == {"p": "1", "q": "2"}


def test_a_deleted_model_is_hidden(house, experiment, model):
    """Deleting hides a model from reads and searches, unless a client asks for deleted ones."""
    path = f"logged-models/{model}"
    assert house.call("DELETE", path).status == 200
    assert house.get(path).status == 404
    assert house.seen(path, {"allow_deleted": "true"})["model"]["info"]["name"] == "mine"
    assert house.done("logged-models/search", {"experiment_ids": [experiment]}) == {}


def test_models_are_searched_page_by_page(house, experiment, model):
    """Filter, order, datasets and pages of logged models."""
    others = [house.new_model(experiment), house.new_model(experiment)]
    run = info(house, model)["source_run_id"]
    metric = {"key": "m", "value": 1, "timestamp": 1, "model_id": model, "dataset_name": "d"}
    house.done("runs/log-metric", {"run_id": run, **metric})

    def found(**asked):
        answer = house.done("logged-models/search", {"experiment_ids": [experiment], **asked})
        return [one["info"]["model_id"] for one in answer.get("models", [])], answer.get("next_page_token")

    assert found() == ([*others[::-1], model], None)
    assert found(max_results=0) == found()
    assert found(filter="name = 'mine' AND metrics.m = 1 AND tags.t = '1'") == ([model], None)
    assert found(datasets=[{"dataset_name": "d"}]) == ([model], None)
    by_metric = [{"field_name": "metrics.m", "ascending": False, "dataset_name": "d"}]
    assert found(order_by=by_metric)[0][0] == model
    oldest = [{"field_name": "creation_timestamp", "ascending": True}]
    assert found(order_by=oldest)[0] == [model, *others]
    first, token = found(max_results=2)
    assert (first, found(max_results=2, page_token=token)) == (others[::-1], ([model], None))


@pytest.mark.parametrize(
    "wrong",
    [
        {"experiment_ids": []},
        {"experiment_ids": ["abc"]},
        {"filter": "nothing"},
        {"datasets": [{}]},
        {"datasets": ["d"]},
        {"order_by": ["name"]},
        {"order_by": [{}]},
        {"order_by": [{"field_name": "nothing"}]},
        {"order_by": [{"field_name": "params.x"}]},
        {"order_by": [{"field_name": "name", "ascending": "maybe"}]},
        {"page_token": "junk"},
        {"max_results": -1},
        {"max_results": 50_001},
    ],
)
def test_a_bad_search_of_models_is_refused(house, experiment, wrong):
    """Bad arguments of a search are a 400."""
    house.refused("logged-models/search", {"experiment_ids": [experiment], **wrong})
