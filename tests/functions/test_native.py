"""Bodies of the native API: a number is a number, or it is refused."""

import base64
import json

import pytest

WRITER = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def run(native):
    """The path of a run."""
    return f"/runs/{native('POST', '/runs', {'experiment_id': '0'})[1]['run_id']}"


def logged(value="1.0", timestamp="1", step="1", first="0"):
    """The text of a log call with one metric; each number as JSON text."""
    record = f'{{"key": "m", "value": {value}, "timestamp": {timestamp}, "step": {step}}}'
    return f'{{"writer": "{WRITER}", "first": {first}, "records": [{record}]}}'


BAD = [
    ({"value": "true"}, "value"),
    ({"value": "1e400"}, None),
    ({"value": '"1e400"'}, "value"),
    ({"timestamp": "false"}, "timestamp"),
    ({"timestamp": "1.5"}, None),
    ({"timestamp": "-1"}, None),
    ({"step": "9223372036854775808"}, None),
    ({"step": "true"}, "step"),
    ({"first": "true"}, "first"),
    ({"first": "9007199254740992"}, None),
]


@pytest.mark.parametrize(("part", "field"), BAD, ids=str)
def test_what_is_no_number_is_refused(native, run, part, field):
    """True, overflowing and fractional numbers are a 400 that names the field, and nothing is logged."""
    status, said = native("POST", f"{run}/log", logged(**part))
    assert (status, said["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert field is None or said["field"] == field
    assert native("GET", run)[1]["metrics"] == {}


def test_words_for_infinity_are_numbers(native):
    """NaN and the infinities come back as they were sent, as words or as literals."""
    path = f"/runs/{native('POST', '/runs', {'experiment_id': '0'})[1]['run_id']}"
    for first, value in enumerate(['"Infinity"', "-Infinity", "NaN"]):
        assert native("POST", f"{path}/log", logged(value, step=str(first), first=str(first)))[0] == 200
    found = native("GET", f"{path}/history?key=m")[1]["points"]
    assert {point["value"] for point in found} == {"Infinity", "-Infinity", "NaN"}


def test_a_key_needs_a_start_time(native):
    """A create that could not be repeated says so instead of making another run each time."""
    status, said = native("POST", "/runs", {"experiment_id": "0", "key": "k"})
    assert (status, said["field"]) == (400, "start_time")


@pytest.mark.parametrize("behind", ["\ud800", None, "\0", "x" * 2000, 5, "R#"], ids=ascii)
def test_a_page_token_that_names_no_run_is_refused(native, behind):
    """Whoever recomputes a token's check still cannot begin a page behind what is no run."""
    for _ in range(2):
        native("POST", "/runs", {"experiment_id": "0"})
    asked = {"experiment_ids": ["0"], "limit": 1}
    token = native("POST", "/runs/search", asked)[1]["next"]
    version, _, values = json.loads(base64.urlsafe_b64decode(token))
    values[-1] = behind
    from functions.search import pages
    from functions.search.fields import RUNS
    from functions.search.plan import plan

    search = plan(RUNS, ["0"], "", (), view="ACTIVE_ONLY").search
    forged = pages.encode(search, values)
    assert version == pages.VERSION
    assert native("POST", "/runs/search", {**asked, "page_token": forged})[0] == 400


def test_inputs_are_all_taken_or_none(native, run):
    """An input that names no model leaves no trace of the dataset beside it."""
    dataset = {"name": "lonely", "digest": "1", "source_type": "local", "source": "{}"}
    wanted = {"datasets": [{"dataset": dataset}], "models": [{"model_id": "m-none"}]}
    assert native("POST", f"{run}/inputs", wanted)[0] == 404
    found = native("GET", "/experiments/0/datasets")[1]["datasets"]
    assert [one for one in found if one["name"] == "lonely"] == []
