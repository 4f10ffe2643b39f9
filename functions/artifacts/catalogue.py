"""What lies where: the versions that were logged natively and the objects that MLflow clients sent, as one.

Native versions are entries in the table; their content lies elsewhere in the vault, by its address. An MLflow
client's file lies below its run, and the versioned bucket keeps what it overwrites. The newest of both is
what a path means. A listing goes by the bytes of the paths, a directory's with its slash: S3's order.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from heapq import merge
from itertools import groupby, islice
from posixpath import commonpath
from typing import NamedTuple

from functions import table
from functions.artifacts import items, paths, vaults
from functions.artifacts.items import Entry
from functions.artifacts.owners import Owner
from functions.artifacts.vaults import Object
from functions.errors import NotFound
from functions.ids import shown
from functions.parallel import together
from runhaven.wire.artifacts import Artifact

# With more files than this it is cheaper to look through all than to ask for each.
FEW = 16
# How many entries and how many objects are looked through for that; beyond, each file is asked for after all.
LOOKED_THROUGH = 5000
_NATIVE, _S3 = "n", "s"


class Found(NamedTuple):
    """A version of a path: what is told of it, and where its bytes lie."""

    artifact: Artifact
    key: str
    version: str | None = None


def listing(
    owner: Owner, directory: str, *, after: str | None = None, recursive: bool = False
) -> Iterator[tuple[str, Artifact]]:
    """What lies in a directory, in order, each with the mark behind which a further page begins.

    Args:
        owner: whose artifacts.
        directory: "" for the root.
        after: a mark; what lies before it is left out.
        recursive: all files below the directory instead of its own files and directories.
    """
    place = f"{directory}/" if directory else ""
    native: dict[str, Entry | None] = {}
    for path, raw in _newest_by_path(owner).items():
        if path.startswith(place):
            rest, slash, _ = path[len(place) :].partition("/")
            mark = path if recursive or not slash else f"{place}{rest}/"
            if after is None or mark > after:
                native[mark] = None if mark.endswith("/") else Entry.from_raw_data(raw)
    behind = None if after is None else owner.root + after
    sent = vaults.listing(owner.vault, owner.root + place, delimiter=not recursive, after=behind)
    theirs = ((each.key.removeprefix(owner.root), each) for each in sent)
    inside = (each for each in theirs if each[0] != place)
    for mark, same in groupby(merge(sorted(native.items(), key=_mark), inside, key=_mark), key=_mark):
        if mark.endswith("/"):
            yield mark, Artifact(mark[:-1], is_dir=True)
        else:
            yield mark, _newest(owner, [each for _, each in same if each is not None]).artifact


def versions(owner: Owner, path: str) -> list[Found]:
    """Every version of a path, the newest first."""
    mine, theirs = together(
        lambda: list(items_of(owner, path)), partial(vaults.versions, owner.vault, owner.key(path))
    )
    found = [_of_entry(entry) for entry in mine]
    found += [_of_object(owner, each) for each in theirs if not each.deleted]
    return sorted(found, key=_age, reverse=True)


def newest_entry(owner: Owner, path: str) -> Entry | None:
    """The newest native version of a path."""
    return next(items_of(owner, path, backwards=True), None)


def newer(owner: Owner, mine: Entry) -> Found:
    """The newest version of a path, given its newest native one: that, or what a client has sent since."""
    return _newest(owner, [mine, *(each for each in [_sent(owner, mine.path)] if each is not None)])


def find(owner: Owner, wanted: Sequence[tuple[str, str | None]]) -> list[Found]:
    """The newest version of each path, or the one that is named, in order.

    Raises:
        NotFound: one of them does not exist.
    """
    plain = list(dict.fromkeys(path for path, version in wanted if version is None))
    by_path = _newest_of(owner, plain)
    named = list(dict.fromkeys((path, version) for path, version in wanted if version is not None))
    looks = together(*(partial(_pinned, owner, *one) for one in named))
    pinned = dict(zip(named, looks, strict=True))
    found = []
    for path, version in wanted:
        one = by_path.get(path) if version is None else pinned[path, version]
        if one is None:
            which = f"version {shown(version)} of " if version is not None else ""
            message = f"There is no {which}{shown(path)} among the artifacts of {owner.id}."
            raise NotFound(message, field="path")
        found.append(one)
    return found


def items_of(owner: Owner, path: str | None = None, *, backwards: bool = False) -> Iterator[Entry]:
    """The native versions of a path, or of all paths, the oldest of each path first."""
    place = items.entries(owner.grant, owner.id, path)
    limit = 1 if backwards else None
    for raw in table.query(place.pk, place.sk, backwards=backwards, limit=limit):
        yield Entry.from_raw_data(raw)


def _newest_by_path(owner: Owner) -> dict[str, table.Raw]:
    """The last native version of each path, raw: a run may have thousands of versions of few paths."""
    place = items.entries(owner.grant, owner.id)
    return {raw["path"]["S"]: raw for raw in table.query(place.pk, place.sk)}


def told(entry: Entry) -> Artifact:
    """What is told of a native version."""
    time, _, address = str(entry.SK).rpartition("#")
    step = None if entry.step is None else int(entry.step)
    version = f"{_NATIVE}{int(time.rpartition('#')[2])}-{address}"
    size, at = int(entry.size), int(entry.t)
    return Artifact(entry.path, size=size, time=at, step=step, sha256=entry.sha256, version=version)


def _newest_of(owner: Owner, wanted: Sequence[str]) -> dict[str, Found]:
    mine: dict[str, Entry | None]
    theirs: dict[str, Object | None]
    if len(wanted) <= FEW:
        looks = [partial(look, owner, path) for look in (newest_entry, _sent) for path in wanted]
        found = together(*looks)
        mine = dict(zip(wanted, found, strict=False))
        theirs = dict(zip(wanted, found[len(wanted) :], strict=True))
    else:
        mine, theirs = _entries_among(owner, wanted), _sent_among(owner, wanted)
    both = {path: [one for one in (mine.get(path), theirs.get(path)) if one is not None] for path in wanted}
    return {path: _newest(owner, same) for path, same in both.items() if same}


def _entries_among(owner: Owner, wanted: Sequence[str]) -> dict[str, Entry | None]:
    """The newest native version of each of many paths."""
    place = items.entries(owner.grant, owner.id)
    raws = list(islice(table.query(place.pk, place.sk), LOOKED_THROUGH + 1))
    if len(raws) > LOOKED_THROUGH:
        looks = together(*(partial(newest_entry, owner, path) for path in wanted))
        return dict(zip(wanted, looks, strict=True))
    newest = {raw["path"]["S"]: raw for raw in raws}
    return {path: Entry.from_raw_data(newest[path]) for path in wanted if path in newest}


def _sent_among(owner: Owner, wanted: Sequence[str]) -> dict[str, Object | None]:
    """What MLflow clients sent last, of many paths."""
    above = commonpath([path.rpartition("/")[0] for path in wanted])
    prefix = f"{above}/" if above else ""
    listed = vaults.listing(owner.vault, owner.root + prefix, delimiter=False)
    here: dict[str, Object | None] = {}
    for each in islice(listed, LOOKED_THROUGH):
        here[each.key.removeprefix(owner.root)] = each
    end = next(reversed(here), "").encode() if len(here) == LOOKED_THROUGH else None
    beyond = [path for path in wanted if end is not None and path.encode() > end]
    return here | dict(zip(beyond, together(*(partial(_sent, owner, path) for path in beyond)), strict=True))


def _sent(owner: Owner, path: str) -> Object | None:
    """What an MLflow client sent last. One call, and it names the version; a HEAD of nothing takes two."""
    latest = next(iter(vaults.versions(owner.vault, owner.key(path))), None)
    return None if latest is None or latest.deleted else latest


def _pinned(owner: Owner, path: str, version: str) -> Found | None:
    if version.startswith(_S3):
        theirs = vaults.versions(owner.vault, owner.key(path))
        found = (_of_object(owner, each) for each in theirs if not each.deleted)
    else:
        found = (_of_entry(entry) for entry in items_of(owner, path))
    return next((each for each in found if each.artifact.version == version), None)


def _newest(owner: Owner, same: Iterable[Entry | Object]) -> Found:
    found = [_of_entry(each) if isinstance(each, Entry) else _of_object(owner, each) for each in same]
    return max(found, key=_age)


def _of_entry(entry: Entry) -> Found:
    return Found(told(entry), paths.of_content(entry.address))


def _of_object(owner: Owner, sent: Object) -> Found:
    path = sent.key.removeprefix(owner.root)
    version = None if sent.version is None else f"{_S3}{sent.version}"
    artifact = Artifact(path, size=sent.size, time=sent.modified_ms, version=version)
    return Found(artifact, sent.key, sent.version)


def _age(found: Found) -> tuple[int, bool]:
    return found.artifact.time or 0, found.artifact.sha256 is not None


def _mark(pair: tuple[str, object]) -> str:
    return pair[0]
