"""Logged models over native HTTP, through the whole house."""

import pytest


@pytest.fixture
def model(native):
    """A new logged model of the Default experiment."""
    return native("POST", "/logged-models", {"experiment_id": "0", "name": "m", "params": {"a": "1"}})[1]


@pytest.fixture
def path(model):
    """Its path."""
    return f"/logged-models/{model['model_id']}"


def test_a_model_is_made_finished_and_read(native, model, path):
    """A model waits for its files, becomes READY, and is read as it was answered."""
    assert (model["status"], model["params"], model["created_by"]) == ("PENDING", {"a": "1"}, "local")
    status, ready = native("PATCH", path, {"status": "READY"})
    assert (status, ready["status"]) == (200, "READY")
    assert native("GET", path) == (200, ready)


def test_tags_and_params_are_added(native, path):
    """Tags come and go, params only come."""
    assert native("PATCH", f"{path}/tags", {"tags": {"a/b": "1"}})[1]["tags"] == {"a/b": "1"}
    assert native("DELETE", f"{path}/tags/a/b")[1]["tags"] == {}
    assert native("POST", f"{path}/params", {"params": {"b": "2"}})[1]["params"] == {"a": "1", "b": "2"}
    assert native("POST", f"{path}/params", {"params": {"b": "3"}})[0] == 400


def test_no_number_becomes_another_one(native, path):
    """NaN and the infinities are taken as words or literals and answered as words."""
    body = '{"key": "a", "value": NaN, "timestamp": 1}, {"key": "b", "value": "-Infinity", "timestamp": 1}'
    status, found = native("POST", f"{path}/metrics", f'{{"metrics": [{body}]}}')
    assert status == 200
    assert [one["value"] for one in found["metrics"]] == ["NaN", "-Infinity"]
    status, found = native(
        "POST", f"{path}/metrics", {"metrics": [{"key": "c", "value": 0.1, "timestamp": 1}]}
    )
    assert [one["value"] for one in found["metrics"]] == ["NaN", "-Infinity", 0.1]


@pytest.mark.parametrize(
    "metric",
    [
        {"key": "a", "value": None, "timestamp": 1},
        {"key": "a", "value": 1, "timestamp": 1.5},
        {"key": "a", "value": 1, "timestamp": -1},
        {"key": "a", "value": 1, "timestamp": 2**63},
        {"key": "a", "value": 1, "timestamp": 1, "step": 2**63},
        {"key": "", "value": 1, "timestamp": 1},
        {"value": 1, "timestamp": 1},
    ],
)
def test_a_bad_metric_is_refused(native, path, metric):
    """What is no metric is a 400, and nothing is kept of the call."""
    good = {"key": "good", "value": 1, "timestamp": 1}
    assert native("POST", f"{path}/metrics", {"metrics": [good, metric]})[0] == 400
    assert native("GET", path)[1]["metrics"] == []


def test_a_deleted_model_is_gone_from_lists(native, model, path):
    """A deleted model is neither listed nor read, unless deleted ones are asked for."""
    listed = "/logged-models?experiment_id=0&limit=1000"
    assert model in native("GET", listed)[1]["models"]
    assert native("DELETE", path)[0] == 200
    assert model["model_id"] not in {one["model_id"] for one in native("GET", listed)[1]["models"]}
    assert native("GET", path)[0] == 404
    assert native("GET", f"{path}?deleted=true")[1]["deleted_at"] is not None


def test_models_are_paged(native, model):
    """Pages follow each other by `next`, with every model once."""
    native("POST", "/logged-models", {"experiment_id": "0"})
    seen, after = [], ""
    while after is not None:
        page = native("GET", f"/logged-models?experiment_id=0&limit=1{after and f'&after={after}'}")[1]
        seen += [one["model_id"] for one in page["models"]]
        after = page["next"]
    assert seen == sorted(set(seen))
    assert model["model_id"] in seen


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"experiment_id": "0", "name": "a/b"}, 400),
        ({"experiment_id": "0", "name": ""}, 400),
        ({"experiment_id": "0", "params": {"a": "x" * 6001}}, 400),
        ({"experiment_id": "0", "source_run_id": "no run"}, 404),
        ({"experiment_id": "77"}, 404),
        ({"name": "m"}, 400),
    ],
)
def test_a_bad_model_is_refused(native, body, status):
    """What breaks a limit is a 400, and what belongs nowhere a 404."""
    assert native("POST", "/logged-models", body)[0] == status
