"""MLflow's endpoints of experiments."""

import pytest


def test_an_experiment_is_created_and_read_by_id_and_by_name(house, experiment):
    """What was created is found by its id and by its name, in MLflow's shape."""
    by_id = house.seen("experiments/get", {"experiment_id": experiment})["experiment"]
    assert by_id["experiment_id"] == experiment
    assert by_id["lifecycle_stage"] == "active"
    assert by_id["artifact_location"] == f"mlflow-artifacts:/{experiment}"
    assert by_id["workspace"] == "default"
    assert by_id["creation_time"] == by_id["last_update_time"]
    assert "tags" not in by_id
    assert house.seen("experiments/get-by-name", {"experiment_name": by_id["name"]}) == {"experiment": by_id}


def test_a_name_is_taken_once(house, experiment):
    """A second experiment of the same name is refused, also after the first one was deleted."""
    name = house.seen("experiments/get", {"experiment_id": experiment})["experiment"]["name"]
    for _ in range(2):
        again = house.post("experiments/create", {"name": name})
        assert (again.status, again.json["error_code"]) == (400, "RESOURCE_ALREADY_EXISTS")
        house.post("experiments/delete", {"experiment_id": experiment})


def test_a_name_that_nobody_has_is_a_normal_404(house):
    """Asking for a name that nobody has is how clients find out that they may create it."""
    answer = house.get("experiments/get-by-name", {"experiment_name": "nobody's"})
    assert (answer.status, answer.json["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_tags_are_set_and_deleted(house, experiment):
    """A tag is set, replaced and deleted; deleting it twice is a 404."""
    tag = {"experiment_id": experiment, "key": "k"}
    house.done("experiments/set-experiment-tag", {**tag, "value": "1"})
    house.done("experiments/set-experiment-tag", {**tag, "value": "2"})
    seen = house.seen("experiments/get", {"experiment_id": experiment})["experiment"]
    assert seen["tags"] == [{"key": "k", "value": "2"}]
    house.done("experiments/delete-experiment-tag", tag)
    assert house.post("experiments/delete-experiment-tag", tag).status == 404


def test_an_experiment_is_renamed(house, experiment):
    """The new name leads to it and the old one does not."""
    old = house.seen("experiments/get", {"experiment_id": experiment})["experiment"]["name"]
    house.done("experiments/update", {"experiment_id": experiment, "new_name": f"{old} renamed"})
    found = house.seen("experiments/get-by-name", {"experiment_name": f"{old} renamed"})["experiment"]
    assert found["experiment_id"] == experiment
    assert house.get("experiments/get-by-name", {"experiment_name": old}).status == 404


def test_deleting_and_restoring_takes_the_runs_along(house, experiment, run):
    """A deleted experiment hides its runs and takes no new ones; restoring brings all back; each once."""
    ref = {"experiment_id": experiment}
    house.done("experiments/delete", ref)
    assert house.seen("experiments/get", ref)["experiment"]["lifecycle_stage"] == "deleted"
    assert house.seen("runs/get", {"run_id": run})["run"]["info"]["lifecycle_stage"] == "deleted"
    assert house.post("runs/create", ref).status == 400
    assert house.post("experiments/delete", ref).status == 404
    assert house.post("experiments/update", {**ref, "new_name": "x"}).status == 400
    house.done("experiments/restore", ref)
    assert house.post("experiments/restore", ref).status == 404
    assert house.seen("runs/get", {"run_id": run})["run"]["info"]["lifecycle_stage"] == "active"


def test_the_default_experiment_is_there(house):
    """Every team has the experiment `0`, into which clients log that name none."""
    assert house.seen("experiments/get", {"experiment_id": "0"})["experiment"]["name"] == "Default"
    assert house.done("runs/create", {})["run"]["info"]["experiment_id"] == "0"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_experiments_are_searched_page_by_page(house, method):
    """Both methods filter, order and page; the last page has no token."""
    mark = f"page {method}"
    for number in range(3):
        tags = [{"key": "mark", "value": mark}]
        house.done("experiments/create", {"name": f"{mark} {number}", "tags": tags})
    asked = {"filter": f"tags.mark = '{mark}'", "order_by": ["name DESC"], "max_results": 2}
    call = house.seen if method == "GET" else house.done
    first = call("experiments/search", asked)
    assert [one["name"] for one in first["experiments"]] == [f"{mark} 2", f"{mark} 1"]
    last = call("experiments/search", {**asked, "page_token": first["next_page_token"]})
    assert [one["name"] for one in last["experiments"]] == [f"{mark} 0"]
    assert "next_page_token" not in last


@pytest.mark.parametrize("size", [None, 0, -1, 50_001, "many", 1.5, True])
def test_the_page_size_of_experiments_is_checked(house, size):
    """MLflow demands a page size from 1 to 50,000, also where nothing was said."""
    answer = house.post("experiments/search", {} if size is None else {"max_results": size})
    assert (answer.status, answer.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "max_results" in answer.json["message"]


def test_views_choose_the_lifecycle(house, experiment):
    """Deleted experiments are found only where they are asked for; an unknown view counts as none."""
    name = house.seen("experiments/get", {"experiment_id": experiment})["experiment"]["name"]
    house.done("experiments/delete", {"experiment_id": experiment})
    asked = {"filter": f"name = '{name}'", "max_results": 5}
    views = {"ACTIVE_ONLY": 0, "DELETED_ONLY": 1, "ALL": 1, 2: 1, "3": 1, "BOGUS": 0, None: 0}
    for view, count in views.items():
        found = house.done("experiments/search", {**asked, "view_type": view})
        assert len(found.get("experiments", [])) == count, view


def test_the_place_of_artifacts_is_not_the_clients(house):
    """A location that a client chooses is refused; an empty one is none."""
    for place in ("s3://somebody-else/x", "file:///etc", "mlflow-artifacts://elsewhere/x"):
        answer = house.post("experiments/create", {"name": f"at {place}", "artifact_location": place})
        assert (answer.status, answer.json["field"]) == (400, "artifact_location")
    house.done("experiments/create", {"name": "anywhere", "artifact_location": ""})


def test_datasets_of_experiments_are_listed(house, experiment, run):
    """What the runs of an experiment read is listed once for each context."""
    dataset = {"name": "d", "digest": "1", "source_type": "local", "source": "{}"}
    for context in ("train", "train", "eval"):
        tags = [{"key": "mlflow.data.context", "value": context}]
        house.done("runs/log-inputs", {"run_id": run, "datasets": [{"dataset": dataset, "tags": tags}]})
    path = "experiments/search-datasets"
    found = house.done(path, {"experiment_ids": [experiment]})["dataset_summaries"]
    assert sorted(one.pop("context") for one in found) == ["eval", "train"]
    assert found == [{"experiment_id": experiment, "name": "d", "digest": "1"}] * 2
    house.refused(path, {})
    house.refused(path, {"experiment_ids": [str(number) for number in range(21)]})


@pytest.mark.parametrize("prefix", ["/api/2.0", "/api/3.0", "/ajax-api/2.0", "/ajax-api/3.0"])
def test_every_prefix_leads_to_the_same(house, experiment, prefix):
    """Programs and pages, of both versions, find the same endpoints, below a team too."""
    for team in ("", "/t/default"):
        path = f"{team}{prefix}/mlflow/experiments/get"
        answer = house.get(path, {"experiment_id": experiment})
        assert answer.json["experiment"]["experiment_id"] == experiment
