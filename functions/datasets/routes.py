"""Datasets, what runs read and wrote, and lineage over native HTTP, below /v1."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from functions.access.caller import READS, Who
from functions.artifacts import service as artifacts
from functions.datasets import lineage, service
from functions.datasets.lineage import Reach
from functions.errors import Unacceptable
from functions.runs import service as runs
from functions.runs.spoken import spoken
from runhaven.wire.artifacts import Offers
from runhaven.wire.datasets import (
    AliasTarget,
    DatasetVersion,
    DatasetVersions,
    FilesOfVersion,
    KeptDataset,
    KeptDatasets,
    NewVersion,
    VersionDownloads,
    VersionMade,
    VersionManifest,
    VersionRemoval,
    WantedPaths,
    Words,
)
from runhaven.wire.lineage import MOST_DEPTH, MOST_NODES, Lineage
from runhaven.wire.runs import Inputs, Outputs, Run

router = APIRouter(tags=["datasets"])

Limit = Annotated[int, Query(ge=1, le=1000)]
VERSIONS, VERSION = "/datasets/{name}/versions", "/datasets/{name}/versions/{version}"


@router.get("/datasets")
async def listing(who: Who, after: str | None = None, limit: Limit = 100) -> KeptDatasets:
    """A page of the team's datasets, in an order of their own."""
    return service.listing(who, after, limit)


@router.get("/datasets/{name}")
async def get(who: Who, name: str) -> KeptDataset:
    """A dataset."""
    return service.get(who, name)


@router.patch("/datasets/{name}")
async def reword(who: Who, name: str, wanted: Words) -> KeptDataset:
    """Change a dataset's description or tags."""
    return service.reword(who, name, wanted.description, wanted.tags)


@router.put("/datasets/{name}/aliases/{alias}")
async def alias(who: Who, name: str, alias: str, wanted: AliasTarget) -> KeptDataset:
    """Let an alias mean a version."""
    return service.alias(who, name, alias, wanted.version)


@router.delete("/datasets/{name}/aliases/{alias}")
async def drop_alias(who: Who, name: str, alias: str) -> KeptDataset:
    """Take an alias away."""
    return service.drop_alias(who, name, alias)


@router.post(VERSIONS + ":upload")
async def upload(who: Who, name: str, wanted: VersionManifest) -> Offers:
    """What is still to be sent of files, and where to; asked again, what is still missing then."""
    return service.offer(who, name, wanted.files)


@router.post(VERSIONS, responses={201: {"model": VersionMade}})
async def create(who: Who, name: str, wanted: NewVersion, response: Response) -> VersionMade:
    """Make a version, by reference or of files that were sent; the same digest again is the same version."""
    made, new = service.create(who, name, wanted)
    response.status_code = 201 if new else 200
    return made


@router.get(VERSIONS)
async def page(
    who: Who, name: str, after: Annotated[int | None, Query(ge=0)] = None, limit: Limit = 100
) -> DatasetVersions:
    """A page of a dataset's versions, the newest first."""
    return service.page(who, name, after, limit)


@router.get(VERSION)
async def version(who: Who, name: str, version: str) -> DatasetVersion:
    """A version, by its number, `latest` or an alias."""
    return service.version(who, name, version)


@router.patch(VERSION)
async def reword_version(who: Who, name: str, version: str, wanted: Words) -> DatasetVersion:
    """Change a version's description or tags."""
    return service.reword_version(who, name, version, wanted.description, wanted.tags)


@router.delete(VERSION, status_code=202)
async def delete(who: Who, name: str, version: int) -> VersionRemoval:
    """Delete a version for good, with the files that nothing else needs; its number is not used again."""
    return service.delete(who, name, version)


@router.get(VERSION + "/files")
async def files(
    who: Who, name: str, version: str, path: str = "", *, after: str | None = None, limit: Limit = 1000
) -> FilesOfVersion:
    """A page of a version's files, all of them or those below a directory, by path."""
    return service.files_of(who, name, version, path, after=after, limit=limit)


@router.post(VERSION + "/files:download", openapi_extra=READS)
async def download(who: Who, name: str, version: str, wanted: WantedPaths) -> VersionDownloads:
    """Where files can be fetched, for a quarter of an hour."""
    found = service.downloads(who, name, version, wanted.paths)
    artifacts.fitting(found.files, "paths")
    return found


@router.post("/runs/{run_id}/inputs")
async def log_inputs(who: Who, run_id: str, wanted: Inputs) -> Run:
    """Add datasets, versions of datasets and logged models that the run read."""
    datasets = [(one.dataset, one.tags) for one in wanted.datasets]
    models = [(one.model_id, one.tags) for one in wanted.models]
    service.log_inputs(who, run_id, datasets=datasets, kept=wanted.versions, models=models)
    return spoken(runs.get(who, run_id))


@router.post("/runs/{run_id}/outputs")
async def log_outputs(who: Who, run_id: str, wanted: Outputs) -> Run:
    """Add logged models and versions of datasets that the run wrote."""
    models = [(one.model_id, one.step) for one in wanted.models]
    service.log_outputs(who, run_id, models=models, kept=wanted.versions)
    return spoken(runs.get(who, run_id))


@router.get("/lineage")
async def look_around(
    who: Who,
    *,
    dataset: str | None = None,
    version: str | None = None,
    digest: str | None = None,
    run: str | None = None,
    model: str | None = None,
    way: Literal["up", "down"] | None = None,
    depth: Annotated[int, Query(ge=1, le=MOST_DEPTH)] = 3,
    limit: Annotated[int, Query(ge=1, le=MOST_NODES)] = 100,
    after: str | None = None,
) -> Lineage:
    """What one dataset, run or logged model comes from, and what came of it.

    A dataset is told by its name and a version (else `latest`), or by its name and the digest that an MLflow
    client logged. Without a way it goes both ways, up to what it comes from and down to what came of it.
    """
    asked = [each for each in (dataset, run, model) if each is not None]
    if len(asked) != 1 or (dataset is None and (version or digest) is not None) or (version and digest):
        message = "Ask for one thing: a 'dataset' with its 'version' or 'digest', a 'run', or a 'model'."
        raise Unacceptable(message, field="dataset")
    if after is not None and way is None:
        raise Unacceptable("Say which 'way' to go on 'after' a neighbour: up or down.", field="way")
    reach = Reach(["up", "down"] if way is None else [way], depth, limit, after)
    if dataset is not None:
        return lineage.of_dataset(who, dataset, version, digest, reach)
    if run is not None:
        return lineage.of_run(who, run, reach)
    return lineage.of_model(who, asked[0], reach)
