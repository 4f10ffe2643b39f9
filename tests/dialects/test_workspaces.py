"""Teams as MLflow's workspaces, and what clients ask before anything else."""

import secrets

import pytest


def test_the_server_says_what_it_can(house):
    """server-info has the fields that clients 3.10 to 3.18 read: workspaces and presigned only, yes."""
    info = house.seen("/api/3.0/mlflow/server-info", None)
    assert info["workspaces_enabled"] is True
    assert info["artifacts_presigned_only"] is True
    assert info["multipart_uploads_enabled"] is True
    assert info["multipart_downloads_enabled"] is False
    assert info["features_enabled"] == {"gateway": False, "scheduled_issue_detection": False}
    assert house.seen("/ajax-api/3.0/mlflow/server-info", None) == info


def test_health_and_version_are_plain_text(house):
    """Probes get OK, and tracing clients a version that they can parse."""
    assert (house.get("/health").body, house.get("/health").status) == (b"OK", 200)
    version = house.get("/version")
    assert version.headers["content-type"].startswith("text/plain")
    assert [part.isdigit() for part in version.body.decode().split(".")] == [True] * 3


def test_a_team_is_a_workspace(house):
    """A workspace is created with 201, listed, read, described anew, and used by its name."""
    name, path = f"team-{secrets.token_hex(4)}", "/api/3.0/mlflow/workspaces"
    created = house.post(path, {"name": name, "description": "first"})
    assert (created.status, created.json) == (201, {"workspace": {"name": name, "description": "first"}})
    assert house.post(path, {"name": name}).json["error_code"] == "RESOURCE_ALREADY_EXISTS"
    assert name in [one["name"] for one in house.seen(path, None)["workspaces"]]
    changed = house.call("PATCH", f"{path}/{name}", body={"description": "second"})
    assert changed.json == {"workspace": {"name": name, "description": "second"}}
    assert house.seen(f"{path}/{name}", None) == changed.json
    inside = house.get("experiments/get", {"experiment_id": "0"}, **{"X-MLFLOW-WORKSPACE": name})
    assert inside.json["experiment"]["workspace"] == name


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_workspace_that_is_none_of_yours_is_not_there(house, method):
    """A team that does not exist is a 404 for whatever is asked of it."""
    body = {"description": "x"} if method == "PATCH" else None
    assert house.call(method, "/api/3.0/mlflow/workspaces/nobody", body=body).status == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"name": ""},
        {"name": 5},
        {"name": "Capital"},
        {"name": "a/b"},
        {"name": "ok", "default_artifact_root": "s3://somebody-else"},
        {"name": "ok", "description": 5},
        {"name": "ok", "trace_archival_config": {"location": "s3://somebody-else"}},
        {"name": "ok", "trace_archival_config": 5},
    ],
)
def test_a_bad_workspace_is_refused(house, wrong):
    """Bad names, and places that are the server's alone, are a 400."""
    assert house.post("/api/3.0/mlflow/workspaces", wrong).status == 400


def test_a_workspace_is_changed_in_something(house):
    """A change without a change, or of a place, is refused; teams are not deleted yet."""
    path = "/api/3.0/mlflow/workspaces/default"
    for wrong in ({}, {"description": "x", "default_artifact_root": "s3://x"}):
        house.refused(path, wrong, method="PATCH")
    assert house.refused(path, None, 501, method="DELETE")["error_code"] == "NOT_IMPLEMENTED"
