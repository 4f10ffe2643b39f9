"""The verbs of metrics: log them, read their history and their lines."""

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from functions import limits, table
from functions.access.grants import grant
from functions.access.policy import Action
from functions.access.principal import Principal
from functions.errors import Unacceptable
from functions.ids import parse_run_id, shown
from functions.metrics import history as reading
from functions.metrics import items, upkeep
from functions.metrics.downsample import BUCKETS, Bucket, downsampled, unpack
from functions.metrics.history import erase
from functions.runs import service as runs
from functions.runs.content import Content, in_ranges
from functions.runs.limits import PARAM_CHARS, TAG_CHARS, check_texts, is_key
from functions.runs.merge import absorb
from functions.runs.points import Batch, Point, order
from functions.runs.service import Open, Stored, Writer, goals_of

__all__ = [
    "INT64",
    "RECORDS",
    "Records",
    "check_points",
    "erase",
    "history",
    "interval",
    "line",
    "log_batch",
    "log_records",
]

RECORDS = 10_000
INT64 = 2**63
_WRITER_DIGITS = frozenset("0123456789abcdef")


class Records(NamedTuple):
    """What an SDK writer sends in one call; every record has a sequence number, counted from `first` on.

    `points`, `params` and `tags` are (number, …) pairs.
    """

    writer: str
    first: int
    count: int  # type: ignore[assignment]  # hides the tuple method of that name
    points: Sequence[tuple[int, Point]]
    params: Sequence[tuple[int, str, str]]
    tags: Sequence[tuple[int, str, str]]


def log_batch(
    who: Principal,
    run_id: str,
    *,
    points: Sequence[Point] = (),
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Log points, params and tags: params and tags first, so that no metric stands without its parameters.

    A call that is repeated changes nothing more. Everything is checked before anything is written.

    Raises:
        NotFound: no such run in the team.
        Unacceptable: a bad key, value, timestamp or step, a param that has another value, a deleted run.
    """
    checked = check_texts(params or {}, PARAM_CHARS, "params"), check_texts(tags or {}, TAG_CHARS, "tags")
    check_points(points)
    opened, batch = runs.open_to_write(who, run_id), Batch(list(points))
    if points:
        runs.demand_room(opened, batch)
    opened = runs.amend_open(opened, *checked)
    if points:
        _append(opened, batch)


def log_records(who: Principal, run_id: str, records: Records) -> int:
    """Log an SDK writer's records exactly once, however often and in whatever pieces they are sent.

    Returns:
        The writer's high-water mark: every record up to this number has been received; -1 for none.

    Raises:
        Unacceptable: as `log_batch`, or a malformed writer or sequence.
    """
    _check_records(records)
    check_points([point for _, point in records.points])
    check_texts({key: value for _, key, value in records.params}, PARAM_CHARS, "params")
    check_texts({key: value for _, key, value in records.tags}, TAG_CHARS, "tags")
    opened = runs.open_to_write(who, run_id)
    had = _received(opened.stored, records.writer)
    params = [record for record in records.params if not in_ranges(had, record[0])]
    tags = [record for record in records.tags if not in_ranges(had, record[0])]
    points = [record for record in records.points if not in_ranges(had, record[0])]
    batch = Batch([point for _, point in points], records.writer, [number for number, _ in points])
    if points:
        runs.demand_room(opened, batch)
    if params or tags:
        texts = Writer(records.writer, [number for number, *_ in (*params, *tags)], tags)
        opened = runs.amend_open(opened, _agreeing(params), {}, texts)
    stored = opened.stored
    if points:
        stored = _append(opened, batch)
    ranges = _received(stored, records.writer)
    return ranges[1] if ranges and ranges[0] == 0 else -1


def history(
    who: Principal, run_id: str, key: str, *, after: Point | None = None, limit: int | None = None
) -> tuple[list[Point], bool]:
    """A metric's points by (timestamp, step, value), each once, and whether more follow.

    Args:
        who: the caller.
        run_id: the run.
        key: the metric; one that was never logged has no points.
        after: begin behind this point.
        limit: how many points at the most.

    Raises:
        NotFound: no such run in the team.
    """
    g, run = grant(who, Action.READ), parse_run_id(run_id)
    points = reading.of_metric(g, run, runs.read(g, run), key)
    if after is not None:
        behind = order(after)
        points = [point for point in points if order(point) > behind]
    return points[:limit], limit is not None and len(points) > limit


def interval(
    who: Principal, run_ids: Sequence[str], key: str, *, steps: tuple[int, int] | None, most: int
) -> list[tuple[str, Point]]:
    """Points of one metric in several runs at the same at most *most* steps, evenly chosen, ends included.

    Args:
        who: the caller.
        run_ids: the runs.
        key: the metric.
        steps: first and last step; None for all.
        most: how many different steps are chosen; each run's own first and last step come on top.
    """
    found = {run_id: history(who, run_id, key)[0] for run_id in run_ids}
    if steps is not None:
        found = {
            name: [point for point in points if steps[0] <= point[3] <= steps[1]]
            for name, points in found.items()
        }
    every = sorted({point[3] for points in found.values() for point in points})
    chosen = set(every)
    if len(every) > most:
        chosen = {every[round(place * (len(every) - 1) / max(1, most - 1))] for place in range(most)}
    for points in found.values():
        if points:
            chosen |= {min(point[3] for point in points), max(point[3] for point in points)}
    by_step = {
        name: sorted(points, key=lambda point: (point[3], *order(point))) for name, points in found.items()
    }
    return [(name, point) for name, points in by_step.items() for point in points if point[3] in chosen]


def line(who: Principal, run_id: str, key: str) -> list[Bucket]:
    """A metric as at most 1,000 buckets of last, min and max over its steps, with everything logged before.

    Raises:
        NotFound: no such run in the team.
    """
    g, run = grant(who, Action.READ), parse_run_id(run_id)
    points = reading.newest(g, run, runs.read(g, run), key)
    drawn = table.get(items.Line, items.line_key(g, run, key))
    if drawn is None:
        return downsampled([*points, *reading.in_segments(g, run, key)])
    points += reading.in_segments(g, run, key, after=int(drawn.until))
    return downsampled(points, unpack(drawn.d), BUCKETS) if points else unpack(drawn.d)


def check_points(points: Sequence[Point]) -> None:
    """Demand that every point is one.

    Raises:
        Unacceptable: naming the first one that is not, and why.
    """
    for position, (key, value, time, step) in enumerate(points):
        kinds = type(key) is str and type(value) is float and type(time) is type(step) is int
        if not (kinds and is_key(key) and 0 <= time < INT64 and -INT64 <= step < INT64):
            field = f"metrics[{position}]"
            limits.key(key, f"{field}.key")
            limits.float64(value, f"{field}.value")
            limits.int64(time, f"{field}.timestamp", least=0)
            limits.int64(step, f"{field}.step")


def _append(opened: Open, batch: Batch) -> Stored:
    stored = runs.append(opened, batch)
    if upkeep.is_long(stored) and _my_turn(len(stored.tails)):
        return upkeep.fold(opened.grant, opened.run, stored, goals_of(opened.experiment))
    return stored


def _my_turn(items_in_tail: int) -> bool:
    """Of several writers that see a long tail at once, about one folds it; a very long one all of them do."""
    over = items_in_tail - upkeep.TAIL_ITEMS
    return over <= 0 or over >= upkeep.TAIL_ITEMS or random.random() < 0.25


def _received(stored: Stored, writer: str) -> list[int]:
    """The writer's numbers that head and tail hold, as ranges."""
    content = Content(stored.blob)
    absorb(content, [(key, batch) for key, batch in stored.batches() if batch.writer == writer])
    return content.writers.get(writer, [])


def _agreeing(params: Sequence[tuple[int, str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, key, value in params:
        if found.setdefault(key, value) != value:
            message = f"Changing param values is not allowed: record {number} has another for {shown(key)}."
            raise Unacceptable(message, field="records")
    return found


def _check_records(records: Records) -> None:
    if len(records.writer) != 32 or not set(records.writer) <= _WRITER_DIGITS:
        message = (
            f"Invalid value {shown(records.writer)} for parameter 'writer' supplied: expected 32 hex digits."
        )
        raise Unacceptable(message, field="writer")
    if not 0 <= records.first <= 2**53 - records.count:
        message = f"Invalid value {records.first} for parameter 'first' supplied: expected 0 <= first < 2^53."
        raise Unacceptable(message, field="first")
    if records.count > RECORDS:
        message = f"At most {RECORDS} records a call; {records.count} were sent."
        raise Unacceptable(message, field="records")
