"""Metrics over native HTTP, through the whole house."""

import json

import pytest

W = "a" * 32


@pytest.fixture
def path(native):
    """The path of a new run."""
    return f"/runs/{native('POST', '/runs', {'experiment_id': '0'})[1]['run_id']}"


def metric(step, value, **more):
    """A metric record."""
    return {"kind": "metric", "key": "loss", "value": value, "timestamp": 10 + step, "step": step, **more}


def test_records_are_logged_once(native, path):
    """However often records are sent the answer is their high-water mark, and the run has each once."""
    records = [metric(0, 1.0), {"kind": "param", "key": "lr", "value": "1"}, metric(1, "NaN")]
    records.append({"kind": "tag", "key": "phase", "value": "hot"})
    for _ in range(2):
        assert native("POST", f"{path}/log", {"writer": W, "first": 0, "records": records}) == (
            200,
            {"high_water": 3},
        )
    _, run = native("GET", path)
    assert (run["params"], run["tags"]["phase"]) == ({"lr": "1"}, "hot")
    assert (run["metrics"]["loss"]["count"], run["metrics"]["loss"]["last"]) == (2, "NaN")
    assert (run["metrics"]["loss"]["min"], run["metrics"]["loss"]["last_step"]) == (1.0, 1)


def test_history_is_paged(native, path):
    """Pages follow each other by `next`, with every point once; numbers that JSON lacks are text."""
    values = [0.1, "NaN", "Infinity", "-Infinity", -0.0, 1e308, 5e-324]
    records = [metric(step, value) for step, value in enumerate(values)]
    native("POST", f"{path}/log", {"writer": W, "first": 0, "records": records})
    found, after = [], ""
    while after is not None:
        status, page = native("GET", f"{path}/history?key=loss&limit=2{after and f'&after={after}'}")
        assert status == 200
        found += page["points"]
        after = page["next"]
    assert [json.dumps(point["value"]) for point in found] == [json.dumps(value) for value in values]
    assert [point["step"] for point in found] == list(range(7))


def test_a_line_is_what_a_chart_needs(native, path):
    """A long history is a line of at most 1,000 buckets of the last, the least and the greatest value."""
    records = [metric(step, float(step % 7)) for step in range(3000)]
    native("POST", f"{path}/log", {"writer": W, "first": 0, "records": records})
    _, line = native("GET", f"{path}/line?key=loss")
    assert len(line["buckets"]) == 750
    assert line["buckets"][1] == {
        "first_step": 4,
        "last_step": 7,
        "last_time": 17,
        "last": 0.0,
        "min": 0.0,
        "max": 6.0,
    }


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"writer": "x", "first": 0, "records": [metric(0, 1.0)]}, "writer"),
        ({"writer": "g" * 32, "first": 0, "records": [metric(0, 1.0)]}, "writer"),
        ({"writer": W, "first": -1, "records": [metric(0, 1.0)]}, "first"),
        ({"writer": W, "first": 0, "records": []}, "records"),
        ({"writer": W, "first": 0, "records": [metric(0, "many")]}, "records"),
        ({"writer": W, "first": 0, "records": [metric(0, None)]}, "records"),
        ({"writer": W, "first": 0, "records": [metric(1.5, 1.0)]}, "records"),
        ({"writer": W, "first": 0, "records": [metric(0, 1.0, timestamp=-1)]}, "records"),
        ({"writer": W, "first": 0, "records": [metric(0, 1.0, key="..")]}, "metrics[0].key"),
        ({"writer": W, "first": 0, "records": [{"kind": "other"}]}, "records"),
    ],
)
def test_malformed_records_are_refused_whole(native, path, wanted, field):
    """Bad input is a 400 that names its field, and nothing of it is logged."""
    status, refused = native("POST", f"{path}/log", wanted)
    assert (status, refused["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert refused["field"].startswith(field)
    assert native("GET", path)[1]["metrics"] == {}


@pytest.mark.parametrize(
    "query", ["key=a&after=x", "key=a&after=1_2", "key=a&limit=0", "key=a&limit=many", ""]
)
def test_a_broken_page_is_refused(native, path, query):
    """A page that nobody has given is a 400."""
    assert native("GET", f"{path}/history?{query}")[0] == 400
