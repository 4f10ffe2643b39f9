"""Searches over native HTTP, below /v1. They are POST because filters are long; they change nothing."""

from typing import TypeVar

from fastapi import APIRouter, Request
from pydantic import TypeAdapter

from functions.runs.spoken import spoken
from functions.search import service
from functions.search.service import Found
from runhaven.wire.runs import Run
from runhaven.wire.search import ExperimentsFound, LoggedModelsFound, Runs, Search

router = APIRouter(tags=["search"])

# An answer ends here, so that it stays below Lambda's 6 MB.
PAGE_BYTES = 4 * 1024 * 1024
_run = TypeAdapter(Run)
RecordT = TypeVar("RecordT")


@router.post("/runs/search")
async def runs(request: Request, wanted: Search) -> Runs:
    """Runs that match, the latest start first unless ordered otherwise."""
    found = service.runs(
        request.state.who,
        wanted.experiment_ids,
        filter=wanted.filter,
        order_by=wanted.order_by,
        view=wanted.view,
        max_results=wanted.limit,
        page_token=wanted.page_token,
    )
    rows: list[Run] = []
    size = 0
    for run in found.records:
        row = spoken(run)
        size += len(_run.dump_json(row))
        if rows and size > PAGE_BYTES:
            return Runs(rows, found.token(found.records[len(rows) - 1]))
        rows.append(row)
    return Runs(rows, found.next)


@router.post("/experiments/search")
async def experiments(request: Request, wanted: Search) -> ExperimentsFound:
    """The team's experiments that match, the latest created first unless ordered otherwise."""
    found = service.experiments(
        request.state.who,
        filter=wanted.filter,
        order_by=wanted.order_by,
        view=wanted.view,
        max_results=wanted.limit,
        page_token=wanted.page_token,
    )
    records, following = _cut(found)
    return ExperimentsFound(records, following)


@router.post("/logged-models/search")
async def logged_models(request: Request, wanted: Search) -> LoggedModelsFound:
    """Logged models that match, the latest created first unless ordered otherwise."""
    found = service.logged_models(
        request.state.who,
        wanted.experiment_ids,
        filter=wanted.filter,
        order_by=wanted.order_by,
        max_results=wanted.limit,
        page_token=wanted.page_token,
    )
    records, following = _cut(found)
    return LoggedModelsFound(records, following)


def _cut(found: Found[RecordT]) -> tuple[list[RecordT], str | None]:
    size = 0
    for position, record in enumerate(found.records):
        size += len(TypeAdapter(type(record)).dump_json(record))
        if position and size > PAGE_BYTES:
            return found.records[:position], found.token(found.records[position - 1])
    return found.records, found.next
