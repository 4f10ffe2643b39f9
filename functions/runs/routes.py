"""Runs over native HTTP, below /v1. Every change answers with the run as it now is."""

from fastapi import APIRouter, Request

from functions.runs import service
from functions.runs.spoken import spoken
from runhaven.wire.runs import NewRun, Run, RunChange, RunTexts

router = APIRouter(prefix="/runs", tags=["runs"])


@router.post("", status_code=201)
async def create(request: Request, wanted: NewRun) -> Run:
    """Start a run; with a key of the client's own, however often it is sent, one run."""
    run = service.create(
        request.state.who,
        experiment_id=wanted.experiment_id,
        name=wanted.name,
        start=wanted.start_time,
        user_id=wanted.user_id,
        tags=wanted.tags,
        key=wanted.key,
    )
    return spoken(run)


@router.get("/{run_id}")
async def get(request: Request, run_id: str) -> Run:
    """A run, also a deleted one."""
    return spoken(service.get(request.state.who, run_id))


@router.patch("/{run_id}")
async def update(request: Request, run_id: str, wanted: RunChange) -> Run:
    """Change a run's status, end time or name."""
    who = request.state.who
    return spoken(
        service.update(who, run_id, status=wanted.status, end_time=wanted.end_time, name=wanted.name)
    )


@router.delete("/{run_id}")
async def delete(request: Request, run_id: str) -> Run:
    """Hide a run until it is restored."""
    service.delete(request.state.who, run_id)
    return spoken(service.get(request.state.who, run_id))


@router.post("/{run_id}/restore")
async def restore(request: Request, run_id: str) -> Run:
    """Bring a deleted run back."""
    service.restore(request.state.who, run_id)
    return spoken(service.get(request.state.who, run_id))


@router.patch("/{run_id}/texts")
async def amend(request: Request, run_id: str, wanted: RunTexts) -> Run:
    """Set params and tags."""
    service.amend(request.state.who, run_id, params=wanted.params, tags=wanted.tags)
    return spoken(service.get(request.state.who, run_id))


@router.delete("/{run_id}/tags/{key:path}")
async def delete_tag(request: Request, run_id: str, key: str) -> Run:
    """Remove a tag."""
    service.delete_tag(request.state.who, run_id, key)
    return spoken(service.get(request.state.who, run_id))
