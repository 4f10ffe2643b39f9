"""A value that is none of its kind is a 4xx that names the field; MLflow would store 0."""

import pytest

from tests.dialects.caller import refused

NO_INTEGERS = [1.5, "1.5", True, False, "x", "", [], {}, "0x1", " 1", 2**63, str(2**63), -(2**63) - 1, 1e300]
NO_NUMBERS = [True, "abc", "", [], {}, "1e400", "-1e400", 10**400, "0x1", "1_0", None]
NO_KEYS = [
    "",
    "a//b",
    "/a",
    "../a",
    "a/..",
    ".",
    "a#b",
    "a\nb",
    "a\x00b",
    "k" * 251,
    5,
    True,
    None,
    [],
    "\ud800",
]


def short(value):
    """A test's name from what it tries."""
    return ascii(value)[:12]


def refused_with(house, run, metric, word):
    """Demand that a metric is refused for that field, alone and in a batch, and that nothing was written."""
    assert word in house.refused("runs/log-metric", {"run_id": run, **metric})["message"]
    assert word in house.refused("runs/log-batch", {"run_id": run, "metrics": [metric]})["message"]
    assert house.metrics(run) == {}


@pytest.mark.parametrize("value", [*NO_INTEGERS, -1, None], ids=short)
def test_timestamps_are_whole_and_not_negative(house, run, value):
    """A timestamp that is no integer from 0 to 2^63 - 1 is refused."""
    refused_with(house, run, {"key": "m", "value": 1, "timestamp": value}, "timestamp")


@pytest.mark.parametrize("value", NO_INTEGERS, ids=short)
def test_steps_are_whole(house, run, value):
    """A step that is no 64-bit integer is refused."""
    refused_with(house, run, {"key": "m", "value": 1, "timestamp": 1, "step": value}, "step")


@pytest.mark.parametrize("value", NO_NUMBERS, ids=short)
def test_values_are_numbers(house, run, value):
    """A value that no double holds is refused."""
    refused_with(house, run, {"key": "m", "value": value, "timestamp": 1}, "value")


@pytest.mark.parametrize("raw", [b"1e400", b"-1e400", b"1" * 400], ids=["1e400", "-1e400", "1...1"])
def test_literals_that_overflow_are_refused(house, run, raw):
    """A number literal beyond a double is a 400, not an infinity."""
    metric = b'{"run_id": "%s", "key": "m", "timestamp": 1, "value": %s}' % (run.encode(), raw)
    refused(house.call("POST", "runs/log-metric", raw=metric))
    refused(house.call("POST", "runs/log-batch", raw=b'{"run_id": "x", "metrics": [' + metric + b"]}"))
    assert house.metrics(run) == {}


@pytest.mark.parametrize("key", NO_KEYS, ids=short)
@pytest.mark.parametrize("path", ["runs/log-metric", "runs/log-parameter", "runs/set-tag"])
def test_keys_follow_mlflows_rule(house, run, path, key):
    """A key that MLflow's clients would not send is a 400 at every endpoint that takes one."""
    value = {"value": 1, "timestamp": 1} if path == "runs/log-metric" else {"value": "1"}
    said = house.refused(path, {"run_id": run, "key": key, **value})
    assert said["error_code"] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("value", [*NO_INTEGERS, -1], ids=short)
def test_times_of_runs_are_whole(house, experiment, run, value):
    """Start and end times that are no such integers are refused: no run begins when nobody said."""
    house.refused("runs/create", {"experiment_id": experiment, "start_time": value})
    house.refused("runs/update", {"run_id": run, "end_time": value})


@pytest.mark.parametrize("status", ["BOGUS", "finished", "", 0, 9, True, [], {}, 1.5], ids=short)
def test_an_unknown_status_is_refused(house, run, status):
    """A status that is none is a 400, not silently dropped."""
    house.refused("runs/update", {"run_id": run, "status": status})
    assert house.run(run)["info"]["status"] == "RUNNING"


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ("abc", 400),
        ("1.5", 400),
        ("-1", 400),
        ("٣", 400),
        (5, 400),
        (True, 400),
        ("9" * 40, 404),
        ("12", 404),
    ],
)
def test_experiment_ids_are_decimal(house, wrong, status):
    """An id that is no whole number is a 400, and one that does not exist a 404."""
    for path in ("experiments/delete", "experiments/restore", "runs/create", "logged-models"):
        house.refused(path, {"experiment_id": wrong, "name": "x"}, status)
    if isinstance(wrong, str):
        house.refused("experiments/get", None, status, method="GET", query={"experiment_id": wrong})


@pytest.mark.parametrize("run_id", ["x", "0" * 32, "0" * 31, "G" * 32, "a/b", "a#b", "../x", "é", "x" * 9999])
def test_a_run_that_does_not_exist_is_a_404(house, run_id):
    """An id that cannot be a run's does not exist, for reading and for writing."""
    house.refused("runs/get", None, 404, method="GET", query={"run_id": run_id})
    house.refused("runs/set-tag", {"run_id": run_id, "key": "k", "value": "v"}, 404)
    house.refused("runs/log-batch", {"run_id": run_id, "metrics": []}, 404)
    house.refused("runs/log-inputs", {"run_id": run_id}, 404)


@pytest.mark.parametrize(
    "wrong",
    [
        {"filter": "((("},
        {"filter": "metrics.x = 'a'"},
        {"filter": "nothing.x = 1"},
        {"filter": "params.x = 1 AND"},
        {"filter": "'" * 999},
        {"filter": "NOT " * 50_000 + "metrics.x = 1"},
        {"filter": "(" * 50_000},
        {"filter": 5},
        {"order_by": ["nothing.x"]},
        {"order_by": ["metrics.x SIDEWAYS"]},
        {"order_by": [""]},
        {"order_by": "metrics.x"},
        {"order_by": [5]},
        {"page_token": "junk"},
        {"page_token": "e30="},
        {"page_token": "x" * 100_000},
        {"page_token": 5},
        {"max_results": 0},
        {"max_results": -1},
        {"max_results": 50_001},
        {"max_results": 1.5},
        {"max_results": "many"},
        {"experiment_ids": "0"},
        {"experiment_ids": ["abc"]},
        {"experiment_ids": [5]},
        {"experiment_ids": [["0"]]},
    ],
    ids=lambda wrong: str(wrong)[:40],
)
def test_a_bad_search_is_refused(house, experiment, wrong):
    """Bad filters, orders, tokens and sizes are a 400 that names the field."""
    said = house.refused("runs/search", {"experiment_ids": [experiment], **wrong})
    assert said["field"].partition("[")[0] in wrong


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        5,
        {"dataset": 5},
        {"dataset": {}},
        {"dataset": {"name": "d"}},
        {"dataset": {"name": "", "digest": "1"}},
        {"dataset": {"name": "d", "digest": "1" * 37}},
        {"dataset": {"name": "d" * 501, "digest": "1"}},
        {"dataset": {"name": "d", "digest": "1", "source": 5}},
        {"dataset": {"name": "d", "digest": "1", "source": "x" * 65_536}},
        {"dataset": {"name": "d", "digest": "1"}, "tags": [{"value": "x"}]},
        {"dataset": {"name": "d", "digest": "1"}, "tags": [{"key": "k", "value": "x" * 501}]},
    ],
    ids=range(12),
)
def test_a_bad_dataset_is_refused(house, run, wrong):
    """A dataset without name or digest, or beyond a limit, is a 400, and none of its call is kept."""
    good = {"dataset": {"name": "good", "digest": "1", "source_type": "local", "source": "{}"}}
    house.refused("runs/log-inputs", {"run_id": run, "datasets": [good, wrong]})
    assert house.run(run)["inputs"] == {}
