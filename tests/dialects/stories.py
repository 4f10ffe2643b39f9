"""The same requests for the house and for a stock MLflow server, in the order in which they are sent.

`$E`, `$R` and the like stand for ids that an earlier answer gave. A step that says why it differs must do so.
"""

from typing import Any, NamedTuple

TIME = 1_700_000_000_000


class Step(NamedTuple):
    """One request.

    Attributes:
        method: its HTTP method.
        path: below `/api/2.0/mlflow/`, with the query.
        body: its JSON.
        keep: under which name an id of the answer is kept, and the path to it.
        differs: why the house answers otherwise than MLflow 3.18 does.
    """

    method: str
    path: str
    body: Any = None
    keep: tuple[str, str] | None = None
    differs: str = ""


def get(path, differs=""):
    """A GET."""
    return Step("GET", path, None, None, differs)


def post(path, body, keep=None, differs="", method="POST"):
    """A POST."""
    return Step(method, path, body, keep, differs)


NEW = post("experiments/create", {"name": "$NAME"}, ("E", "experiment_id"))
RUN = post(
    "runs/create",
    {"experiment_id": "$E", "user_id": "me", "start_time": TIME, "run_name": "r"},
    ("R", "run.info.run_id"),
)
READ = get("runs/get?run_id=$R")
ZERO = "MLflow takes what it cannot read for 0 and drops the rest of the request"
FAILS = "MLflow fails with 500"

EXPERIMENTS = [
    post(
        "experiments/create", {"name": "$NAME", "tags": [{"key": "a", "value": "b"}]}, ("E", "experiment_id")
    ),
    post("experiments/create", {"name": "$NAME"}),
    post("experiments/create", {}),
    post("experiments/create", {"name": 123}),
    post("experiments/create", {"name": "  "}),
    post("experiments/create", {"name": "n" * 501}),
    post("experiments/create", [1], differs=FAILS),
    get("experiments/get?experiment_id=$E"),
    get("experiments/get?experiment_id=999999"),
    get("experiments/get?experiment_id=abc"),
    get("experiments/get"),
    get("experiments/get-by-name?experiment_name=$NAME"),
    get("experiments/get-by-name?experiment_name=nobody"),
    get("experiments/get-by-name"),
    post("experiments/set-experiment-tag", {"experiment_id": "$E", "key": "k", "value": "v"}),
    post("experiments/set-experiment-tag", {"experiment_id": "$E", "key": "", "value": "v"}),
    post("experiments/set-experiment-tag", {"experiment_id": "$E", "key": "../x", "value": "v"}),
    post("experiments/set-experiment-tag", {"experiment_id": "$E", "key": "empty"}),
    post("experiments/delete-experiment-tag", {"experiment_id": "$E", "key": "k"}),
    post("experiments/delete-experiment-tag", {"experiment_id": "$E", "key": "k"}),
    post("experiments/update", {"experiment_id": "$E", "new_name": "$NAME renamed"}),
    post("experiments/update", {"experiment_id": "$E"}),
    post("experiments/search", {"max_results": 10, "filter": "name = '$NAME renamed'"}),
    post("experiments/search", {"max_results": "10", "filter": "name = '$NAME renamed'", "view_type": 3}),
    post("experiments/search", {"max_results": 10, "filter": "name = '$NAME renamed'", "view_type": "BOGUS"}),
    get("experiments/search?max_results=10&filter=name%20%3D%20%27$NAME%20renamed%27"),
    post("experiments/search", {"filter": "name = 'x'"}),
    post("experiments/search", {"max_results": 0}),
    post("experiments/search", {"max_results": 50_001}),
    post("experiments/search", {"max_results": 10, "filter": "nope = 1"}),
    post("experiments/search", {"max_results": 10, "page_token": "junk"}),
    post(
        "experiments/search",
        {"max_results": 10, "filter": "name = '$NAME renamed' and"},
        differs="MLflow ignores a filter's loose end",
    ),
    RUN,
    post("experiments/delete", {"experiment_id": "$E"}),
    post("experiments/delete", {"experiment_id": "$E"}),
    get("experiments/get?experiment_id=$E"),
    READ,
    post("runs/create", {"experiment_id": "$E", "start_time": 1}),
    post("experiments/create", {"name": "$NAME renamed"}),
    post("experiments/update", {"experiment_id": "$E", "new_name": "x"}, differs=FAILS),
    post("experiments/restore", {"experiment_id": "$E"}),
    post("experiments/restore", {"experiment_id": "$E"}),
    READ,
]

RUNS = [
    NEW,
    RUN,
    post(
        "runs/create",
        {"experiment_id": "$E", "start_time": str(TIME), "run_name": "as text"},
        ("S", "run.info.run_id"),
    ),
    post(
        "runs/create",
        {"experiment_id": "$E", "start_time": float(TIME), "run_name": "as float"},
        ("T", "run.info.run_id"),
    ),
    post("runs/create", {"experiment_id": "$E", "start_time": "x"}),
    post("runs/create", {"experiment_id": "$E", "start_time": "1.5"}),
    post("runs/create", {"experiment_id": "$E", "start_time": 1.5}, differs=ZERO),
    post("runs/create", {"experiment_id": "$E", "start_time": True}, differs=ZERO),
    post("runs/create", {"experiment_id": "$E", "start_time": 2**63}, differs=ZERO),
    post("runs/create", {"experiment_id": "$E", "start_time": -1}, differs="no run begins before 1970"),
    post("runs/create", {"experiment_id": "$E", "start_time": []}, differs=FAILS),
    post("runs/create", {"experiment_id": "$E", "tags": "x"}, differs=ZERO),
    post("runs/create", {"experiment_id": "$E", "tags": [{"value": "x"}]}, differs="a tag has a key"),
    post("runs/create", {"experiment_id": "abc"}),
    post("runs/create", {"experiment_id": "98765"}),
    post("runs/create", {"experiment_id": 5}),
    post("runs/create", {"experiment_id": "$E", "run_name": 5}),
    post(
        "runs/create",
        {"experiment_id": "$E", "run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}]},
    ),
    READ,
    get("runs/get?run_uuid=$R"),
    get("runs/get?run_id=nope"),
    get("runs/get"),
    post("runs/update", {"run_id": "$R", "status": "FINISHED", "end_time": TIME + 1}),
    post("runs/update", {"run_id": "$R", "status": 4}),
    post("runs/update", {"run_id": "$R", "run_name": "renamed"}),
    post(
        "runs/update", {"run_id": "$R", "status": "BOGUS"}, differs="MLflow drops a status it does not know"
    ),
    post("runs/update", {"run_id": "$R", "end_time": "x"}),
    post("runs/update", {"run_id": "$R", "end_time": 1.5}, differs=ZERO),
    post("runs/update", {}),
    post("runs/log-parameter", {"run_id": "$R", "key": "p", "value": "1"}),
    post("runs/log-parameter", {"run_id": "$R", "key": "p", "value": "1"}),
    post("runs/log-parameter", {"run_id": "$R", "key": "p", "value": "2"}),
    post("runs/log-parameter", {"run_id": "$R", "key": "long", "value": "x" * 6100}),
    post("runs/log-parameter", {"run_id": "$R", "key": "empty"}),
    post("runs/log-parameter", {"run_id": "$R", "key": "p4", "value": 5}),
    post("runs/log-parameter", {"run_uuid": "$R", "key": "p5", "value": "5"}),
    post("runs/log-parameter", {"run_id": "$R", "key": "a//b", "value": "5"}),
    post("runs/log-parameter", {"run_id": "$R", "key": "a#b", "value": "5"}),
    post("runs/log-parameter", {"run_id": "$R", "key": "k" * 251, "value": "5"}),
    post("runs/log-parameter", {"run_id": "$R"}),
    post("runs/set-tag", {"run_id": "$R", "key": "long", "value": "y" * 8100}),
    post("runs/set-tag", {"run_id": "$R", "key": "mlflow.runName", "value": "by tag"}),
    post("runs/set-tag", {"run_id": "$R", "key": "t", "value": ""}),
    post("runs/delete-tag", {"run_id": "$R", "key": "t"}),
    post("runs/delete-tag", {"run_id": "$R", "key": "t"}),
    READ,
    post("runs/delete", {"run_id": "$R"}),
    post("runs/delete", {"run_id": "$R"}),
    READ,
    post("runs/set-tag", {"run_id": "$R", "key": "x", "value": "1"}),
    post("runs/log-batch", {"run_id": "$R", "metrics": [{"key": "b", "value": 1, "timestamp": 1}]}),
    post("runs/log-metric", {"run_id": "$R", "key": "b", "value": 1, "timestamp": 1}),
    post("runs/update", {"run_id": "$R", "status": "FINISHED"}),
    post("runs/search", {"experiment_ids": ["$E"], "run_view_type": "DELETED_ONLY"}),
    post("runs/restore", {"run_id": "$R"}),
    post("runs/restore", {"run_id": "$R"}),
    READ,
    post("runs/delete-tag", {"run_id": "$R", "key": "mlflow.runName"}, differs="a run always has its name"),
]

METRICS = [
    NEW,
    RUN,
    *(
        post("runs/log-metric", {"run_id": "$R", "key": "v", "value": value, "timestamp": 1})
        for value in (1, 1.5, "0.5", "NaN", "abc", None, "", "1e308", 2**70)
    ),
    *(
        post("runs/log-metric", {"run_id": "$R", "key": "ts", "value": 1, "timestamp": at})
        for at in (1, "1", 1.0, "1.5", -1, None, "x")
    ),
    *(
        post("runs/log-metric", {"run_id": "$R", "key": "st", "value": 1, "timestamp": 1, "step": step})
        for step in (1, "1", 1.0, "1.5", -1, None, "x")
    ),
    post("runs/log-metric", {"run_id": "nope", "key": "q", "value": 1, "timestamp": 1}),
    post("runs/log-metric", {"run_id": "$R", "value": 1, "timestamp": 1}),
    *(get(f"metrics/get-history?run_id=$R&metric_key={key}") for key in ("v", "ts", "st", "nothing")),
    get("metrics/get-history?run_id=nope&metric_key=v"),
    get("metrics/get-history?run_id=$R"),
    get("metrics/get-history?run_id=$R&metric_key=v&max_results=0"),
    get("metrics/get-history?run_id=$R&metric_key=v&max_results=2"),
    get("metrics/get-history?run_id=$R&metric_key=v&max_results=2&page_token=junk"),
    post(
        "runs/log-batch",
        {
            "run_id": "$R",
            "metrics": [{"key": "b", "value": n, "timestamp": n, "step": n} for n in range(5)],
            "params": [{"key": "bp", "value": "1"}],
            "tags": [{"key": "bt", "value": "1"}],
        },
    ),
    post("runs/log-batch", {"run_id": "$R"}),
    post("runs/log-batch", {"run_id": "$R", "metrics": [{"key": "b", "value": 1, "timestamp": 1}] * 1001}),
    post("runs/log-batch", {"run_id": "$R", "params": [{"key": f"z{n}", "value": "1"} for n in range(101)]}),
    post("runs/log-batch", {"run_id": "$R", "params": [{"key": "d", "value": "1"}] * 2}),
    post("runs/log-batch", {"run_id": "$R", "params": [{"key": "bp", "value": "other"}]}),
    post("runs/log-batch", {"run_id": "$R", "metrics": [{"value": 1, "timestamp": 1}]}),
    post("runs/log-batch", {"run_id": "$R", "metrics": [{"key": "a", "timestamp": 1}]}),
    post("runs/log-batch", {"run_id": "$R", "metrics": [{"key": "a", "value": 1}]}),
    post("runs/log-batch", {"run_id": "$R", "metrics": "x"}),
    post("runs/log-batch", {"run_id": "$R", "metrics": [1]}, differs=FAILS),
    post("runs/log-batch", {"run_id": "$R", "metrics": None}, differs=FAILS),
    post("runs/log-batch", {"run_id": "!!", "metrics": []}, differs="an id that cannot be one is a 404"),
    post("runs/log-batch", {"metrics": []}),
    READ,
    get("/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id=$R&metric_key=b"),
    get("/ajax-api/2.0/mlflow/metrics/get-history-bulk?metric_key=b"),
    get("/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id=$R"),
    get("metrics/get-history-bulk-interval?run_ids=$R&metric_key=b"),
    get("metrics/get-history-bulk-interval?run_ids=$R&metric_key=b&start_step=1&end_step=3"),
    get("metrics/get-history-bulk-interval?run_ids=$R&metric_key=b&start_step=3"),
    get("metrics/get-history-bulk-interval?run_ids=$R&metric_key=b&start_step=3&end_step=1"),
    get("metrics/get-history-bulk-interval?run_ids=$R&metric_key=b&max_results=0"),
    get("metrics/get-history-bulk-interval?run_ids=$R&metric_key=b&max_results=2501"),
    get("metrics/get-history-bulk-interval?metric_key=b"),
    get("metrics/get-history-bulk-interval?run_ids=nope&metric_key=b"),
    *(
        post("runs/log-metric", {"run_id": "$R", "key": "z", "value": value, "timestamp": 1}, differs=why)
        for value, why in (("1e400", "infinity was not sent"), (True, ZERO), ([], FAILS), (10**400, FAILS))
    ),
    *(
        post("runs/log-metric", {"run_id": "$R", "key": "z", "value": 1, "timestamp": at}, differs=ZERO)
        for at in (1.5, 2**63, True)
    ),
    *(
        post(
            "runs/log-metric",
            {"run_id": "$R", "key": "z", "value": 1, "timestamp": 1, "step": step},
            differs=ZERO,
        )
        for step in (1.5, 2**63, True)
    ),
    post("runs/log-metric", {"run_id": "$R", "key": "inf", "value": "Infinity", "timestamp": 1}),
    get("metrics/get-history?run_id=$R&metric_key=inf", differs="MLflow turns infinity into 1.797e308"),
]

_SET = {"name": "d", "digest": "1", "source_type": "local", "source": "{}", "schema": "{}", "profile": "{}"}
_TRAIN = {"dataset": _SET, "tags": [{"key": "mlflow.data.context", "value": "train"}]}
_ON = {"model_id": "$M", "dataset_name": "d", "dataset_digest": "1"}
_MODEL = {
    "experiment_id": "$E",
    "name": "m",
    "model_type": "t",
    "source_run_id": "$R",
    "params": [{"key": "a", "value": "1"}],
    "tags": [{"key": "a", "value": "1"}],
}
_READY = {"model_id": "$M", "status": "LOGGED_MODEL_READY"}
_METRIC = {"key": "b", "value": 0.5, "timestamp": 1, "step": 2, **_ON, "run_id": "$R"}

MODELS = [
    NEW,
    RUN,
    post("runs/log-inputs", {"run_id": "$R", "datasets": [_TRAIN, _TRAIN]}),
    post("runs/log-inputs", {"run_id": "$R"}),
    post("runs/log-inputs", {"run_id": "$R", "datasets": [{"dataset": _SET | {"digest": "y" * 37}}]}),
    post("/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": ["$E"]}),
    post("/ajax-api/2.0/mlflow/experiments/search-datasets", {}),
    post("/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": [str(n) for n in range(21)]}),
    post("logged-models", _MODEL, ("M", "model.info.model_id")),
    post("logged-models", {"experiment_id": "$E", "name": "a/b"}),
    post("logged-models", {"name": "a"}),
    get("logged-models/$M"),
    get("logged-models/nope"),
    post("logged-models/$M", _READY, method="PATCH"),
    post("logged-models/$M", {"model_id": "$M"}, method="PATCH"),
    post("logged-models/$M/tags", {"tags": [{"key": "b", "value": "2"}]}, method="PATCH"),
    Step("DELETE", "logged-models/$M/tags/b"),
    Step("DELETE", "logged-models/$M/tags/b"),
    post("logged-models/$M/params", {"model_id": "$M", "params": [{"key": "c", "value": "2"}]}),
    post("runs/outputs", {"run_id": "$R", "models": [{"model_id": "$M", "step": 1}]}),
    post("runs/outputs", {"run_id": "$R"}),
    post("runs/log-inputs", {"run_id": "$R", "models": [{"model_id": "$M"}]}),
    post("runs/log-metric", {"run_id": "$R", "key": "m", "value": 0.5, "timestamp": 1, "step": 2, **_ON}),
    post("runs/log-batch", {"run_id": "$R", "metrics": [_METRIC]}),
    READ,
    get("logged-models/$M"),
    post("logged-models/search", {"experiment_ids": ["$E"]}),
    post("logged-models/search", {"experiment_ids": ["$E"], "filter": "name = 'm' AND metrics.m > 0.1"}),
    post("logged-models/search", {"experiment_ids": ["$E"], "filter": "nope"}),
    post("logged-models/search", {}),
    post("logged-models/search", {"experiment_ids": ["$E"], "datasets": [{}]}),
    post("logged-models/search", {"experiment_ids": ["$E"], "order_by": [{"field_name": "nope"}]}),
    post(
        "runs/log-model",
        {
            "run_id": "$R",
            "model_json": '{"artifact_path":"m","flavors":{},"utc_time_created":"t","run_id":"r"}',
        },
    ),
    post("runs/log-model", {"run_id": "$R", "model_json": "nope"}),
    post("runs/log-model", {"run_id": "$R", "model_json": "{}"}),
    post("runs/log-model", {"run_id": "$R"}),
    Step("DELETE", "logged-models/$M"),
    Step("DELETE", "logged-models/$M"),
    get("logged-models/$M"),
    get("logged-models/$M?allow_deleted=true"),
    post("logged-models/search", {"experiment_ids": ["$E"]}),
    post("runs/log-inputs", {"run_id": "$R", "datasets": [{}]}, differs=ZERO),
    post("runs/log-inputs", {"run_id": "$R", "datasets": [{"dataset": {"name": "d"}}]}, differs=ZERO),
]

SEARCHES = [
    NEW,
    RUN,
    *(
        post(
            "runs/log-metric", {"run_id": "$R", "key": "m", "value": value, "timestamp": value, "step": value}
        )
        for value in (3, 1, 2)
    ),
    post("runs/log-parameter", {"run_id": "$R", "key": "p", "value": "1"}),
    post(
        "runs/create",
        {"experiment_id": "$E", "start_time": TIME + 1, "run_name": "later"},
        ("S", "run.info.run_id"),
    ),
    post("runs/search", {"experiment_ids": ["$E"]}),
    post("runs/search", {"experiment_ids": ["$E"], "max_results": 1}),
    post("runs/search", {"experiment_ids": ["$E"], "filter": "metrics.m > 1 and params.p = '1'"}),
    post("runs/search", {"experiment_ids": ["$E"], "order_by": ["metrics.m DESC"]}),
    post("runs/search", {"experiment_ids": ["$E"], "order_by": ["attributes.start_time ASC"]}),
    post("runs/search", {"experiment_ids": ["$E"], "run_view_type": "BOGUS"}),
    post("runs/search", {"experiment_ids": ["$E"], "max_results": 0}),
    post("runs/search", {"experiment_ids": ["$E"], "max_results": 50_001}),
    post("runs/search", {"experiment_ids": ["$E"], "filter": "metrics.b > 'x'"}),
    post("runs/search", {"experiment_ids": ["$E"], "filter": "((("}),
    post("runs/search", {"experiment_ids": ["$E"], "page_token": "junk"}),
    post("runs/search", {"experiment_ids": ["abc"]}),
    post("runs/search", {"experiment_ids": "$E"}),
    post("runs/search", {"experiment_ids": ["99999"]}),
    post("runs/search", {}),
    post("runs/search", {"experiment_ids": ["$E"], "order_by": "x"}),
    post("runs/search", {"experiment_ids": ["$E"], "order_by": ["nope.x"]}),
    post("runs/search", {"experiment_ids": [5]}, differs=ZERO),
]

STORIES = {
    "experiments": EXPERIMENTS,
    "runs": RUNS,
    "metrics": METRICS,
    "models": MODELS,
    "searches": SEARCHES,
}
