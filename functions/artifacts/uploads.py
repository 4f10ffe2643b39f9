"""How content comes into a vault: in one PUT, or in parts that may be sent days apart, then proved.

A PUT is of one object that must be new, with its length and SHA-256 signed; a part is signed likewise. Nobody
names an upload from outside: the house finds it by the content's address.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from functions import limits, table
from functions.access.grants import Grant
from functions.artifacts import items, paths, vaults
from functions.artifacts.content import Content
from functions.artifacts.items import Upload
from functions.artifacts.vaults import Part, Signed, Stat, Vault
from functions.errors import AlreadyExists, Busy, NotFound, Unacceptable
from runhaven.wire.artifacts import part_bytes

# A multipart upload is forgotten after three days, when the bucket's lifecycle has dropped its parts.
UPLOAD_SECONDS = 3 * 86_400


class Offer(NamedTuple):
    """What is still to be sent of content: nothing, all of it to `put`, or `parts` and `more` of them."""

    put: Signed | None = None
    part_size: int = 0
    parts: Sequence[tuple[int, Signed]] = ()
    more: int = 0


class Begun(NamedTuple):
    """A multipart upload, and what has arrived of it."""

    upload_id: str
    parts: list[Part]


def whole(vault: Vault, one: Content) -> Offer:
    """The offer of one PUT."""
    place = paths.of_content(one.address)
    return Offer(vaults.presign_put(vault, place, length=one.size, sha256=one.sha256, immutable=True))


def in_parts(vault: Vault, one: Content, begun: Begun, room: int) -> Offer:
    """The offer of the parts that have not arrived, *room* of them at the most."""
    place, length = paths.of_content(one.address), part_bytes(one.size)
    here = {part.number for part in begun.parts if _is_expected(one, part)}
    missing = [number for number in range(1, len(one.parts) + 1) if number not in here]
    signed = []
    for number in missing[:room]:
        size, sha256 = min(length, one.size - (number - 1) * length), one.parts[number - 1]
        url = vaults.presign_part(vault, place, begun.upload_id, number, length=size, sha256=sha256)
        signed.append((number, url))
    return Offer(None, length, signed, len(missing) - len(signed))


def begin(grant: Grant, vault: Vault, one: Content) -> Begun | None:
    """The multipart upload of content, begun if there is none; None if it was completed already."""
    place, note = paths.of_content(one.address), items.upload(grant, one.address)
    item = table.get(Upload, note)
    for _ in range(3):
        if item is not None:
            with suppress(NotFound):
                return Begun(item.upload_id, vaults.parts(vault, place, item.upload_id))
            if vaults.head(vault, place) is not None:
                return None
        mine, item = _another(vault, place, note, item)
        if item is mine:
            return Begun(mine.upload_id, [])
    raise Busy("The same file is being sent by many at once; try again.", retry_after=1)


def arrived(grant: Grant, vault: Vault, one: Content) -> Stat | None:
    """The object of content that was sent, proved by size and checksum; parts are put together first.

    What proves to be something else is deleted. A wrong size is the sender's mistake, and harms nobody.

    Raises:
        Unacceptable: the vault's server keeps no checksums, or the size is another one.
    """
    place = paths.of_content(one.address)
    if one.parts:
        _put_together(grant, vault, one)
    stat = vaults.head(vault, place)
    if stat is None:
        return None
    if stat.sha256 is None and stat.size == one.size:
        raise Unacceptable("The vault's server does not keep the SHA-256 of what it is sent.")
    if stat.sha256 != one.address:
        vaults.erase(vault, [(place, stat.version)])
        return None
    demand_size(one, stat.size)
    return stat


def demand_size(one: Content, size: int) -> None:
    """Demand that content has the size it is said to have: its address does not tell that.

    Raises:
        Unacceptable: it has another one.
    """
    if one.size != size:
        raise limits.refused(one.size, "size", f"the content with SHA-256 {one.sha256} has {size} bytes.")


def _another(vault: Vault, place: str, note: table.Key, dead: Upload | None) -> tuple[Upload, Upload | None]:
    """Begin an upload in the place of one that is no more: mine, and whose stands if others were faster."""
    upload_id = vaults.create_upload(vault, place, checksums=True)
    mine = Upload(note.pk, note.sk, upload_id=upload_id, ttl=int(time.time()) + UPLOAD_SECONDS)
    try:
        table.put(mine, Upload.PK.does_not_exist() if dead is None else Upload.upload_id == dead.upload_id)
    except table.Lost as lost:
        stood = Upload.from_raw_data(lost.items[0]) if lost.items[0] else None
        if stood is None or stood.upload_id != upload_id:
            vaults.abort_upload(vault, place, upload_id)
            return mine, stood
    return mine, mine


def _put_together(grant: Grant, vault: Vault, one: Content) -> None:
    """Complete the multipart upload if every part is there. Whatever S3 answers, a look must decide."""
    place, note = paths.of_content(one.address), items.upload(grant, one.address)
    item = table.get(Upload, note)
    if item is None:
        return
    # It may have been completed by another call, or by an earlier try whose answer was lost.
    with suppress(NotFound, AlreadyExists):
        parts = vaults.parts(vault, place, item.upload_id)
        if len(parts) != len(one.parts) or not all(_is_expected(one, part) for part in parts):
            return
        vaults.complete_upload(vault, place, item.upload_id, parts, immutable=True)


def _is_expected(one: Content, part: Part) -> bool:
    return part.number <= len(one.parts) and part.sha256 == one.parts[part.number - 1]
