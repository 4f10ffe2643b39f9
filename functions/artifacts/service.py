"""What can be done with the artifacts of runs and logged models. Every verb asks for a grant first.

`owner` is a run's id or a logged model's (`m-…`). A path is taken as the caller sent it, decoded once: the
verbs bring it into its one form or refuse it. `located` reads the paths of MLflow's `mlflow-artifacts:`.
"""

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from posixpath import splitext

import msgspec

from functions import durable, limits
from functions.access.principal import Principal
from functions.artifacts import catalogue, content, files, items, owners, paths, purge, uploads, vaults
from functions.artifacts.catalogue import Found
from functions.artifacts.content import Content
from functions.artifacts.files import Kept, keep, release
from functions.artifacts.files import offer as offer_contents
from functions.artifacts.items import Entry
from functions.artifacts.owners import Owner, givers, vault_of, vault_or_none
from functions.artifacts.paths import Place, located
from functions.artifacts.vaults import Part, Signed, Vault
from functions.errors import NotFound, TooLarge, Unavailable
from functions.ids import now_ms, shown
from runhaven.wire.artifacts import (
    MOST_PARTS,
    Artifact,
    Artifacts,
    Completion,
    Download,
    Manifest,
    Offer,
    Offers,
    Sent,
    SentFile,
    SignedPart,
    Versions,
    WantedFile,
)

__all__ = [
    "Kept",
    "Place",
    "Signed",
    "Vault",
    "abort_upload",
    "begin_upload",
    "complete",
    "complete_upload",
    "delete",
    "demand_upload",
    "download_url",
    "downloads",
    "fetched",
    "fitting",
    "givers",
    "keep",
    "listing",
    "located",
    "offer",
    "offer_contents",
    "offered",
    "page",
    "put",
    "release",
    "upload_url",
    "vault_of",
    "vault_or_none",
    "versions",
]

# What a page may show of a file, by the end of its name: nothing that a browser would run.
PREVIEWS = {
    **dict.fromkeys((".csv", ".json", ".log", ".md", ".txt", ".yaml", ".yml"), "text/plain; charset=utf-8"),
    **dict.fromkeys((".jpeg", ".jpg"), "image/jpeg"),
    ".gif": "image/gif",
    ".png": "image/png",
    ".webp": "image/webp",
}
# How far ahead of the server's clock a time may be: what is later would stay the newest version for long.
AHEAD_MS = 5 * 60 * 1000
DELETE_SECONDS = 20.0
# How long ago an upload may have been completed whose completion comes again.
LATELY_MS = 60 * 60 * 1000
# What the URLs of one answer may take, so that it stays below Lambda's 6 MB.
URLS_BYTES = 5_000_000
# What an upload's id may have, and what stands around the URL of a part beside its headers.
_UPLOAD_ID, _AROUND_PART = "u" * 256, 64


def offer(who: Principal, owner: str, manifest: Manifest) -> Offers:
    """What is still to be sent of each file of a manifest, and where to.

    It changes nothing that is seen, and may be asked again at any point: then for what has not arrived.

    Raises:
        NotFound: no such run or logged model.
        NotAllowed: the role or the token's scope is too small.
        Unacceptable: a path, size or digest that cannot be; or the team has no vault.
    """
    of = owners.to_write(who, owner)
    now = now_ms()
    wanted = [content.content(file.size, file.sha256, file.parts) for file in manifest.files]
    places = [_path(of, file.path) for file in manifest.files]
    found = files.offer(of.grant, of.vault, wanted)
    times = [now if file.time is None else min(file.time, now) for file in manifest.files]
    told = zip(places, times, wanted, strict=True)
    return Offers([offered(path, at, one, found[one.address]) for path, at, one in told])


def complete(who: Principal, owner: str, sent: Sent) -> Completion:
    """Store files that were sent, each proved by size and checksum, whole or not at all.

    Raises:
        NotFound: no such run or logged model.
        NotAllowed: the role or the token's scope is too small.
        Unacceptable: a path, size, digest or time that cannot be; or the team has no vault.
        Busy: others kept changing the same content.
    """
    of = owners.to_write(who, owner)
    latest = now_ms() + AHEAD_MS
    wanted: dict[str, Entry] = {}
    kept: list[Kept] = []
    for file in sent.files:
        if file.time > latest:
            raise limits.refused(file.time, "time", "say what the offer said; this lies ahead of the clock.")
        entry, one = _entry(who, of, file)
        if entry.SK not in wanted:
            wanted[entry.SK] = entry
            kept.append(one)
    stored = {one.item.SK for one in files.keep(of.grant, of.vault, kept)}
    durable.settle()
    missing = {entry.path: None for key, entry in wanted.items() if key not in stored}
    return Completion([catalogue.told(wanted[key]) for key in wanted if key in stored], list(missing))


def page(
    who: Principal,
    owner: str,
    path: str = "",
    *,
    after: str | None = None,
    limit: int = 1000,
    recursive: bool = False,
) -> Artifacts:
    """A page of what lies in a directory, or of all files below it, by path, the newest version of each."""
    of = owners.to_read(who, owner)
    if after is not None:
        paths.file(after.removesuffix("/"), "after")
    found = catalogue.listing(of, paths.directory(path), after=after, recursive=recursive)
    marked = list(islice(found, limit + 1))
    more = marked[limit - 1][0] if len(marked) > limit else None
    return Artifacts([artifact for _, artifact in marked[:limit]], more)


def listing(who: Principal, owner: str, path: str = "") -> Iterator[Artifact]:
    """All that lies in a directory, by path, the newest version of each; nothing for a file.

    Whether the caller may see it is found out at once, what lies there as far as somebody asks.
    """
    of = owners.to_read(who, owner)
    found = catalogue.listing(of, paths.directory(path))
    return (artifact for _, artifact in found)


def versions(
    who: Principal, owner: str, path: str, *, after: str | None = None, limit: int = 1000
) -> Versions:
    """A page of the versions of a path, the newest first, behind one of them; none where there is no file.

    Raises:
        NotFound: there is no such version to go on behind, or no such run or logged model.
    """
    of = owners.to_read(who, owner)
    path = paths.file(path)
    found = [one.artifact for one in catalogue.versions(of, path)]
    if after is not None:
        place = next((number for number, one in enumerate(found, 1) if one.version == after), None)
        if place is None:
            raise NotFound(f"There is no version {shown(after)} of {shown(path)}.", field="after")
        found = found[place:]
    return Versions(found[:limit], found[limit - 1].version if len(found) > limit else None)


def downloads(who: Principal, owner: str, wanted: Sequence[WantedFile]) -> list[Download]:
    """Where files can be fetched, in order.

    Raises:
        NotFound: one of them does not exist, or no such run or logged model.
        Unacceptable: one of them shall be shown in a page and is of no kind that may.
    """
    of = owners.to_read(who, owner)
    previews = [_preview(one.path) if one.inline else None for one in wanted]
    found = catalogue.find(of, [(paths.file(one.path), one.version) for one in wanted])
    return [_download(of, one, preview) for one, preview in zip(found, previews, strict=True)]


def fitting(found: Sequence[Download], field: str) -> Sequence[Download]:
    """Downloads, if one answer carries them: a URL may have 7 kB, where a path is long and not of ASCII.

    Raises:
        TooLarge: it does not.
    """
    size = 0
    for number, one in enumerate(found):
        size += len(msgspec.json.encode(one)) + 1
        if size > URLS_BYTES:
            message = f"The URLs of {len(found)} files take more than one answer carries"
            raise TooLarge(f"{message}; ask for fewer files a call, {number} at most.", field=field)
    return found


def delete(who: Principal, owner: str, path: str) -> None:
    """Delete a file or a directory with all that lies below, every version of it; "" is everything.

    Deleting what is not there is no error.

    Raises:
        Unavailable: there was too much for one call; the same call goes on.
    """
    of = owners.to_delete(who, owner)
    path = paths.directory(path)
    if not purge.below(of, path, time.monotonic() + DELETE_SECONDS):
        raise Unavailable("There is more to delete; ask again.", retry_after=1)
    durable.settle()


def download_url(who: Principal, owner: str, path: str, *, bare: bool = False) -> Signed:
    """Where the newest version of a path can be fetched; S3 alone knows if an MLflow client's file exists.

    Args:
        who: the caller.
        owner: the run or logged model.
        path: which file.
        bare: the URL is followed without headers, as by a redirect.
    """
    of = owners.to_read(who, owner)
    path = paths.file(path)
    key, version = of.key(path), None
    mine = catalogue.newest_entry(of, path)
    if mine is not None:
        _, key, version = catalogue.newer(of, mine)
    name = path.rpartition("/")[2]
    return vaults.presign_get(of.vault, key, version=version, filename=name, bare=bare)


def upload_url(who: Principal, owner: str, path: str) -> Signed:
    """Where an MLflow client PUTs a file; what it overwrites stays as an earlier version."""
    of = owners.to_write(who, owner)
    return vaults.presign_put(of.vault, of.key(paths.file(path)))


def demand_upload(who: Principal, owner: str) -> None:
    """Demand that an MLflow client may upload, where its PUT has done the rest. Raises as `upload_url`."""
    owners.to_write(who, owner)


def put(who: Principal, owner: str, path: str, body: bytes) -> None:
    """Store a small file that came through the house."""
    of = owners.to_write(who, owner)
    vaults.put_small(of.vault, of.key(paths.file(path)), body)


def begin_upload(who: Principal, owner: str, path: str, parts: int) -> tuple[str, list[Signed]]:
    """Begin an MLflow client's upload in parts: its id, and where each part goes."""
    of = owners.to_write(who, owner)
    key = of.key(paths.file(path))
    longest = vaults.presign_part(of.vault, key, _UPLOAD_ID, MOST_PARTS)
    most = min(MOST_PARTS, URLS_BYTES // (len(msgspec.json.encode(longest)) + _AROUND_PART))
    if not 1 <= parts <= most:
        why = f"this file has 1 to {most} parts; make them longer: MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE."
        raise limits.refused(parts, "num_parts", why)
    upload_id = vaults.create_upload(of.vault, key)
    numbers = range(1, parts + 1)
    return upload_id, [vaults.presign_part(of.vault, key, upload_id, one) for one in numbers]


def complete_upload(
    who: Principal, owner: str, path: str, upload_id: str, parts: Sequence[tuple[int, str]]
) -> None:
    """Make a file of the parts (number, etag) that an MLflow client has sent; once more is no error.

    Raises:
        NotFound: no such upload is open, or no such run or logged model.
        Unacceptable: a part is missing, too small or another one.
    """
    of = owners.to_write(who, owner)
    key = of.key(paths.file(path))
    try:
        vaults.complete_upload(of.vault, key, upload_id, [Part(number, etag) for number, etag in parts])
    except NotFound:
        # An earlier try may have done it although its answer was lost; its object has as many parts.
        stat = vaults.head(of.vault, key)
        lately = stat is not None and stat.modified_ms > now_ms() - LATELY_MS
        if stat is None or not lately or not stat.etag.strip('"').endswith(f"-{len(parts)}"):
            raise


def abort_upload(who: Principal, owner: str, path: str, upload_id: str) -> None:
    """End an MLflow client's upload and drop its parts; one that is not open is no error."""
    of = owners.to_write(who, owner)
    vaults.abort_upload(of.vault, of.key(paths.file(path)), upload_id)


def offered(path: str, at: int, one: Content, what: uploads.Offer) -> Offer:
    """What is still to be sent of content that `offer_contents` looked at, as a client is told it."""
    if what.put is not None:
        return Offer(path, one.sha256, at, "put", what.put.url, what.put.headers)
    if not what.part_size:
        return Offer(path, one.sha256, at, "have")
    parts = [SignedPart(number, part.url, part.headers) for number, part in what.parts]
    size, more = what.part_size, what.more
    return Offer(path, one.sha256, at, "parts", part_size=size, parts=parts, more=more)


def fetched(vault: Vault, path: str, one: tuple[str, int, str]) -> Download:
    """Where content, given as (address, size, SHA-256), can be fetched as the file of this path."""
    address, size, sha256 = one
    signed = vaults.presign_get(vault, paths.of_content(address), filename=path.rpartition("/")[2])
    return Download(path, signed.url, signed.headers, size, sha256)


def _path(of: Owner, text: str) -> str:
    """A path in its one form, which an MLflow client could ask for too."""
    path = paths.file(text)
    of.key(path)
    return path


def _entry(who: Principal, of: Owner, file: SentFile) -> tuple[Entry, Kept]:
    one, path = content.content(file.size, file.sha256, file.parts), _path(of, file.path)
    step = None if file.step is None else limits.int64(file.step, "step")
    place = items.entry(of.grant, of.id, path, file.time, one.address)
    entry = Entry(
        place.pk,
        place.sk,
        path=path,
        address=one.address,
        sha256=one.sha256,
        size=one.size,
        t=file.time,
        step=step,
        by=who.name,
    )
    return entry, Kept(one, items.owner_of(place), entry)


def _preview(path: str) -> str:
    kind = PREVIEWS.get(splitext(path)[1].lower())
    if kind is None:
        why = f"only files with these endings are shown in a page: {' '.join(sorted(PREVIEWS))}."
        raise limits.refused(path, "inline", why)
    return kind


def _download(of: Owner, found: Found, preview: str | None) -> Download:
    told = found.artifact
    name = told.path.rpartition("/")[2]
    signed = vaults.presign_get(of.vault, found.key, version=found.version, filename=name, inline=preview)
    return Download(told.path, signed.url, signed.headers, told.size or 0, told.sha256, told.version)
