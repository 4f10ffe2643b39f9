"""Datasets and lineage over native HTTP, through the whole house."""

import hashlib
import time
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

NAME = "iris data ü"
AT = f"/datasets/{quote(NAME)}"
REFERENCE = {"source": "https://example.org/iris.csv", "source_version": "v1", "rows": 150}


@pytest.fixture
def run_id(native):
    """A new run."""
    return native("POST", "/runs", {"experiment_id": "0"})[1]["run_id"]


def test_a_version_is_made_named_and_found(native):
    """The first POST answers 201, the same again 200; tags, aliases and pages follow."""
    status, made = native("POST", f"{AT}/versions", REFERENCE)
    assert (status, made["missing"], made["version"]["version"]) == (201, [], 1)
    assert native("POST", f"{AT}/versions", REFERENCE) == (200, made)
    assert native("POST", f"{AT}/versions", {**REFERENCE, "source_version": "v2"})[0] == 201
    assert native("GET", f"{AT}/versions/1") == (200, made["version"])
    assert native("GET", f"{AT}/versions/latest")[1]["version"] == 2
    assert native("PUT", f"{AT}/aliases/best", {"version": 1})[1]["aliases"] == {"best": 1}
    changed = native("PATCH", f"{AT}/versions/best", {"tags": {"a": "1"}, "description": "x"})[1]
    assert (changed["version"], changed["tags"], changed["description"]) == (1, {"a": "1"}, "x")
    assert native("PATCH", f"{AT}/versions/best", {"tags": {"a": None}})[1]["tags"] == {}
    assert native("PATCH", AT, {"description": "flowers"})[1]["description"] == "flowers"
    assert native("DELETE", f"{AT}/aliases/best")[1]["aliases"] == {}
    page = native("GET", f"{AT}/versions?limit=1")[1]
    assert ([one["version"] for one in page["versions"]], page["next"]) == ([2], 2)
    assert NAME in [one["name"] for one in native("GET", "/datasets")[1]["datasets"]]
    status, gone = native("DELETE", f"{AT}/versions/2")
    assert (status, gone["dataset"], gone["version"]) == (202, NAME, 2)
    assert native("GET", f"{AT}/versions/2")[0] == 404


def test_files_go_up_and_come_down(native):
    """A manifest is offered, sent, made a version, listed and fetched, without the bytes passing the API."""
    body = b"a,b\n1,2\n"
    file = {"path": "d/a.csv", "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    at = "/datasets/files"
    status, made = native("POST", f"{at}/versions", {"files": [file]})
    assert (status, made) == (200, {"version": None, "missing": ["d/a.csv"]})
    offer = native("POST", f"{at}/versions:upload", {"files": [file]})[1]["files"][0]
    with urlopen(Request(offer["url"], body, offer["headers"], method="PUT"), timeout=20) as reply:
        assert reply.status == 200
    assert native("POST", f"{at}/versions", {"files": [file]})[0] == 201
    assert native("POST", f"{at}/versions:upload", {"files": [file]})[1]["files"][0]["state"] == "have"
    page = native("GET", f"{at}/versions/1/files?path=d")[1]
    assert page == {"files": [file], "next": None}
    found = native("POST", f"{at}/versions/1/files:download", {"paths": ["d/a.csv"]})[1]["files"][0]
    with urlopen(Request(found["url"], headers=found["headers"]), timeout=20) as reply:
        assert reply.read() == body


def test_the_files_of_a_deleted_version_go_by_themselves(native):
    """Soon after a version is deleted the house holds its files no longer: nobody has to see to it."""
    body = b"gone soon"
    file = {"path": "a", "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    offer = native("POST", "/datasets/short/versions:upload", {"files": [file]})[1]["files"][0]
    with urlopen(Request(offer["url"], body, offer["headers"], method="PUT"), timeout=20):
        pass
    assert native("POST", "/datasets/short/versions", {"files": [file]})[0] == 201
    assert native("DELETE", "/datasets/short/versions/1")[0] == 202
    until = time.monotonic() + 60
    while (
        native("POST", "/datasets/short/versions:upload", {"files": [file]})[1]["files"][0]["state"] == "have"
    ):
        assert time.monotonic() < until
        time.sleep(0.2)


def test_runs_read_and_write_versions(native, run_id):
    """They are named by number or word, appear among the run's datasets, and in the lineage."""
    native("POST", "/datasets/in/versions", REFERENCE)
    native("POST", "/datasets/out/versions", REFERENCE)
    wanted = [{"dataset": "in", "version": 1, "tags": {"mlflow.data.context": "train"}}]
    run = native("POST", f"/runs/{run_id}/inputs", {"versions": wanted})[1]
    assert [one["tags"] for one in run["datasets"]] == [{"mlflow.data.context": "train"}]
    run = native("POST", f"/runs/{run_id}/outputs", {"versions": [{"dataset": "out", "version": "latest"}]})[
        1
    ]
    assert (len(run["datasets_written"]), run["models_written"]) == (1, [])
    found = native("GET", f"/lineage?run={run_id}")[1]
    assert [(node["kind"], node["name"]) for node in found["nodes"]][1:] == [
        ("dataset", "in"),
        ("dataset", "out"),
    ]
    assert [(edge["what"], edge["context"]) for edge in found["edges"]] == [
        ("read", "train"),
        ("wrote", None),
    ]
    above = native("GET", "/lineage?dataset=out&version=1&way=up")[1]
    assert [node["name"] for node in above["nodes"]][2:] == ["in"]
    below = native("GET", "/lineage?dataset=in")[1]
    assert below["nodes"][1]["id"] == run_id


@pytest.mark.parametrize(
    "query",
    [
        "",
        "run=x&model=y",
        "version=1",
        "dataset=in&version=1&digest=d",
        "run=x&digest=d",
        "run=x&after=y",
        "run=x&depth=0",
        "run=x&depth=11",
        "run=x&way=left",
        "dataset=in&digest=" + "x" * 37,
    ],
)
def test_what_cannot_be_asked_of_lineage(native, query):
    """One thing is asked for, as deep as it goes; all else is a 400."""
    assert native("GET", f"/lineage?{query}")[0] == 400


@pytest.mark.parametrize(
    "query", ["run=x", "model=m-1", "dataset=none", "dataset=none&digest=d", "model=" + "0" * 32]
)
def test_what_is_not_there_has_no_lineage(native, query):
    """An id that is none, or nobody's, is a 404."""
    assert native("GET", f"/lineage?{query}")[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"{AT}/versions", {"source": "s3://a/b", "digest": "d", "rows": True}),
        ("POST", f"{AT}/versions", {"source": "s3://a/b", "digest": "d", "rows": 1.5}),
        ("POST", f"{AT}/versions", {"files": [{"path": "a", "size": 1, "sha256": "x" * 64}]}),
        ("POST", f"{AT}/versions:upload", {"files": []}),
        ("PUT", f"{AT}/aliases/best", {"version": True}),
        ("PUT", f"{AT}/aliases/7", {"version": 1}),
        ("GET", f"{AT}/versions?after=-1", None),
        ("DELETE", f"{AT}/versions/latest", None),
        ("POST", "/datasets/a%2Fb/versions", REFERENCE),
        ("POST", "/datasets/.hidden/versions", REFERENCE),
    ],
)
def test_bad_requests_say_so(native, method, path, body):
    """Numbers that are none, digests that are none and names that cannot be are refused, never a 5xx."""
    assert native(method, path, body)[0] in {400, 404}
