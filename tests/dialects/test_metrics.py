"""MLflow's endpoints of metrics: what is logged comes back exactly."""

import pytest


def history(house, run, key, **more):
    """The points of a metric as (value, timestamp, step)."""
    seen = house.seen("metrics/get-history", {"run_id": run, "metric_key": key, **more})
    return [(one["value"], one["timestamp"], one["step"]) for one in seen.get("metrics", [])]


@pytest.mark.parametrize(
    ("sent", "printed"),
    [
        ("1", 1.0),
        ("0.1", 0.1),
        ("-0.0", -0.0),
        ("5e-324", 5e-324),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("12345678901234567890", 1.2345678901234567e19),
        ('"0.5"', 0.5),
        ('"1e5"', 1e5),
        ('"NaN"', "NaN"),
        ('"Infinity"', "Infinity"),
        ('"-Infinity"', "-Infinity"),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
    ],
)
@pytest.mark.parametrize("path", ["runs/log-metric", "runs/log-batch"])
def test_a_value_comes_back_as_it_was_sent(house, run, path, sent, printed):
    """Numbers, numeric strings, NaN and infinities, as words and as literals, are stored as sent."""
    metric = f'"key": "m", "value": {sent}, "timestamp": 1, "step": 2'
    inside = metric if path == "runs/log-metric" else f'"metrics": [{{{metric}}}]'
    answer = house.call("POST", path, raw=f'{{"run_id": "{run}", {inside}}}'.encode())
    assert answer.status == 200, answer.body
    assert str(house.metrics(run)["m"]) == str(printed)
    assert [str(one) for one, *_ in history(house, run, "m")] == [str(printed)]


@pytest.mark.parametrize("step", [0, -5, 2**63 - 1, -(2**63), "7", 7.0, None])
def test_whole_numbers_are_taken_in_every_spelling(house, run, step):
    """Steps and timestamps are 64-bit integers, as numbers, strings or whole floats; a missing step is 0."""
    metric = {"run_id": run, "key": "m", "value": 1, "timestamp": "1", "step": step}
    house.done("runs/log-metric", metric)
    assert history(house, run, "m") == [(1.0, 1, int(step or 0))]


def test_the_last_value_is_the_greatest_step(house, run):
    """The last value is that of the greatest step, timestamp and value, in whatever order they came."""
    points = [(1, 10, 5), (2, 9, 6), (3, 99, 1), (4, 9, 6)]
    metrics = [{"key": "m", "value": value, "timestamp": at, "step": step} for value, at, step in points]
    house.done("runs/log-batch", {"run_id": run, "metrics": metrics})
    assert house.metrics(run) == {"m": 4.0}


def test_equal_points_are_one(house, run):
    """The same point sent again, alone or in a batch, is not stored twice."""
    point = {"key": "m", "value": 1, "timestamp": 1, "step": 1}
    for _ in range(2):
        house.done("runs/log-metric", {"run_id": run, **point})
        house.done("runs/log-batch", {"run_id": run, "metrics": [point, point]})
    assert history(house, run, "m") == [(1.0, 1, 1)]


def test_a_batch_carries_everything(house, run):
    """A batch of 1,000 metrics, or of params and tags, is logged by one call."""
    metrics = [{"key": f"m/{n}", "value": n / 7, "timestamp": n, "step": n} for n in range(1000)]
    house.done("runs/log-batch", {"run_id": run, "metrics": metrics})
    texts = [{"key": f"k{n}", "value": str(n)} for n in range(100)]
    house.done("runs/log-batch", {"run_id": run, "params": texts, "tags": texts})
    assert house.metrics(run) == {f"m/{n}": n / 7 for n in range(1000)}
    assert len(house.run(run)["data"]["params"]) == 100
    assert len(house.tags(run)) == 101


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ({"metrics": [{"key": "m", "value": 1, "timestamp": 1}] * 1001}, "at most 1000 metrics"),
        ({"params": [{"key": f"p{n}", "value": "1"} for n in range(101)]}, "at most 100 params"),
        ({"tags": [{"key": f"t{n}", "value": "1"} for n in range(101)]}, "at most 100 tags"),
        (
            {
                "metrics": [{"key": "m", "value": 1, "timestamp": 1}] * 1000,
                "params": [{"key": "p", "value": "1"}],
            },
            "at most 1000 metrics, params, and tags",
        ),
        ({"params": [{"key": "p", "value": "1"}, {"key": "p", "value": "1"}]}, "Duplicate parameter keys"),
        ({"metrics": [{"value": 1, "timestamp": 1}]}, "required parameter 'metrics[0].key'"),
        ({"metrics": [{"key": "m", "timestamp": 1}]}, "required parameter 'metrics[0].value'"),
        ({"metrics": [{"key": "m", "value": 1}]}, "required parameter 'metrics[0].timestamp'"),
        ({"params": [{"value": 1}]}, "required parameter 'params[0].key'"),
        ({"tags": [{"key": "ok", "value": "1"}, {"key": ""}]}, "required parameter 'tags[1].key'"),
        ({"params": [{"key": "p", "value": 1}]}, "'params[0].value'"),
        ({"metrics": "m"}, "'metrics'"),
        ({"metrics": [1]}, "'metrics[0]'"),
    ],
)
def test_a_bad_batch_writes_nothing(house, run, batch, words):
    """A batch with one bad entry, or too many, is refused whole, in MLflow's words."""
    good = {"params": [{"key": "good", "value": "1"}], "metrics": [{"key": "g", "value": 1, "timestamp": 1}]}
    said = house.refused("runs/log-batch", {"run_id": run, **good, **batch})
    assert said["error_code"] == "INVALID_PARAMETER_VALUE"
    assert words in said["message"]
    assert house.run(run)["data"].keys() == {"tags"}


def test_a_conflicting_param_stops_the_batch(house, run):
    """A batch that changes a param writes neither its metrics nor its tags."""
    house.done("runs/log-parameter", {"run_id": run, "key": "p", "value": "1"})
    batch = {
        "params": [{"key": "p", "value": "2"}],
        "metrics": [{"key": "m", "value": 1, "timestamp": 1}],
        "tags": [{"key": "t", "value": "1"}],
    }
    house.refused("runs/log-batch", {"run_id": run, **batch})
    assert house.metrics(run) == {}
    assert house.tags(run).keys() == {"mlflow.runName"}


def test_history_is_in_order_of_time(house, run):
    """Histories are ordered by timestamp, step and value, NaN before numbers."""
    for value, at, step in [(3, 2, 1), ("NaN", 1, 1), (1, 1, 2), (2, 1, 1), (5, 0, 9)]:
        point = {"key": "m", "value": value, "timestamp": at, "step": step}
        house.done("runs/log-metric", {"run_id": run, **point})
    assert history(house, run, "m") == [(5.0, 0, 9), ("NaN", 1, 1), (2.0, 1, 1), (1.0, 1, 2), (3.0, 2, 1)]


def test_what_was_never_logged_has_no_history(house, run):
    """A run or metric that does not exist has an empty history, which clients take for no error."""
    for ref in ({"run_id": run, "metric_key": "nothing"}, {"run_id": "0" * 32, "metric_key": "m"}):
        assert house.seen("metrics/get-history", ref) == {}


def test_history_is_paged(house, run):
    """Pages of a history follow each other without gap or repetition; the last exact page has no token."""
    metrics = [{"key": "m", "value": n / 3, "timestamp": n, "step": n} for n in range(10)]
    house.done("runs/log-batch", {"run_id": run, "metrics": metrics})
    ref = {"run_id": run, "metric_key": "m", "max_results": 5}
    first = house.seen("metrics/get-history", ref)
    second = house.seen("metrics/get-history", {**ref, "page_token": first["next_page_token"]})
    assert "next_page_token" not in second
    assert [one["step"] for one in first["metrics"] + second["metrics"]] == list(range(10))
    assert "next_page_token" not in house.seen("metrics/get-history", {"run_id": run, "metric_key": "m"})


@pytest.mark.parametrize("token", ["junk", "e30=", "WyJtIiwgIngiLCAxLCAxXQ==", "ÿ", "W10=", "A" * 100_000])
def test_a_token_that_was_edited_is_refused(house, run, token):
    """A history's token that is none is a 400 that names it."""
    asked = {"run_id": run, "metric_key": "m", "page_token": token}
    assert house.refused("metrics/get-history", None, method="GET", query=asked)["field"] == "page_token"


def test_a_history_of_100_000_points_stays_below_4_mb(house, run):
    """Every page of a long history stays below 4 MB, asked for or not, and all points come in order."""
    for start in range(0, 100_000, 1000):
        metrics = [
            {"key": "loss", "value": 1 / (n + 1), "timestamp": 1_700_000_000_000 + n, "step": n}
            for n in range(start, start + 1000)
        ]
        house.done("runs/log-batch", {"run_id": run, "metrics": metrics})
    steps, token = [], None
    while True:
        ref = {"run_id": run, "metric_key": "loss", **({"page_token": token} if token else {})}
        answer = house.get("metrics/get-history", ref)
        assert len(answer.body) < 4_000_000
        steps += [one["step"] for one in answer.json["metrics"]]
        token = answer.json.get("next_page_token")
        if token is None:
            break
    assert steps == list(range(100_000))


def test_histories_come_in_bulk(house, experiment, run):
    """Several runs' histories come run by run; what does not exist is left out."""
    other = house.new_run(experiment)
    for which in (run, other):
        metrics = [{"key": "m", "value": n, "timestamp": n, "step": n} for n in range(3)]
        house.done("runs/log-batch", {"run_id": which, "metrics": metrics})
    path = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
    asked = {"run_id": [run, other, "0" * 32], "metric_key": "m"}
    found = house.seen(path, asked)["metrics"]
    assert [(one["run_id"], one["step"]) for one in found] == [
        (which, n) for which in sorted([run, other]) for n in range(3)
    ]
    assert len(house.seen(path, {**asked, "max_results": 4})["metrics"]) == 4
    assert house.get(path, {"metric_key": "m"}).status == 400
    assert house.get(path, {"run_id": [run]}).status == 400
    assert house.get(path, {"run_id": [run] * 101, "metric_key": "m"}).status == 400


def test_a_sample_keeps_both_ends(house, run):
    """A sampled history has at most as many points as asked for, the first and the last among them."""
    metrics = [{"key": "m", "value": n, "timestamp": n, "step": n} for n in range(100)]
    house.done("runs/log-batch", {"run_id": run, "metrics": metrics})
    path = "metrics/get-history-bulk-interval"

    def steps(**asked):
        found = house.seen(path, {"run_ids": [run, "0" * 32], "metric_key": "m", **asked})
        return [one["step"] for one in found.get("metrics", [])]

    assert steps() == list(range(100))
    few = steps(max_results=10)
    assert (len(few) <= 10, few[0], few[-1], few == sorted(few)) == (True, 0, 99, True)
    assert steps(max_results=1) == [99]
    assert steps(start_step=10, end_step=12) == [10, 11, 12]


def test_a_sample_of_one_step_stays_small(house, run):
    """Many values at one step are sampled too, instead of being sent all."""
    metrics = [{"key": "m", "value": n, "timestamp": n, "step": 0} for n in range(500)]
    house.done("runs/log-batch", {"run_id": run, "metrics": metrics})
    asked = {"run_ids": [run], "metric_key": "m", "max_results": 20}
    assert len(house.seen("metrics/get-history-bulk-interval", asked)["metrics"]) == 20


def test_a_sample_of_many_runs_fits_into_one_answer(house, experiment):
    """A hundred runs with long histories and a long key are all in the answer, each with both ends."""
    key, steps = "ä" * 250, range(1000)
    metrics = [{"key": key, "value": n / 7, "timestamp": 2**53 + n, "step": n} for n in steps]
    runs = [house.new_run(experiment) for _ in range(20)]
    for run in runs:
        house.done("runs/log-batch", {"run_id": run, "metrics": metrics})
    asked = {"run_ids": runs * 5, "metric_key": key}
    answer = house.get("metrics/get-history-bulk-interval", asked)
    assert len(answer.body) < 4_000_000
    ends = {(one["run_id"], one["step"]) for one in answer.json["metrics"] if one["step"] in {0, 999}}
    assert ends == {(run, step) for run in runs for step in (0, 999)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"metric_key": None},
        {"run_ids": []},
        {"run_ids": ["0" * 32] * 101},
        {"max_results": 0},
        {"max_results": 2501},
        {"start_step": 1},
        {"end_step": 1},
        {"start_step": 2, "end_step": 1},
        {"start_step": "x", "end_step": 1},
        {"start_step": 1.5, "end_step": 2},
    ],
)
def test_a_sample_is_asked_for_properly(house, run, wrong):
    """Bad arguments of a sampled history are a 400."""
    asked = {"run_ids": [run], "metric_key": "m", **wrong}
    query = {name: value for name, value in asked.items() if value is not None}
    assert house.get("metrics/get-history-bulk-interval", query).status == 400


def test_metrics_of_a_model_are_kept_with_it(house, experiment, run):
    """A metric that names a logged model is logged to the run and to the model, with its dataset."""
    model = house.new_model(experiment)
    point = {"key": "m", "value": "NaN", "timestamp": 1, "step": 2, "model_id": model}
    house.done("runs/log-metric", {"run_id": run, **point, "dataset_name": "d", "dataset_digest": "1"})
    house.done("runs/log-batch", {"run_id": run, "metrics": [{**point, "key": "b", "run_id": run}]})
    assert house.metrics(run) == {"m": "NaN", "b": "NaN"}
    found = house.seen(f"logged-models/{model}", None)["model"]["data"]["metrics"]
    expected = {"value": "NaN", "timestamp": 1, "step": 2, "model_id": model, "run_id": run}
    on_dataset = {"dataset_name": "d", "dataset_digest": "1"}
    assert {one["key"]: one for one in found} == {
        "m": expected | {"key": "m"} | on_dataset,
        "b": expected | {"key": "b"},
    }


def test_a_model_that_does_not_exist_stops_the_metric(house, run):
    """Nothing is logged to the run when the model that a metric names does not exist."""
    point = {"key": "m", "value": 1, "timestamp": 1, "model_id": "m-" + "0" * 32}
    house.refused("runs/log-metric", {"run_id": run, **point}, 404)
    assert house.metrics(run) == {}
