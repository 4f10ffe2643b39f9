"""MLflow's endpoints of metrics: logging them, alone and in batches, and reading their histories."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from functions.access.principal import Principal
from functions.errors import NotFound, Unacceptable
from functions.logged_models import service as logged_models
from functions.logged_models.service import ModelMetric
from functions.metrics import service
from functions.mlflow.asks import INT64_MAX, INT64_MIN, Ask, Fields
from functions.mlflow.errors import invalid
from functions.mlflow.runs import PARAM_CHARS, TAG_CHARS, cut
from functions.mlflow.shapes import ANSWER_BYTES, Answer, Route, lean, number, page_of

Point = tuple[str, float, int, int]

_MOST_METRICS, _MOST_TEXTS, _MOST_ENTITIES = 1000, 100, 1000
_BULK_RUNS, _BULK_POINTS, _INTERVAL_POINTS = 100, 25_000, 2500
# More points than one answer carries, at 75 bytes of JSON each and more.
_HISTORY_POINTS = 50_000
# The most that a point takes in JSON, with its run, beside its key.
_POINT_BYTES = 175

_Text = Annotated[str, Meta(min_length=1)]


class _Metric(Struct, gc=False):
    key: _Text
    value: float
    timestamp: Annotated[int, Meta(ge=0, le=INT64_MAX)]
    step: Annotated[int, Meta(ge=INT64_MIN, le=INT64_MAX)] = 0
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class _Pair(Struct, gc=False):
    key: _Text
    value: str = ""


class _Batch(Struct):
    run_id: _Text
    metrics: list[_Metric] = []
    params: list[_Pair] = []
    tags: list[_Pair] = []


# Takes what `Fields` takes, in one pass in C. What it refuses is read again by `Fields`, which says why.
_decode = msgspec.json.Decoder(_Batch, strict=False).decode


def log_metric(who: Principal, ask: Ask) -> Answer:
    """POST runs/log-metric."""
    run_id, metric = ask.run_id(), _metric(ask)
    _log(who, run_id, [metric], {}, {})
    return {}


def log_batch(who: Principal, ask: Ask) -> Answer:
    """POST runs/log-batch: all of it is checked before anything is written."""
    ask.check_content_type()
    batch = _read(ask)
    _check_sizes(batch)
    names = [one.key for one in batch.params]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        message = (
            f"Duplicate parameter keys have been submitted: {twice}. Please ensure the request contains"
            " only one param value per param key."
        )
        raise Unacceptable(message, field="params")
    params = cut([(one.key, one.value) for one in batch.params], PARAM_CHARS)
    tags = cut([(one.key, one.value) for one in batch.tags], TAG_CHARS)
    _log(who, batch.run_id, batch.metrics, params, tags)
    return {}


def history(who: Principal, ask: Ask) -> Answer:
    """GET metrics/get-history; a run or metric that does not exist has no points, which is no error."""
    run_id, key = ask.run_id(), ask.need("metric_key")
    most = ask.page_size(_HISTORY_POINTS, INT64_MAX)
    after = _from_token(ask.page_token())
    try:
        points, more = service.history(who, run_id, key, after=after, limit=min(most, _HISTORY_POINTS))
    except NotFound:
        return {}
    rows, whole = page_of(_shown(point) for point in points)
    return lean(metrics=rows, next_page_token=None if whole and not more else _token(points[len(rows) - 1]))


def history_bulk(who: Principal, ask: Ask) -> Answer:
    """GET metrics/get-history-bulk: one metric in several runs, as much as one answer carries."""
    runs = _several(ask, "run_id", "GetMetricHistoryBulk")
    key = ask.text("metric_key")
    if key is None:
        message = "GetMetricHistoryBulk request must specify a metric_key."
        raise Unacceptable(message, field="metric_key")
    room = min(ask.page_size(_BULK_POINTS, INT64_MAX), _BULK_POINTS)
    rows: list[dict[str, Any]] = []
    for run_id in sorted(set(runs)):
        if len(rows) >= room:
            break
        try:
            points, _ = service.history(who, run_id, key, after=None, limit=room - len(rows))
        except NotFound:
            continue
        rows += [_shown(point) | {"run_id": run_id} for point in points]
    return {"metrics": page_of(rows)[0]}


def history_interval(who: Principal, ask: Ask) -> Answer:
    """GET metrics/get-history-bulk-interval: a sample of each run's history, between two steps if asked.

    Many runs get a coarser sample each, so that all of them fit into one answer.
    """
    runs = _several(ask, "run_ids", "GetMetricHistoryBulkInterval")
    key = ask.need("metric_key")
    start, end = ask.whole("start_step"), ask.whole("end_step")
    if (start is None) != (end is None):
        message = "If either start step or end step are specified, both must be specified."
        raise Unacceptable(message, field="start_step")
    if start is not None and end is not None and start > end:
        message = f"end_step must be greater than start_step. Found start_step={start} and end_step={end}."
        raise Unacceptable(message, field="end_step")
    most = ask.whole("max_results", 1, _INTERVAL_POINTS) or _INTERVAL_POINTS
    most = min(most, ANSWER_BYTES // (_POINT_BYTES + len(key.encode())) // len(runs))
    steps = None if start is None or end is None else (start, end)
    rows: list[dict[str, Any]] = []
    for run_id in runs:
        try:
            found = service.interval(who, [run_id], key, steps=steps, most=most)
        except NotFound:
            continue
        rows += [_shown(point) | {"run_id": run_id} for _, point in _thinned(found, most)]
    return lean(metrics=rows)


def _thinned(found: Sequence[tuple[str, Point]], most: int) -> Sequence[tuple[str, Point]]:
    """At most *most* of them, evenly chosen: the last one, and the first where there is room for two."""
    if len(found) <= most:
        return found
    last = len(found) - 1
    return [found[last - place * last // max(1, most - 1)] for place in reversed(range(most))]


def _log(
    who: Principal, run_id: str, metrics: Sequence[_Metric], params: dict[str, str], tags: dict[str, str]
) -> None:
    by_model: dict[str, list[ModelMetric]] = {}
    for one in metrics:
        if one.model_id:
            by_model.setdefault(one.model_id, []).append(
                ModelMetric(
                    one.key, one.value, one.timestamp, one.step, one.dataset_name, one.dataset_digest, run_id
                )
            )
    # Before anything is written: a model that does not exist must not leave the run with half of the call.
    for model_id in by_model:
        logged_models.get(who, model_id)
    points: list[Point] = [(one.key, one.value, one.timestamp, one.step) for one in metrics]
    service.log_batch(who, run_id, points=points, params=params, tags=tags)
    if by_model:
        logged_models.log_metrics(who, by_model)


def _read(ask: Ask) -> _Batch:
    try:
        return _decode(ask.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Batch(
            ask.run_id(),
            [_metric(one) for one in ask.objects("metrics")],
            [_Pair(*pair) for pair in ask.pairs("params")],
            [_Pair(*pair) for pair in ask.pairs("tags")],
        )


def _metric(asked: Fields) -> _Metric:
    return _Metric(
        asked.need("key"),
        asked.need_number("value"),
        asked.need_whole("timestamp", 0),
        asked.whole("step") or 0,
        asked.text("model_id"),
        asked.text("dataset_name"),
        asked.text("dataset_digest"),
    )


def _check_sizes(batch: _Batch) -> None:
    metrics, params, tags = len(batch.metrics), len(batch.params), len(batch.tags)
    for name, size, most in (
        ("metrics", metrics, _MOST_METRICS),
        ("params", params, _MOST_TEXTS),
        ("tags", tags, _MOST_TEXTS),
        ("metrics, params, and tags", metrics + params + tags, _MOST_ENTITIES),
    ):
        if size > most:
            message = (
                f"A batch logging request can contain at most {most} {name}. Got {size} {name}."
                f" Please split up {name} across multiple requests and try again."
            )
            raise Unacceptable(message, field=name.split(",", maxsplit=1)[0])


def _several(ask: Ask, name: str, request: str) -> list[str]:
    runs = ask.texts(name)
    if not runs:
        what = f"{request} request must specify at least one {name}."
        message = f"Missing value for required parameter '{name}': {what}"
        raise Unacceptable(message, field=name)
    if len(runs) > _BULK_RUNS:
        most = f"{request} request cannot specify more than {_BULK_RUNS} run_ids."
        message = f"{most} Received {len(runs)} run_ids."
        raise Unacceptable(message, field=name)
    return runs


def _shown(point: Point) -> dict[str, Any]:
    key, value, timestamp, step = point
    return {"key": key, "value": number(value), "timestamp": timestamp, "step": step}


def _token(after: Iterable[Any]) -> str:
    """Where a page ended, as text that clients need not understand; the value is hexadecimal, hence exact."""
    plain = [one.hex() if isinstance(one, float) else one for one in after]
    return base64.urlsafe_b64encode(msgspec.json.encode(plain)).decode()


def _from_token(token: str | None) -> Point | None:
    if token is None:
        return None
    try:
        plain = base64.b64decode(token, altchars=b"-_", validate=True)
        key, value, timestamp, step = msgspec.json.decode(plain, type=tuple[str, str, int, int])
        return key, float.fromhex(value), timestamp, step
    except (binascii.Error, msgspec.DecodeError, ValueError, OverflowError):
        raise invalid("page_token", token, "a token of the page before") from None


ROUTES: tuple[Route, ...] = (
    Route("POST", "runs/log-batch", log_batch, writes=True),
    Route("POST", "runs/log-metric", log_metric, writes=True),
    Route("GET", "metrics/get-history", history),
    Route("GET", "metrics/get-history-bulk", history_bulk),
    Route("GET", "metrics/get-history-bulk-interval", history_interval),
)
