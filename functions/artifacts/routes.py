"""Artifacts of runs and logged models over native HTTP, below /v1. The bytes never pass here: URLs do.

A path stands in the body or in the query, where it is decoded once; never in the address's own path, which
gateways and clients resolve as they like.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from functions.access.caller import READS, Who
from functions.artifacts import service
from functions.errors import NotFound
from functions.experiments import service as experiments
from functions.ids import shown
from functions.logged_models import service as logged_models
from functions.runs import service as runs
from runhaven.wire.artifacts import (
    Artifacts,
    Completion,
    Deleted,
    Downloads,
    Manifest,
    Offers,
    Purge,
    Sent,
    Versions,
    Wanted,
)

router = APIRouter(tags=["artifacts"])

RUN, MODEL = "/runs/{owner}/artifacts", "/logged-models/{owner}/artifacts"


async def _owner(request: Request, owner: str) -> str:
    if request.scope["route"].path.startswith("/runs/") is owner.startswith("m-"):
        what = "run" if owner.startswith("m-") else "logged model"
        raise NotFound(f"No {what} with id {shown(owner)} exists.", field="owner")
    return owner


Owner = Annotated[str, Depends(_owner)]


@router.post(RUN + ":upload")
@router.post(MODEL + ":upload")
async def upload(who: Who, owner: Owner, wanted: Manifest) -> Offers:
    """What is still to be sent of each file, and where to; asked again, what is still missing then."""
    return service.offer(who, owner, wanted)


@router.post(RUN + ":complete")
@router.post(MODEL + ":complete")
async def complete(who: Who, owner: Owner, wanted: Sent) -> Completion:
    """Store files that were sent; those that have not arrived are named."""
    return service.complete(who, owner, wanted)


@router.post(RUN + ":download", openapi_extra=READS)
@router.post(MODEL + ":download", openapi_extra=READS)
async def download(who: Who, owner: Owner, wanted: Wanted) -> Downloads:
    """Where files can be fetched, for a quarter of an hour."""
    found = service.downloads(who, owner, wanted.files)
    return Downloads([*service.fitting(found, "files")])


@router.get(RUN)
@router.get(MODEL)
async def listing(
    who: Who,
    owner: Owner,
    path: str = "",
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    *,
    recursive: bool = False,
) -> Artifacts:
    """A page of what lies in a directory, or of all files below it, the newest version of each."""
    return service.page(who, owner, path, after=after, limit=limit, recursive=recursive)


@router.get(RUN + "/versions")
@router.get(MODEL + "/versions")
async def versions(
    who: Who,
    owner: Owner,
    path: str,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> Versions:
    """A page of a file's versions, the newest first."""
    return service.versions(who, owner, path, after=after, limit=limit)


@router.delete(RUN)
@router.delete(MODEL)
async def delete(who: Who, owner: Owner, path: str) -> Deleted:
    """Delete a file or a directory for good, every version of it."""
    service.delete(who, owner, path)
    return Deleted(path)


@router.post("/runs/{run_id}/purge", status_code=202)
async def purge_run(who: Who, run_id: str) -> Purge:
    """Remove a deleted run for good, with its history and its artifacts."""
    return Purge(run_id, runs.condemn(who, run_id))


@router.post("/logged-models/{model_id}/purge", status_code=202)
async def purge_logged_model(who: Who, model_id: str) -> Purge:
    """Remove a deleted logged model for good, with its artifacts."""
    return Purge(model_id, logged_models.condemn(who, model_id))


@router.post("/experiments/{experiment_id}/purge", status_code=202)
async def purge_experiment(who: Who, experiment_id: str) -> Purge:
    """Remove a deleted experiment for good, with all its runs, logged models and datasets."""
    return Purge(experiment_id, experiments.condemn(who, experiment_id))
