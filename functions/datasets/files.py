"""The files of a version: kept one by one before it gets its number, let go when it is deleted.

    (none) ── begun ── a version
                └── expired ── clearing ── (none)

Who makes a version first notes that it has begun; the number, in one transaction, takes the note away. A note
that expires says that nobody went on for a week: then the files are let go, unless the version exists. Making
and clearing shut each other out, by conditions on the note.
"""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby, islice

from functions import table
from functions.access.grants import Grant, for_job
from functions.artifacts import service as artifacts
from functions.artifacts.service import Kept, Vault
from functions.datasets import items
from functions.datasets.items import Begun, DigestItem, FileItem, Place
from functions.datasets.manifest import File
from functions.errors import Busy, NotFound, Unavailable
from functions.ids import shown
from functions.parallel import together
from runhaven.wire.artifacts import Download, Offer
from runhaven.wire.datasets import FileOfVersion

# How long files wait for their version, how long clearing may take, and when a call that was under way while
# a version was deleted has surely ended.
WAIT_SECONDS, CLEAR_SECONDS, LATER_SECONDS = 7 * 86_400, 3600, 3600
KEEP_SECONDS = 12.0
# How many files a call of the artifacts' room keeps, how many calls are made side by side, and how many files
# are let go at once. Eight hundred files take a second or two, so that a call ends in good time.
_AT_ONCE, _CALLS, _LET_GO = 100, 8, 250


def offer(grant: Grant, wanted: Sequence[File], now: int) -> list[Offer]:
    """What is still to be sent of each file, in the order given, and where to."""
    found = artifacts.offer_contents(grant, artifacts.vault_of(grant), [one.content for one in wanted])
    return [artifacts.offered(one.path, now, one.content, found[one.content.address]) for one in wanted]


def keep(
    grant: Grant,
    at: Place,
    wanted: Sequence[File],
    *,
    seconds: float = KEEP_SECONDS,
    at_once: int = _AT_ONCE,
) -> list[str]:
    """Have a version's files kept; those that were kept before are passed over.

    Args:
        grant: the right to do it.
        at: the version that they are for.
        wanted: all its files, in the order of their paths.
        seconds: after how many no further ones are begun; some always are.
        at_once: how many are kept by one call of several side by side.

    Returns:
        The paths of those that have not arrived.

    Raises:
        Unavailable: there was too much for one call; the same call goes on.
        Busy: what is left of an earlier try is just being cleared away.
    """
    until, vault = time.monotonic() + seconds, artifacts.vault_of(grant)
    _begin(grant, at)
    there = {str(raw["SK"]["S"]) for raw in _raws(grant, at)}
    new: list[Kept] = []
    missing: dict[str, str] = {}
    for number, one in enumerate(wanted):
        item = items.file(grant, at, number, one)
        if item.SK not in there:
            new.append(Kept(one.content, items.owner_of(at, number), item))
            missing[new[-1].owner] = one.path
    parts = _parts(new, at_once)
    for first in range(0, len(parts), _CALLS):
        if first and time.monotonic() > until:
            raise Unavailable("There are more files to keep; send the same again.", retry_after=1)
        some = parts[first : first + _CALLS]
        for done in together(*(partial(artifacts.keep, grant, vault, each) for each in some)):
            for kept in done:
                del missing[kept.owner]
    return sorted(missing.values())


def page(
    grant: Grant, at: Place, directory: str, after: str | None, limit: int
) -> tuple[list[FileOfVersion], str | None]:
    """A page of the files below a directory ("" is the root), or the one file of that path, by path."""
    behind = None if after is None else after.encode()
    found: list[FileOfVersion] = []
    for raw in _raws(grant, at):
        path = raw["path"]["S"]
        if directory and path != directory and not path.startswith(f"{directory}/"):
            continue
        if behind is not None and path.encode() <= behind:
            continue
        if len(found) == limit:
            return found, found[-1].path
        found.append(FileOfVersion(path, int(raw["size"]["N"]), raw["sha256"]["S"]))
    return found, None


def downloads(grant: Grant, at: Place, paths: Sequence[str]) -> list[Download]:
    """Where files can be fetched, in the order given.

    Raises:
        NotFound: the version has no such file.
    """
    vault = artifacts.vault_of(grant)
    wanted: dict[str, table.Raw | None] = dict.fromkeys(paths)
    waiting = len(wanted)
    for raw in _raws(grant, at):
        if raw["path"]["S"] in wanted:
            wanted[raw["path"]["S"]] = raw
            waiting -= 1
        if not waiting:
            break
    found = []
    for path in paths:
        one = wanted[path]
        if one is None:
            message = f"There is no {shown(path)} in this version of the dataset."
            raise NotFound(message, field="paths")
        what = (one["address"]["S"], int(one["size"]["N"]), one["sha256"]["S"])
        found.append(artifacts.fetched(vault, path, what))
    return found


def let_go(grant: Grant, vault: Vault | None, at: Place, until: float) -> bool:
    """Let go of all files; whether there was time enough."""
    raws = _raws(grant, at)
    while some := [FileItem.from_raw_data(raw) for raw in islice(raws, _LET_GO)]:
        if time.monotonic() > until:
            return False
        numbers = [items.number_of(one.SK) for one in some]
        needs = [(one.address, items.owner_of(at, number)) for one, number in zip(some, numbers, strict=True)]
        artifacts.release(grant, vault, needs)
        table.delete_many([items.files(grant, at, number) for number in numbers])
    return True


def look_later(grant: Grant, at: Place) -> None:
    """Have somebody look whether a call that was under way has left files of a deleted version."""
    place = items.begun(grant, at)
    table.put(Begun(place.pk, place.sk, ttl=int(time.time()) + LATER_SECONDS))


def clear(team: str, at: Place, until: float) -> bool:
    """Let go of what nobody went on with, or what was deleted; False where there is more to let go of."""
    grant, place = for_job(team), items.begun(for_job(team), at)
    mine = Begun(place.pk, place.sk, ttl=int(time.time()) + CLEAR_SECONDS, clearing=1)
    try:
        table.put(mine, Begun.PK.does_not_exist() | Begun.clearing.exists())
    except table.Lost:  # to somebody who goes on with it
        return True
    # Only now: before the note stood there, a version could still be made.
    known = table.get(DigestItem, items.digest(grant, at))
    if known is not None and known.deleted is None:
        table.delete(place)
        return True
    if not let_go(grant, artifacts.vault_or_none(grant), at, until):
        return False
    table.delete(place)
    return True


def _parts(new: list[Kept], at_once: int) -> list[list[Kept]]:
    """Files in parts of so many, those of the same content together: calls side by side must not contend."""
    parts: list[list[Kept]] = [[]]
    for _, same in groupby(sorted(new, key=_address), key=_address):
        some = list(same)
        if parts[-1] and len(parts[-1]) + len(some) > at_once:
            parts.append([])
        parts[-1] += some
    return parts


def _address(one: Kept) -> str:
    return one.content.address


def _begin(grant: Grant, at: Place) -> None:
    place = items.begun(grant, at)
    mine = Begun(place.pk, place.sk, ttl=int(time.time()) + WAIT_SECONDS)
    try:
        table.put(mine, Begun.clearing.does_not_exist())
    except table.Lost:
        message = "What is left of an earlier try at this version is being cleared away; try again."
        raise Busy(message, retry_after=5) from None


def _raws(grant: Grant, at: Place) -> Iterator[table.Raw]:
    place = items.files(grant, at)
    return table.query(place.pk, place.sk)
