"""Logged models over native HTTP, below /v1. Every change answers with the model as it now is."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from functions.logged_models import service
from runhaven.wire.logged_models import (
    LoggedModel,
    LoggedModels,
    ModelMetrics,
    NewLoggedModel,
    Params,
    StatusChange,
    Tags,
)

router = APIRouter(prefix="/logged-models", tags=["logged models"])


@router.get("")
async def listing(
    request: Request,
    experiment_id: str,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> LoggedModels:
    """A page of an experiment's logged models, the newest first."""
    return LoggedModels(*service.page(request.state.who, experiment_id, after, limit))


@router.post("", status_code=201)
async def create(request: Request, wanted: NewLoggedModel) -> LoggedModel:
    """Create a logged model whose files are still to come."""
    return service.create(
        request.state.who,
        experiment_id=wanted.experiment_id,
        name=wanted.name,
        model_type=wanted.model_type,
        source_run_id=wanted.source_run_id,
        params=wanted.params,
        tags=wanted.tags,
    )


@router.get("/{model_id}")
async def get(request: Request, model_id: str, *, deleted: bool = False) -> LoggedModel:
    """A logged model; a deleted one only when *deleted* is true."""
    return service.get(request.state.who, model_id, deleted=deleted)


@router.patch("/{model_id}")
async def finalize(request: Request, model_id: str, wanted: StatusChange) -> LoggedModel:
    """Say whether the model's files are there."""
    return service.finalize(request.state.who, model_id, wanted.status)


@router.delete("/{model_id}")
async def delete(request: Request, model_id: str) -> LoggedModel:
    """Hide a logged model from reads and searches."""
    return service.delete(request.state.who, model_id)


@router.patch("/{model_id}/tags")
async def set_tags(request: Request, model_id: str, wanted: Tags) -> LoggedModel:
    """Set tags."""
    return service.set_tags(request.state.who, model_id, wanted.tags)


@router.delete("/{model_id}/tags/{key:path}")
async def delete_tag(request: Request, model_id: str, key: str) -> LoggedModel:
    """Remove a tag."""
    return service.delete_tag(request.state.who, model_id, key)


@router.post("/{model_id}/params")
async def log_params(request: Request, model_id: str, wanted: Params) -> LoggedModel:
    """Add params."""
    return service.log_params(request.state.who, model_id, wanted.params)


@router.post("/{model_id}/metrics")
async def log_metrics(request: Request, model_id: str, wanted: ModelMetrics) -> LoggedModel:
    """Add metrics."""
    service.log_metrics(request.state.who, {model_id: wanted.metrics})
    return service.get(request.state.who, model_id)
