"""MLflow's endpoints of runs, params and tags."""

import json


def test_a_run_is_created_in_mlflows_shape(house, experiment):
    """The answer has what clients read: both ids, the name as a tag, the place of artifacts."""
    asked = {
        "experiment_id": experiment,
        "user_id": "ann",
        "start_time": 1_700_000_000_000,
        "run_name": "first",
        "tags": [{"key": "a", "value": "b"}],
    }
    run = house.done("runs/create", asked)["run"]
    run_id = run["info"]["run_id"]
    assert run["info"] == {
        "run_id": run_id,
        "run_uuid": run_id,
        "run_name": "first",
        "experiment_id": experiment,
        "user_id": "ann",
        "status": "RUNNING",
        "start_time": 1_700_000_000_000,
        "artifact_uri": f"mlflow-artifacts:/{experiment}/{run_id}/artifacts",
        "lifecycle_stage": "active",
        "created_by": "local",
    }
    tags = {one["key"]: one["value"] for one in run["data"]["tags"]}
    assert tags == {"a": "b", "mlflow.runName": "first"}
    assert house.seen("runs/get", {"run_id": run_id}) == {"run": run}
    assert house.seen("runs/get", {"run_uuid": run_id}) == {"run": run}


def test_a_run_without_a_name_is_given_one(house, experiment):
    """The server invents a name, and mirrors it in the tag."""
    run = house.run(house.new_run(experiment))
    assert run["info"]["run_name"]
    assert run["data"]["tags"] == [{"key": "mlflow.runName", "value": run["info"]["run_name"]}]


def test_name_and_tag_must_agree(house, experiment):
    """A name and another name in the tag are refused, one of both is enough."""
    tags = [{"key": "mlflow.runName", "value": "tagged"}]
    house.refused("runs/create", {"experiment_id": experiment, "run_name": "other", "tags": tags})
    run = house.run(house.new_run(experiment, tags=tags))
    assert run["info"]["run_name"] == "tagged"


def test_a_run_is_ended_and_revived(house, run):
    """Status and end time change as told, by word or by number; other fields stay."""
    ended = house.done("runs/update", {"run_id": run, "status": "FINISHED", "end_time": 1_700_000_000_500})
    assert (ended["run_info"]["status"], ended["run_info"]["end_time"]) == ("FINISHED", 1_700_000_000_500)
    failed = house.done("runs/update", {"run_id": run, "status": 4})
    assert failed["run_info"]["status"] == "FAILED"
    assert house.done("runs/update", {"run_id": run, "status": "RUNNING"})["run_info"]["status"] == "RUNNING"


def test_renaming_mirrors_both_ways(house, run):
    """The name changes the tag and the tag changes the name, alone and in a batch."""

    def names():
        return house.run(run)["info"]["run_name"], house.tags(run)["mlflow.runName"]

    house.done("runs/update", {"run_id": run, "run_name": "by name"})
    assert names() == ("by name", "by name")
    house.done("runs/set-tag", {"run_id": run, "key": "mlflow.runName", "value": "by tag"})
    assert names() == ("by tag", "by tag")
    house.done("runs/log-batch", {"run_id": run, "tags": [{"key": "mlflow.runName", "value": "by batch"}]})
    assert names() == ("by batch", "by batch")


def test_params_never_change(house, run):
    """The same value again is fine, another one is refused in MLflow's words, and the first one stays."""
    param = {"run_id": run, "key": "p", "value": "1"}
    house.done("runs/log-parameter", param)
    house.done("runs/log-parameter", param)
    said = house.refused("runs/log-parameter", {**param, "value": "2"})
    assert said["error_code"] == "INVALID_PARAMETER_VALUE"
    assert "Changing param values is not allowed" in said["message"]
    assert house.run(run)["data"]["params"] == [{"key": "p", "value": "1"}]


def test_long_values_are_cut_as_mlflow_cuts_them(house, run):
    """A param keeps 6,000 characters and a tag 8,000, wherever they are logged."""
    house.done("runs/log-parameter", {"run_id": run, "key": "p", "value": "ä" * 7000})
    house.done("runs/set-tag", {"run_id": run, "key": "t", "value": "ä" * 9000})
    long = {"key": "b", "value": "x" * 9000}
    house.done("runs/log-batch", {"run_id": run, "params": [long], "tags": [long]})
    params = house.run(run)["data"]["params"]
    assert {one["key"]: len(one["value"]) for one in params} == {"p": 6000, "b": 6000}
    tags = house.tags(run)
    assert (len(tags["t"]), len(tags["b"])) == (8000, 8000)


def test_tags_are_deleted_once(house, run):
    """A deleted tag is gone; deleting what is not there is a 404."""
    tag = {"run_id": run, "key": "t"}
    house.done("runs/set-tag", {**tag, "value": "1"})
    house.done("runs/delete-tag", tag)
    house.refused("runs/delete-tag", tag, 404)


def test_a_deleted_run_is_read_but_not_written(house, run):
    """Deleting and restoring may be repeated; between them every write is refused."""
    for _ in range(2):
        house.done("runs/delete", {"run_id": run})
    assert house.run(run)["info"]["lifecycle_stage"] == "deleted"
    writes = {
        "runs/log-metric": {"key": "m", "value": 1, "timestamp": 1},
        "runs/log-parameter": {"key": "p", "value": "1"},
        "runs/set-tag": {"key": "t", "value": "1"},
        "runs/delete-tag": {"key": "t"},
        "runs/log-batch": {"metrics": [{"key": "m", "value": 1, "timestamp": 1}]},
        "runs/update": {"status": "FINISHED"},
        "runs/log-inputs": {"datasets": []},
    }
    for path, body in writes.items():
        said = house.refused(path, {"run_id": run, **body})
        assert "must be in the 'active' state" in said["message"]
    for _ in range(2):
        house.done("runs/restore", {"run_id": run})
    assert house.run(run)["info"]["lifecycle_stage"] == "active"


def test_inputs_are_kept_once(house, experiment, run):
    """A dataset is printed with body and tags; logged again it stays as it was first."""
    dataset = {"name": "d", "digest": "1", "source_type": "local", "source": "{}"}
    dataset |= {"schema": "s", "profile": "p"}

    def log(context):
        tags = [{"key": "mlflow.data.context", "value": context}]
        body = {"run_id": run, "datasets": [{"dataset": dataset, "tags": tags}] * 2}
        house.done("runs/log-inputs", body)

    log("train")
    log("eval")
    tags = [{"key": "mlflow.data.context", "value": "train"}]
    expected = {"dataset_inputs": [{"dataset": dataset, "tags": tags}]}
    assert house.run(run)["inputs"] == expected
    (found,) = house.done("runs/search", {"experiment_ids": [experiment]})["runs"]
    assert found["inputs"] == expected


def test_runs_of_one_experiment_do_not_borrow_datasets(house):
    """Datasets of the same name and digest in two experiments each keep their own body."""
    experiments = [house.new_experiment(), house.new_experiment()]
    for experiment in experiments:
        dataset = {"name": "d", "digest": "1", "source_type": "local", "source": f"of {experiment}"}
        inputs = {"run_id": house.new_run(experiment), "datasets": [{"dataset": dataset}]}
        house.done("runs/log-inputs", inputs)
    found = house.done("runs/search", {"experiment_ids": experiments})["runs"]
    sources = {run["inputs"]["dataset_inputs"][0]["dataset"]["source"] for run in found}
    assert sources == {f"of {experiment}" for experiment in experiments}


def test_outputs_are_printed(house, experiment, run):
    """Models that a run wrote and read are printed with it."""
    model = house.new_model(experiment)
    house.done("runs/outputs", {"run_id": run, "models": [{"model_id": model, "step": 3}]})
    house.done("runs/log-inputs", {"run_id": run, "models": [{"model_id": model}]})
    seen = house.run(run)
    assert seen["outputs"] == {"model_outputs": [{"model_id": model, "step": 3}]}
    assert seen["inputs"] == {"model_inputs": [{"model_id": model}]}


def test_models_of_version_2_are_remembered_once(house, run):
    """log-model appends the model without its flavours' configuration to a tag; a retry changes nothing."""
    model = {"artifact_path": "m", "run_id": run, "utc_time_created": "t"}
    model["flavors"] = {"f": {"a": 1, "config": 2}}

    def log(text):
        return house.post("runs/log-model", {"run_id": run, "model_json": text})

    for path in ("m", "m", "other"):
        assert log(json.dumps({**model, "artifact_path": path})).status == 200
    history = json.loads(house.tags(run)["mlflow.log-model.history"])
    assert [one["artifact_path"] for one in history] == ["m", "other"]
    assert history[0]["flavors"] == {"f": {"a": 1}}
    for wrong in ("", "nope", "[]", "{}", json.dumps({**model, "flavors": 1})):
        assert log(wrong).status == 400


def test_a_full_history_of_models_is_said(house, run):
    """When the tag is full the next model is refused, and those before stay readable."""
    model = {"run_id": run, "utc_time_created": "t", "flavors": {"f": {"a": "x" * 3000}}}

    def log(path):
        text = json.dumps(model | {"artifact_path": path})
        return house.post("runs/log-model", {"run_id": run, "model_json": text}).status

    assert [log("a"), log("b"), log("c")] == [200, 200, 400]
    history = json.loads(house.tags(run)["mlflow.log-model.history"])
    assert [one["artifact_path"] for one in history] == ["a", "b"]


def test_runs_are_searched_page_by_page(house, experiment):
    """Filter, order, view and pages; the last exact page has no token."""
    runs = []
    for number in range(4):
        run = house.new_run(experiment, start_time=1000 + number)
        house.done("runs/log-metric", {"run_id": run, "key": "m", "value": number % 2, "timestamp": 1})
        runs.append(run)

    def found(**asked):
        answer = house.done("runs/search", {"experiment_ids": [experiment], **asked})
        return [one["info"]["run_id"] for one in answer.get("runs", [])], answer.get("next_page_token")

    assert found() == (runs[::-1], None)
    assert found(order_by=["metrics.m ASC", "start_time ASC"])[0] == [runs[0], runs[2], runs[1], runs[3]]
    assert found(filter="metrics.m = 1") == ([runs[3], runs[1]], None)
    first, token = found(max_results=2)
    assert found(max_results=2, page_token=token) == (runs[1::-1], None)
    assert first == runs[:1:-1]
    house.done("runs/delete", {"run_id": runs[0]})
    assert found(run_view_type="DELETED_ONLY") == (runs[:1], None)
    assert len(found(run_view_type="ALL")[0]) == 4
    assert len(found(run_view_type="BOGUS")[0]) == 3
    assert found(experiment_ids=[]) == ([], None)
    assert found(experiment_ids=["123456"]) == ([], None)


def test_a_large_page_ends_early_with_a_token(house, experiment):
    """An answer stays below 4 MB whatever page was asked for, and the token leads to the rest."""
    params = [{"key": f"p{number}", "value": "x" * 6000} for number in range(90)]
    for _ in range(9):
        house.done("runs/log-batch", {"run_id": house.new_run(experiment), "params": params})
    seen, asked = [], {"experiment_ids": [experiment], "max_results": 50_000}
    while True:
        answer = house.post("runs/search", asked)
        assert len(answer.body) < 4_000_000
        seen += [one["info"]["run_id"] for one in answer.json["runs"]]
        if "next_page_token" not in answer.json:
            break
        asked["page_token"] = answer.json["next_page_token"]
    assert len(seen) == len(set(seen)) == 9
