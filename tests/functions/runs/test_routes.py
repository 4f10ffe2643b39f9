"""Runs over native HTTP, through the whole house."""

import pytest


@pytest.fixture
def path(native):
    """The path of a new run."""
    return f"/runs/{native('POST', '/runs', {'experiment_id': '0', 'name': 'one'})[1]['run_id']}"


def test_a_run_is_made_read_changed_and_deleted(native, path):
    """Every change answers with the run as it then is."""
    status, run = native("GET", path)
    assert (status, run["name"], run["status"], run["lifecycle"]) == (200, "one", "RUNNING", "active")
    assert native("PATCH", path, {"status": "FINISHED", "end_time": 5})[1] == run | {
        "status": "FINISHED",
        "end_time": 5,
    }
    assert native("DELETE", path)[1]["lifecycle"] == "deleted"
    assert native("PATCH", path, {"name": "two"})[0] == 400
    assert native("POST", f"{path}/restore")[1]["lifecycle"] == "active"
    assert native("GET", "/runs/" + "0" * 32)[0] == 404


def test_a_create_with_a_key_is_one_run(native):
    """A create that is sent again with its key answers with the same run."""
    wanted = {"experiment_id": "0", "key": "mine", "start_time": 7}
    first, second = native("POST", "/runs", wanted), native("POST", "/runs", wanted)
    assert first == second
    assert first[0] == 201


def test_texts_inputs_and_outputs(native, path):
    """Params, tags, datasets and models are set and shown; a changed param is a 400."""
    run = native("PATCH", f"{path}/texts", {"params": {"lr": "0.1"}, "tags": {"a/b": "1"}})[1]
    assert (run["params"], run["tags"]["a/b"]) == ({"lr": "0.1"}, "1")
    status, refused = native("PATCH", f"{path}/texts", {"params": {"lr": "0.2"}})
    assert (status, refused["error_code"], refused["field"]) == (400, "INVALID_PARAMETER_VALUE", "params")
    assert "a/b" not in native("DELETE", f"{path}/tags/a/b")[1]["tags"]
    data = {"name": "iris", "digest": "d", "source_type": "local", "source": "file"}
    run = native("POST", f"{path}/inputs", {"datasets": [{"dataset": data, "tags": {"a": "b"}}]})[1]
    assert [one["tags"] for one in run["datasets"]] == [{"a": "b"}]
    model = "m-" + "0" * 32
    run = native("POST", f"{path}/outputs", {"models": [{"model_id": model, "step": 3}]})[1]
    assert run["models_written"] == [{"model_id": model, "step": 3}]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({}, "experiment_id"),
        ({"experiment_id": "0", "name": ""}, "name"),
        ({"experiment_id": "0", "start_time": -1}, "start_time"),
        ({"experiment_id": "0", "start_time": 2**44}, "start_time"),
        ({"experiment_id": "0", "start_time": 1.5}, "start_time"),
        ({"experiment_id": "0", "tags": {"a": 1}}, "tags"),
        ({"experiment_id": "0", "tags": {"..": "x"}}, "tags"),
        ({"experiment_id": "0", "key": ""}, "key"),
    ],
)
def test_what_is_no_run_is_refused(native, wanted, field):
    """Bad input is a 400 that names its field."""
    status, refused = native("POST", "/runs", wanted)
    assert (status, refused["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert refused["field"].startswith(field)
