"""What can be done with datasets and their versions. Every verb asks for a grant first."""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from functions import durable, limits, revision, table
from functions.access.grants import Grant, grant
from functions.access.policy import Action
from functions.access.principal import Principal
from functions.artifacts import paths
from functions.datasets import files, items, manifest, versions
from functions.datasets.items import DatasetItem, VersionItem, Words
from functions.errors import NotFound, Unacceptable
from functions.experiments.service import Dataset
from functions.ids import now_ms, shown
from functions.runs import service as runs
from runhaven.wire import datasets as wire
from runhaven.wire.artifacts import Offers
from runhaven.wire.datasets import (
    DatasetVersion,
    DatasetVersions,
    FilesOfVersion,
    KeptDataset,
    KeptDatasets,
    NewVersion,
    VersionDownloads,
    VersionFile,
    VersionMade,
    VersionRemoval,
)
from runhaven.wire.metrics import TAG_LENGTH
from runhaven.wire.runs import VersionInput, VersionOutput

# A page ends here, so that an answer stays below Lambda's 6 MB.
PAGE_BYTES = 2 * 2**20


def listing(who: Principal, after: str | None = None, limit: int = 100) -> KeptDatasets:
    """A page of the team's datasets, in an order of their own, behind the one of the name *after*."""
    g = grant(who, Action.READ)
    place, found, size = items.datasets(g), list[KeptDataset](), 0
    behind = None if after is None else items.datasets(g, manifest.name(after, "after")).sk
    raws = table.query(place.pk, place.sk, after=behind, limit=limit)
    for raw in islice(raws, limit):
        found.append(_told(DatasetItem.from_raw_data(raw)))
        size += len(raw["words"]["B"])
        if len(found) == limit or size > PAGE_BYTES:
            return KeptDatasets(found, found[-1].name)
    return KeptDatasets(found)


def get(who: Principal, name: str) -> KeptDataset:
    """A dataset.

    Raises:
        NotFound: there is none of this name.
    """
    g = grant(who, Action.READ)
    return _told(versions.dataset(g, _known_name(name)))


def reword(who: Principal, name: str, description: str | None, tags: Mapping[str, str | None]) -> KeptDataset:
    """Change a dataset's description or tags; a tag that is None goes.

    Raises:
        NotFound: there is none of this name.
        Unacceptable: a tag breaks a limit.
    """
    g, how = grant(who, Action.EDIT), _rewording(description, tags)
    return _told(_changed(g, _known_name(name), how))


def alias(who: Principal, name: str, word: str, number: int) -> KeptDataset:
    """Let an alias mean a version.

    Raises:
        NotFound: there is no such version.
        Unacceptable: it can be no alias, or there are too many.
    """
    g, name, word = grant(who, Action.EDIT), _known_name(name), manifest.alias(word)

    def how(words: Words) -> None:
        words.aliases[word] = number
        if len(words.aliases) > wire.MOST_ALIASES:
            raise limits.refused(word, "alias", f"a dataset has at most {wire.MOST_ALIASES} aliases.")

    # A version that is deleted meanwhile changes the dataset too, so that one of both looks again.
    return _told(_changed(g, name, how, lambda: versions.find(g, name, number)))


def drop_alias(who: Principal, name: str, word: str) -> KeptDataset:
    """Take an alias away.

    Raises:
        NotFound: there is no such dataset or alias.
    """
    g, name = grant(who, Action.EDIT), _known_name(name)
    gone = False

    def how(words: Words) -> None:
        nonlocal gone
        if words.aliases.pop(word, None) is None and not gone:
            raise NotFound(f"Dataset {shown(name)} has no alias {shown(word)}.", field="alias")
        gone = True

    return _told(_changed(g, name, how))


def offer(who: Principal, name: str, wanted: Sequence[VersionFile]) -> Offers:
    """What is still to be sent of files, and where to; files that the team holds already need not be sent.

    Raises:
        Unacceptable: a path, size or digest that cannot be; or the team has no vault.
    """
    g = grant(who, Action.EDIT)
    manifest.name(name)
    return Offers(files.offer(g, [manifest.file(one) for one in wanted], now_ms()))


def create(who: Principal, name: str, wanted: NewVersion) -> tuple[VersionMade, bool]:
    """Make a version, by reference or of files that were sent, and answer whether it is new.

    The same digest again is the same version; where files have not arrived, there is none.

    Raises:
        NotFound: there is no such run.
        Unacceptable: something cannot be, or a version of this digest was deleted; or the run is.
        Unavailable: there were too many files for one call; the same call goes on.
    """
    g, name = grant(who, Action.EDIT), manifest.name(name)
    some = manifest.files(wanted.files)
    body, words = manifest.body(wanted, some), Words()
    _rewording(wanted.description, wanted.tags)(words)
    if wanted.run_id is not None:
        runs.open_to_write(who, wanted.run_id)
    new = False
    found = versions.standing(g, name, body.digest)
    if found is None:
        at = items.place(name, body.digest)
        if missing := files.keep(g, at, some) if some else []:
            return VersionMade(None, missing), False
        found, new = versions.add(g, name, body, words, by=who.name, run_id=wanted.run_id)
    if wanted.run_id is not None:
        runs.log_outputs(who, wanted.run_id, datasets=[_as_mlflow_has_it(found)])
    durable.settle()
    return VersionMade(versions.told(found)), new


def page(who: Principal, name: str, after: int | None = None, limit: int = 100) -> DatasetVersions:
    """A page of a dataset's versions, the newest first, behind the number *after*.

    Raises:
        NotFound: there is no such dataset.
    """
    g, name = grant(who, Action.READ), _known_name(name)
    head = versions.dataset(g, name)
    dataset = head.SK.removeprefix(items.DATASET)
    behind = None if after is None else items.version(g, dataset, min(after, versions.MOST_VERSIONS)).sk
    place, found, size = items.version(g, dataset), list[DatasetVersion](), 0
    for raw in table.query(place.pk, place.sk, after=behind, limit=limit, backwards=True):
        item = VersionItem.from_raw_data(raw)
        if item.deleted_at is not None:
            continue
        found.append(versions.told(item))
        texts = (found[-1].schema, found[-1].profile)
        size += len(item.words) + sum(len(one.encode()) for one in texts if one)
        if len(found) == limit or size > PAGE_BYTES:
            return DatasetVersions(found, found[-1].version)
    return DatasetVersions(found)


def version(who: Principal, name: str, wanted: str) -> DatasetVersion:
    """A version, by its number, `latest` or an alias.

    Raises:
        NotFound: there is none, or it was deleted.
    """
    g = grant(who, Action.READ)
    return versions.told(versions.find(g, _known_name(name), wanted))


def reword_version(
    who: Principal, name: str, wanted: str, description: str | None, tags: Mapping[str, str | None]
) -> DatasetVersion:
    """Change the description or tags of a version; a tag that is None goes.

    Raises:
        NotFound: there is no such version.
        Unacceptable: a tag breaks a limit.
    """
    g, how = grant(who, Action.EDIT), _rewording(description, tags)
    name = _known_name(name)
    seen = versions.find(g, name, wanted)
    missing = versions.no_such(name, wanted)

    def alter(item: VersionItem) -> bool:
        if item.deleted_at is not None:
            raise missing
        words = items.words(item.words)
        how(words)
        before, item.words = item.words, words.packed()
        return before != item.words

    key = items.version(g, items.place(name, "").dataset, items.number_of(seen.SK))
    return versions.told(revision.change(VersionItem, key, alter, missing, seen=seen))


def delete(who: Principal, name: str, number: int) -> VersionRemoval:
    """Delete a version for good; asking again answers since when.

    Raises:
        NotFound: there was never such a version.
    """
    g, name = grant(who, Action.DELETE), _known_name(name)
    if not 0 < number <= versions.MOST_VERSIONS:
        raise versions.no_such(name, number)
    gone = versions.drop(g, name, number, who.name)
    return VersionRemoval(name, number, int(gone.deleted_at))


def files_of(
    who: Principal, name: str, wanted: str, path: str = "", *, after: str | None = None, limit: int = 1000
) -> FilesOfVersion:
    """A page of a version's files, all of them or those below a directory, by path.

    Raises:
        NotFound: there is no such version.
    """
    g = grant(who, Action.READ)
    item = versions.find(g, _known_name(name), wanted)
    path, behind = paths.directory(path), None if after is None else paths.file(after, "after")
    return FilesOfVersion(*files.page(g, items.place(item.name, item.digest), path, behind, limit))


def downloads(who: Principal, name: str, wanted: str, some: Sequence[str]) -> VersionDownloads:
    """Where files of a version can be fetched, in the order given.

    Raises:
        NotFound: there is no such version, or it has no such file.
    """
    g = grant(who, Action.READ)
    item = versions.find(g, _known_name(name), wanted)
    chosen = [paths.file(one, "paths") for one in some]
    return VersionDownloads(files.downloads(g, items.place(item.name, item.digest), chosen))


def log_inputs(
    who: Principal,
    run_id: str,
    *,
    datasets: Sequence[tuple[Dataset, Mapping[str, str]]] = (),
    kept: Sequence[VersionInput] = (),
    models: Sequence[tuple[str, Mapping[str, str]]] = (),
) -> None:
    """Add what a run read; a version becomes one of its datasets, as an MLflow client would log it.

    Raises:
        NotFound: there is no such run or version.
        Unacceptable: something breaks a limit, or the run is deleted.
    """
    found = [(_named(who, one), one.tags) for one in kept]
    runs.log_inputs(who, run_id, datasets=[*datasets, *found], models=models)


def log_outputs(
    who: Principal,
    run_id: str,
    *,
    models: Sequence[tuple[str, int]] = (),
    kept: Sequence[VersionOutput] = (),
) -> None:
    """Add what a run wrote: logged models, each with its step, and versions of datasets.

    Raises:
        NotFound: there is no such run or version.
        Unacceptable: a step that is no int64, or the run is deleted.
    """
    runs.log_outputs(who, run_id, models, [_named(who, one) for one in kept])


def _named(who: Principal, one: VersionInput | VersionOutput) -> Dataset:
    """A version that the caller may read: what it is will stand in the run."""
    return _as_mlflow_has_it(versions.find(grant(who, Action.READ), _known_name(one.dataset), one.version))


def _as_mlflow_has_it(item: VersionItem) -> Dataset:
    """A version as a dataset that a client of MLflow could have logged."""
    told = versions.told(item)
    key = "url" if told.source_type == "http" else "uri"
    source = json.dumps({key: told.source})
    return Dataset(told.dataset, told.digest, told.source_type, source, told.schema, told.profile)


def _known_name(name: str) -> str:
    """A dataset's name; what cannot be one does not exist."""
    try:
        return manifest.name(name)
    except Unacceptable:
        raise versions.no_such(name) from None


def _rewording(description: str | None, tags: Mapping[str, str | None]) -> Callable[[Words], None]:
    if description is not None:
        limits.text(description, "description", wire.DESCRIPTION_LENGTH)
    for key, value in tags.items():
        limits.key(key, "tags.key")
        if value is not None:
            limits.text(value, f"tags['{key}']", TAG_LENGTH)

    def how(words: Words) -> None:
        if description is not None:
            words.description = description
        kept = {key: value for key, value in {**words.tags, **tags}.items() if value is not None}
        words.tags = kept

    return how


def _changed(
    g: Grant, name: str, how: Callable[[Words], None], look: Callable[[], object] = lambda: None
) -> DatasetItem:
    def alter(item: DatasetItem) -> bool:
        look()
        words = items.words(item.words)
        how(words)
        before, item.words = item.words, words.packed()
        if before != item.words:
            item.updated_at = max(now_ms(), int(item.updated_at) + 1)
        return before != item.words

    return revision.change(DatasetItem, items.datasets(g, name), alter, versions.no_such(name))


def _told(item: DatasetItem) -> KeptDataset:
    words = items.words(item.words)
    latest = None if item.latest is None else int(item.latest)
    times = int(item.created_at), int(item.updated_at)
    return KeptDataset(
        item.name, latest, words.aliases, words.description, words.tags, *times, item.created_by
    )
