"""Experiments over native HTTP, through the whole house."""

import pytest

from functions.experiments import service


@pytest.fixture
def path(native, request):
    """The path of a new experiment."""
    return f"/experiments/{native('POST', '/experiments', {'name': request.node.name})[1]['id']}"


def test_an_experiment_is_made_read_and_renamed(native):
    """Creating answers 201, and every answer is the experiment as it then is."""
    status, made = native("POST", "/experiments", {"name": "one", "tags": {"a": "b"}})
    assert (status, made["name"], made["tags"], made["deleted_at"]) == (201, "one", {"a": "b"}, None)
    assert native("GET", f"/experiments/{made['id']}") == (200, made)
    assert native("GET", "/experiments?name=one") == (200, {"experiments": [made], "next": None})
    status, renamed = native("PATCH", f"/experiments/{made['id']}", {"name": "two"})
    assert (status, renamed["name"]) == (200, "two")
    assert native("GET", "/experiments?name=one")[0] == 404


def test_tags_with_slashes_are_set_and_removed(native, path):
    """A key may have slashes, as they are or percent-encoded."""
    assert native("PUT", f"{path}/tags/a/b", {"value": "1"})[1]["tags"] == {"a/b": "1"}
    assert native("PUT", f"{path}/tags/a%2Fb", {"value": "2"})[1]["tags"] == {"a/b": "2"}
    assert native("DELETE", f"{path}/tags/a/b")[1]["tags"] == {}
    assert native("DELETE", f"{path}/tags/a/b")[0] == 404


def test_an_experiment_is_deleted_and_restored(native, path):
    """Deleting and restoring answer with the experiment, and 404 when there is nothing to do."""
    assert native("POST", f"{path}/restore")[0] == 404
    assert native("DELETE", path)[1]["deleted_at"] is not None
    assert native("DELETE", path)[0] == 404
    status, back = native("POST", f"{path}/restore")
    assert (status, back["deleted_at"], back["restored_at"] is not None) == (200, None, True)


def test_all_experiments_are_paged(native, path):
    """Pages follow each other by `next`, with every experiment once, the Default one too."""
    seen, after = [], ""
    while after is not None:
        status, page = native("GET", f"/experiments?limit=1{after and f'&after={after}'}")
        assert status == 200
        seen += [one["id"] for one in page["experiments"]]
        after = page["next"]
    assert path.removeprefix("/experiments/") in seen
    assert "0" in seen
    assert len(seen) == len(set(seen))


def test_a_long_answer_ends_early(native):
    """A page ends before an answer outgrows Lambda's, and the next one goes on."""
    for number in range(4):
        tags = {f"t{each}": "x" * 20_000 for each in range(40)}
        assert native("POST", "/experiments", {"name": f"long {number}", "tags": tags})[0] == 201
    sizes, after = [], ""
    while after is not None:
        page = native("GET", f"/experiments?limit=1000{after and f'&after={after}'}")[1]
        sizes.append(sum(len(value) for one in page["experiments"] for value in one["tags"].values()))
        after = page["next"]
    assert sum(sizes) >= 4 * 40 * 20_000
    assert max(sizes) < service.PAGE_BYTES + 2**20


@pytest.mark.parametrize(
    ("method", "below", "body", "field"),
    [
        ("POST", "", {}, "name"),
        ("POST", "", {"name": "  "}, "name"),
        ("POST", "", {"name": 7}, "name"),
        ("POST", "", {"name": "x", "tags": {"": "v"}}, None),
        ("POST", "", {"name": "x", "tags": {"k": 1}}, "tags.k"),
        ("POST", "", '{"name": "\\ud800"}', None),
        ("POST", "", "[]", None),
        ("POST", "", "{", "body"),
        ("GET", "?limit=0", None, "limit"),
        ("GET", "?limit=x", None, "limit"),
        ("PUT", "/0/tags/a..%2F..", {"value": "x"}, "key"),
        ("PUT", "/0/tags/runhaven.goal.loss", {"value": "down"}, "runhaven.goal.loss"),
    ],
)
def test_bad_input_names_its_field(native, method, below, body, field):
    """Whatever is wrong with a request is a 400 with MLflow's words and the field that is to blame."""
    status, answer = native(method, f"/experiments{below}", body)
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    if field is not None:
        assert answer["field"] == field


def test_a_taken_name_and_unknown_ids_are_told(native):
    """A taken name is a 400 with its own code; ids and pages of nobody are 404."""
    native("POST", "/experiments", {"name": "taken"})
    assert native("POST", "/experiments", {"name": "taken"})[1]["error_code"] == "RESOURCE_ALREADY_EXISTS"
    for unknown in ("12345", "abc", "%00", "..%2F0"):
        assert native("GET", f"/experiments/{unknown}")[0] == 404
    assert native("GET", "/experiments?after=abc")[0] == 404


def test_datasets_of_an_experiment_are_listed(native, path):
    """An experiment whose runs read nothing has no datasets."""
    assert native("GET", f"{path}/datasets") == (200, {"datasets": []})
