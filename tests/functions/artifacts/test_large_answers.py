"""What would be too much for one answer comes in pages, or is refused with what to ask instead."""

import re

import pytest

from functions.artifacts import service
from functions.ids import parse_run_id
from functions.mlflow import places
from tests.functions import calls
from tests.functions.artifacts import scene
from tests.functions.artifacts.scene import digest, send
from tests.functions.artifacts.test_routes import Desk

LONG = "尺" * 300


@pytest.fixture(scope="module")
def desk():
    """The app before a table and an S3 on moto."""
    with scene.opened():
        yield Desk()


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
def test_versions_come_page_by_page(desk, limit):
    """Page by page every version is told once, newest first; behind one that never was there is a 404."""
    path = f"v/{limit}"
    for number in range(5):
        desk.log(path, b"x" * number, time=10**12 + number)
    seen, after = [], ""
    while after is not None:
        more = f"&after={after}" if after else ""
        status, page = desk.call("GET", f"{desk.at}/versions", query=f"path={path}&limit={limit}{more}")
        assert (status, len(page["versions"]) <= limit) == (200, True)
        seen += [each["size"] for each in page["versions"]]
        after = page["next"]
    assert seen == [4, 3, 2, 1, 0]
    status, said = desk.call("GET", f"{desk.at}/versions", query=f"path={path}&after=nowhere")
    assert (status, said["field"]) == (404, "after")
    for wrong in ("0", "1001"):
        assert desk.call("GET", f"{desk.at}/versions", query=f"path={path}&limit={wrong}")[0] == 400


def test_more_urls_than_an_answer_carries_are_refused(desk):
    """A thousand files with long names are a 413 that says how many go, and those do."""
    name = f"{LONG}.csv"
    signed = service.upload_url(desk.ann, desk.run_id, name)
    assert send("PUT", signed.url, signed.headers, b"1").status_code == 200
    wanted = [{"path": name}] * 1000
    status, said = desk.call("POST", f"{desk.at}:download", {"files": wanted})
    assert (status, said["field"]) == (413, "files")
    most = int(re.search(r"a call, (\d+) at most", said["message"])[1])
    answer = calls.call(
        desk.app, "POST", f"/v1{desk.at}:download", token=desk.token, json_body={"files": wanted[:most]}
    )
    assert (answer.status, len(answer.body) < 5.5e6) == (200, True)
    assert desk.call("POST", f"{desk.at}:download", {"files": wanted[: most + 1]})[0] == 413


def test_files_of_a_version_are_bound_the_same_way(desk, monkeypatch):
    """The URLs of a dataset's files are a 413 too where one answer does not carry them."""
    file = {"path": "a", "size": 1, "sha256": digest(b"1")}
    offer = desk.call("POST", "/datasets/d/versions:upload", {"files": [file]})[1]["files"][0]
    if offer["state"] == "put":
        assert send("PUT", offer["url"], offer["headers"], b"1").status_code == 200
    assert desk.call("POST", "/datasets/d/versions", {"files": [file]})[0] == 201
    at = "/datasets/d/versions/1/files:download"
    assert desk.call("POST", at, {"paths": ["a"] * 5})[0] == 200
    monkeypatch.setattr(service, "URLS_BYTES", 3000)
    status, said = desk.call("POST", at, {"paths": ["a"] * 5})
    assert (status, said["field"]) == (413, "paths")


def test_an_upload_has_no_more_parts_than_an_answer_has_urls_for(desk):
    """With a long path an MLflow client must send longer parts; as many as it is told fit below 5.5 MB."""
    root = places.of_run(parse_run_id(desk.run_id).experiment, desk.run_id).partition(":/")[2]

    def begin(parts, path):
        return calls.call(
            desk.app,
            "POST",
            f"/api/2.0/mlflow-artifacts/mpu/create/{root}",
            token=desk.token,
            json_body={"path": path, "num_parts": parts},
        )

    assert begin(1500, "short").status == 200
    refused = begin(1500, LONG)
    assert refused.status == 400
    assert "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE" in refused.json["message"]
    most = int(re.search(r"1 to (\d+) parts", refused.json["message"])[1])
    answer = begin(most, LONG)
    assert (answer.status, len(answer.json["credentials"])) == (200, most)
    assert 4.5e6 < len(answer.body) < 5.5e6
    assert begin(most + 1, LONG).status == 400
