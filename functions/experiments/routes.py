"""Experiments over native HTTP, below /v1. Every change answers with the experiment as it now is."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from functions.experiments import service
from runhaven.wire.datasets import DatasetSummaries
from runhaven.wire.experiments import Experiment, Experiments, NewExperiment, Rename, TagValue

router = APIRouter(prefix="/experiments", tags=["experiments"])


@router.get("")
async def listing(
    request: Request,
    name: str | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Experiments:
    """A page of the team's experiments, active and deleted, by id as text; or the one of this name."""
    if name is not None:
        return Experiments([service.by_name(request.state.who, name)])
    return Experiments(*service.page(request.state.who, after, limit))


@router.post("", status_code=201)
async def create(request: Request, wanted: NewExperiment) -> Experiment:
    """Create an experiment."""
    return service.create(request.state.who, wanted.name, wanted.tags)


@router.get("/{experiment_id}")
async def get(request: Request, experiment_id: str) -> Experiment:
    """An experiment, also a deleted one."""
    return service.get(request.state.who, experiment_id)


@router.patch("/{experiment_id}")
async def rename(request: Request, experiment_id: str, wanted: Rename) -> Experiment:
    """Give an experiment another name."""
    return service.rename(request.state.who, experiment_id, wanted.name)


@router.delete("/{experiment_id}")
async def delete(request: Request, experiment_id: str) -> Experiment:
    """Delete an experiment, and with it its runs, until it is restored."""
    return service.delete(request.state.who, experiment_id)


@router.post("/{experiment_id}/restore")
async def restore(request: Request, experiment_id: str) -> Experiment:
    """Make a deleted experiment active again, with all its runs."""
    return service.restore(request.state.who, experiment_id)


@router.put("/{experiment_id}/tags/{key:path}")
async def set_tag(request: Request, experiment_id: str, key: str, wanted: TagValue) -> Experiment:
    """Set a tag."""
    return service.set_tag(request.state.who, experiment_id, key, wanted.value)


@router.delete("/{experiment_id}/tags/{key:path}")
async def delete_tag(request: Request, experiment_id: str, key: str) -> Experiment:
    """Remove a tag."""
    return service.delete_tag(request.state.who, experiment_id, key)


@router.get("/{experiment_id}/datasets")
async def datasets(request: Request, experiment_id: str) -> DatasetSummaries:
    """What the experiment's runs read, 1,000 at most."""
    return DatasetSummaries(service.dataset_summaries(request.state.who, [experiment_id]))
