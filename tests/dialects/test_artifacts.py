"""Artifacts over MLflow's endpoints: what is sent where, listed, fetched and deleted."""

import secrets
import time

import pytest

from functions.artifacts import sessions
from functions.limits import FILE_BYTES
from tests.dialects.vault import ROOT, fetched, listed, mpu, refused, sent

PART = 5 * 2**20


@pytest.fixture
def asked(monkeypatch):
    """Every call to S3 that the house makes itself, as it is made."""
    calls, ask = [], sessions.Session.ask

    def counted(session, operation, **named):
        calls.append(operation)
        return ask(session, operation, **named)

    monkeypatch.setattr(sessions.Session, "ask", counted)
    return calls


def test_the_server_says_that_files_go_past_it(house):
    """Clients since 3.18 read that files go by presigned URL, those since 3.15 that parts are taken."""
    for prefix in ("/api/3.0", "/ajax-api/3.0"):
        said = house.call("GET", f"{prefix}/mlflow/server-info").json
        assert said["artifacts_presigned_only"] is said["multipart_uploads_enabled"] is True
        assert said["multipart_downloads_enabled"] is False


def test_roots_lie_below_the_experiment(house, experiment, run, model):
    """Runs and logged models tell a root that only this server resolves, without any host."""
    info = house.seen("runs/get", {"run_id": run})["run"]["info"]
    assert info["artifact_uri"] == f"mlflow-artifacts:/{experiment}/{run}/artifacts"
    info = house.seen(f"logged-models/{model}", {})["model"]["info"]
    assert info["artifact_uri"] == f"mlflow-artifacts:/{experiment}/models/{model}/artifacts"


@pytest.mark.parametrize("size", [0, 1, FILE_BYTES])
def test_a_small_body_is_taken(house, root, size):
    """A body up to 4 MB, also an empty one, comes back by a redirect, as an attachment of no type."""
    body = secrets.token_bytes(size)
    answer = house.call("PUT", f"{ROOT}/artifacts/{root}/a b/ü+%.bin", raw=body)
    assert (answer.status, answer.json) == (200, {})
    status, headers, got = fetched(house, f"{root}/a b/ü+%.bin")
    headers = {name.lower(): value for name, value in headers.items()}
    assert (status, got) == (200, body)
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%BC%2B%25.bin"
    assert headers["content-type"] == "application/octet-stream"
    assert listed(house, f"{root}/a b") == [{"path": "ü+%.bin", "is_dir": False, "file_size": size}]


def test_a_large_body_is_refused_with_the_cure(house, root):
    """A larger body is a 413 that names what an old client must set, and nothing is stored."""
    answer = house.call("PUT", f"{ROOT}/artifacts/{root}/large", raw=bytes(FILE_BYTES + 1))
    assert refused(answer) == (413, "BAD_REQUEST")
    assert "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD=true" in answer.json["message"]
    assert "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE=1" in answer.json["message"]
    assert listed(house, root) == []


@pytest.mark.parametrize("size", [0, 100])
def test_one_part_costs_no_call_to_s3(house, root, asked, size):
    """A file of one part goes to the vault by one URL, and the house itself never speaks to S3."""
    body = secrets.token_bytes(size)
    begun = mpu(house, "create", f"{root}/dir", path="one.bin", num_parts=1).json
    (part,) = begun["credentials"]
    assert part["part_number"] == 1
    status, headers, _ = sent(part["url"], "PUT", body, part["headers"])
    assert status == 200
    parts = [{"part_number": 1, "etag": headers["etag"], "url": part["url"]}]
    done = mpu(house, "complete", f"{root}/dir", path="one.bin", upload_id=begun["upload_id"], parts=parts)
    assert (done.status, done.json) == (200, {})
    assert mpu(house, "abort", f"{root}/dir", path="one.bin", upload_id=begun["upload_id"]).status == 200
    answer = house.call("GET", f"{ROOT}/presigned/{root}/dir/one.bin").json
    assert "file_size" not in answer
    assert sent(answer["url"], headers=answer["headers"])[::2] == (200, body)
    assert asked == []
    assert listed(house, f"{root}/dir") == [{"path": "one.bin", "is_dir": False, "file_size": size}]


def test_several_parts_become_one_file(house, root):
    """Parts go to the vault by a URL each, and are one file once they are complete, not before."""
    bodies = [secrets.token_bytes(PART), secrets.token_bytes(PART), b"end"]
    begun = mpu(house, "create", root, path="parts.bin", num_parts=3).json
    assert [each["part_number"] for each in begun["credentials"]] == [1, 2, 3]
    parts = []
    for each, body in zip(begun["credentials"], bodies, strict=True):
        status, headers, _ = sent(each["url"], "PUT", body, each["headers"])
        assert status == 200
        parts.append({"part_number": each["part_number"], "etag": headers["etag"]})
    assert listed(house, root) == []
    named = {"path": "parts.bin", "upload_id": begun["upload_id"]}
    wrong = [{**parts[0], "etag": parts[1]["etag"]}, *parts[1:]]
    assert refused(mpu(house, "complete", root, **named, parts=wrong)) == (400, "INVALID_PARAMETER_VALUE")
    assert mpu(house, "complete", root, **named, parts=parts).json == {}
    assert fetched(house, f"{root}/parts.bin")[2] == b"".join(bodies)


def test_an_upload_can_be_given_up(house, root):
    """An upload that was aborted, or never begun, cannot be completed; aborting it again is no error."""
    begun = mpu(house, "create", root, path="x", num_parts=2).json
    for _ in range(2):
        assert mpu(house, "abort", root, path="x", upload_id=begun["upload_id"]).status == 200
    parts = [{"part_number": 1, "etag": '"0"'}]
    done = mpu(house, "complete", root, path="x", upload_id=begun["upload_id"], parts=parts)
    assert refused(done) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_lists_show_directories_and_files(house, experiment, run, root):
    """One endpoint lists names, the other paths below the run's root; a file and nothing list nothing."""
    for path in ("b.txt", "a/x.txt", "a/deep/y.txt"):
        house.call("PUT", f"{ROOT}/artifacts/{root}/{path}", raw=b"123")
    assert listed(house, root) == listed(house, f"{root}/") == [
        {"path": "a", "is_dir": True},
        {"path": "b.txt", "is_dir": False, "file_size": 3},
    ]  # fmt: skip
    assert [one["path"] for one in listed(house, f"{root}/a")] == ["deep", "x.txt"]
    assert listed(house, f"{root}/b.txt") == listed(house, f"{root}/c") == []
    assert house.call("GET", f"{ROOT}/artifacts").json == {}
    uri = f"mlflow-artifacts:/{experiment}/{run}/artifacts"
    below = house.seen("artifacts/list", {"run_id": run, "path": "a"})
    assert (below["root_uri"], [one["path"] for one in below["files"]]) == (uri, ["a/deep", "a/x.txt"])
    assert house.seen("artifacts/list", {"run_uuid": run, "path": "b.txt"}) == {"root_uri": uri}
    assert refused(house.get("artifacts/list", {"path": "a"})) == (400, "INVALID_PARAMETER_VALUE")


def test_pages_fetch_and_send_by_run(house, run, root):
    """What MLflow's page asks for: a file of a run by redirect, and a body that becomes one."""
    upload = "/ajax-api/2.0/mlflow/upload-artifact"
    answer = house.call("POST", upload, query={"run_uuid": run, "path": "a/b.txt"}, raw=b"by page")
    assert answer.status == 200
    for name in ("run_id", "run_uuid"):
        answer = house.call("GET", "/get-artifact", query={name: run, "path": "a/b.txt"})
        assert (answer.status, sent(answer.headers["location"])[2]) == (307, b"by page")
    for query, body in (({"path": "x"}, b"x"), ({"run_id": run}, b"x"), ({"run_id": run, "path": "x"}, b"")):
        assert refused(house.call("POST", upload, query=query, raw=body)) == (400, "INVALID_PARAMETER_VALUE")
    assert [one["path"] for one in listed(house, root)] == ["a"]


def test_logged_models_have_artifacts_of_their_own(house, experiment, model):
    """A logged model's files are sent, listed and fetched by its own root and by its id."""
    root = f"{experiment}/models/{model}/artifacts"
    house.call("PUT", f"{ROOT}/artifacts/{root}/data/MLmodel", raw=b"flavors: {}")
    house.call("PUT", f"{ROOT}/artifacts/{root}/top", raw=b"")
    assert [one["path"] for one in listed(house, root)] == ["data", "top"]
    files = f"logged-models/{model}/artifacts"
    assert house.seen(f"{files}/directories", {"artifact_directory_path": "data"}) == {
        "root_uri": f"mlflow-artifacts:/{root}",
        "files": [{"path": "data/MLmodel", "is_dir": False, "file_size": 11}],
    }
    assert len(house.seen(f"{files}/directories", {})["files"]) == 2
    answer = house.get(f"{files}/files", {"artifact_file_path": "data/MLmodel"})
    assert sent(answer.headers["location"])[2] == b"flavors: {}"
    said = house.seen(f"{files}/files", {"artifact_file_path": "data/MLmodel", "presigned": "true"})
    assert sent(said["url"], headers=said["headers"])[2] == b"flavors: {}"
    assert refused(house.get(f"{files}/files", {})) == (400, "INVALID_PARAMETER_VALUE")


def test_deleting_takes_a_file_or_all_below(house, root):
    """A file goes alone, a directory with all that lies below it, and the root with everything."""
    for path in ("a", "ab", "d/x", "d/e/y", "dd/z"):
        house.call("PUT", f"{ROOT}/artifacts/{root}/{path}", raw=b"x")
    for path, left in (
        ("/a", ["ab", "d", "dd"]),
        ("/d", ["ab", "dd"]),
        ("/nothing", ["ab", "dd"]),
        ("/", []),
    ):
        answer = house.call("DELETE", f"{ROOT}/artifacts/{root}{path}")
        assert (answer.status, answer.json) == (200, {})
        assert [one["path"] for one in listed(house, root)] == left


def test_the_newest_of_a_path_is_shown(house, root):
    """A path that is logged again is what was logged last, and is listed once."""
    for body in (b"first", b"second"):
        house.call("PUT", f"{ROOT}/artifacts/{root}/again", raw=body)
        time.sleep(0.01)
    assert fetched(house, f"{root}/again")[2] == b"second"
    assert listed(house, root) == [{"path": "again", "is_dir": False, "file_size": 6}]


def test_roots_that_clients_would_reach_themselves_do_not_exist(house, run, model):
    """URLs for a bucket that the client knows are refused as by MLflow's server for roots like these."""
    for path, body, words in (
        ("upload", {"run_id": run, "path": "x"}, "not supported for proxied"),
        ("upload", {"model_id": model, "path": "x"}, "not supported for proxied"),
        ("upload", {"path": "x"}, "Exactly one of run_id and model_id"),
        ("upload", {"run_id": run, "model_id": model, "path": "x"}, "Exactly one of run_id and model_id"),
        ("upload", {"run_id": run}, "Missing value"),
        ("download", {"run_id": run, "path": "x"}, "not supported for runs with proxied"),
        ("download", {"run_id": run}, "Missing value"),
    ):
        answer = house.post(f"artifacts/presigned-{path}-url", body)
        assert refused(answer) == (400, "INVALID_PARAMETER_VALUE")
        assert words in answer.json["message"]


def test_what_is_deleted_shows_no_artifacts(house, experiment, run, model, root):
    """The artifacts of a deleted run, logged model or experiment are not found, and are back with it."""
    house.call("PUT", f"{ROOT}/artifacts/{root}/x", raw=b"kept")
    house.done("runs/delete", {"run_id": run})
    of_model = f"{experiment}/models/{model}/artifacts"

    def statuses(place):
        return {
            house.call("GET", f"{ROOT}/artifacts/{place}/x").status,
            house.call("PUT", f"{ROOT}/artifacts/{place}/x", raw=b"x").status,
            house.call("GET", f"{ROOT}/artifacts", query={"path": place}).status,
            mpu(house, "create", place, path="x", num_parts=1).status,
        }

    assert statuses(root) == {404}
    house.done("runs/restore", {"run_id": run})
    assert fetched(house, f"{root}/x")[2] == b"kept"
    assert 404 not in statuses(of_model)
    house.done("experiments/delete", {"experiment_id": experiment})
    assert statuses(root) == statuses(of_model) == {404}
    house.done("experiments/restore", {"experiment_id": experiment})
    assert house.call("DELETE", f"/api/2.0/mlflow/logged-models/{model}").status == 200
    assert statuses(of_model) == {404}


@pytest.mark.parametrize("parts", [-1, 1501, 10_001, "x"])
def test_too_many_parts_are_refused(house, root, asked, parts):
    """More parts than one answer has URLs for begin no upload, and S3 is not asked."""
    begun = mpu(house, "create", root, path="x", num_parts=parts)
    assert refused(begun) == (400, "INVALID_PARAMETER_VALUE")
    assert asked == []


@pytest.mark.parametrize("verb", ["create", "complete", "abort"])
@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"\xff", b'{"path": 1}', b'{"path": "x", "parts": 1}'])
def test_broken_bodies_are_refused(house, root, verb, raw):
    """A call of an upload in parts that is no JSON, or misses what it needs, is a 400."""
    answer = house.call("POST", f"{ROOT}/mpu/{verb}/{root}", raw=raw)
    if not (verb == "create" and b'"x"' in raw):
        assert refused(answer) == (400, "INVALID_PARAMETER_VALUE")
