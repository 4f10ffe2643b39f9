"""Metrics over native HTTP, below /v1."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from functions.errors import Unacceptable
from functions.metrics import service
from functions.metrics.service import Records
from runhaven.wire.metrics import (
    Bucket,
    History,
    Line,
    Log,
    Logged,
    MetricRecord,
    ParamRecord,
    Point,
    TagRecord,
)

router = APIRouter(prefix="/runs/{run_id}", tags=["metrics"])


@router.post("/log")
async def log(request: Request, run_id: str, wanted: Log) -> Logged:
    """Log a writer's records exactly once, however often and in whatever pieces they are sent."""
    numbered = list(enumerate(wanted.records, wanted.first))
    records = Records(
        wanted.writer,
        wanted.first,
        len(numbered),
        points=[
            (number, (one.key, one.value, one.timestamp, one.step))
            for number, one in numbered
            if isinstance(one, MetricRecord)
        ],
        params=[(number, one.key, one.value) for number, one in numbered if isinstance(one, ParamRecord)],
        tags=[(number, one.key, one.value) for number, one in numbered if isinstance(one, TagRecord)],
    )
    return Logged(service.log_records(request.state.who, run_id, records))


@router.get("/history")
async def history(
    request: Request,
    run_id: str,
    key: str,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=25_000)] = 10_000,
) -> History:
    """A page of a metric's history by (timestamp, step, value)."""
    behind = None if after is None else _place(key, after)
    points, more = service.history(request.state.who, run_id, key, after=behind, limit=limit)
    spoken = [Point(value, time, step) for _, value, time, step in points]
    if not more:
        return History(spoken)
    _, value, time, step = points[-1]
    number = repr(value).replace("+", "")  # 1e308: a plus sign in a query is a space
    return History(spoken, f"{time}_{step}_{number}")


@router.get("/line")
async def line(request: Request, run_id: str, key: str) -> Line:
    """A metric as at most 1,000 buckets, which is what a chart needs."""
    return Line([Bucket(*bucket) for bucket in service.line(request.state.who, run_id, key)])


def _place(key: str, after: str) -> tuple[str, float, int, int]:
    try:
        time, step, value = after.split("_")
        return key, float(value), int(time), int(step)
    except ValueError:
        message = (
            "Invalid value for parameter 'after' supplied: expected what the page before gave as 'next'."
        )
        raise Unacceptable(message, field="after") from None
