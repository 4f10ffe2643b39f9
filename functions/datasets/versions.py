"""Finding versions, and the two transactions that say which there are: one more, and one less.

A number is given last, when everything else of a version is there. Each digest has one number for ever.
"""

from collections.abc import Sequence
from functools import partial

from pynamodb.expressions.condition import Condition

from functions import revision, table
from functions.access.grants import Grant
from functions.datasets import items
from functions.datasets.items import DatasetItem, DigestItem, VersionItem, Words
from functions.datasets.manifest import FILES, LATEST, OWN, Body
from functions.errors import Busy, NotFound, Unacceptable
from functions.ids import name_hash, now_ms, shown
from functions.parallel import together
from functions.revision import Revised
from runhaven.wire.datasets import DatasetVersion

_TRIES, _LONGEST_PAUSE = 16, 5
MOST_VERSIONS = 10**8 - 1


def dataset(grant: Grant, name: str) -> DatasetItem:
    """A dataset.

    Raises:
        NotFound: there is none of this name.
    """
    found = table.get(DatasetItem, items.datasets(grant, name))
    if found is None:
        raise no_such(name)
    return found


def find(grant: Grant, name: str, wanted: int | str) -> VersionItem:
    """A version by its number, by `latest`, or by an alias.

    Raises:
        NotFound: there is none, or it was deleted.
    """
    number = _number(wanted)
    if number is None:
        head = dataset(grant, name)
        latest = None if head.latest is None else int(head.latest)
        number = latest if wanted == LATEST else items.words(head.words).aliases.get(str(wanted))
    found = None
    if number is not None and 0 < number <= MOST_VERSIONS:
        found = table.get(VersionItem, items.version(grant, name_hash(name), number))
    if found is None or found.deleted_at is not None:
        raise no_such(name, wanted)
    return found


def standing(grant: Grant, name: str, digest: str) -> VersionItem | None:
    """The version that has this digest already.

    Raises:
        Unacceptable: it was deleted, and its digest is not used again.
    """
    known = table.get(DigestItem, items.digest(grant, items.place(name, digest)))
    return None if known is None else _of_digest(grant, name, known)


def known(grant: Grant, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, bool]]:
    """Which of these names and digests are versions: the number of each, and whether it was deleted."""
    places = {items.digest(grant, items.place(*one)): one for one in pairs}
    found = table.get_many(DigestItem, list(places))
    by_key = {(key.pk, key.sk): one for key, one in places.items()}
    return {by_key[each.PK, each.SK]: (int(each.number), each.deleted is not None) for each in found}


def add(
    grant: Grant, name: str, body: Body, words: Words, *, by: str, run_id: str | None
) -> tuple[VersionItem, bool]:
    """Give a version its number, the next one of its dataset, which is made with its first version.

    Returns:
        The version, and whether it is new: the same digest again is the same version.

    Raises:
        Unacceptable: it was deleted, and its digest is not used again.
        Busy: others kept adding.
    """
    at, now = items.place(name, body.digest), now_ms()
    place, mark, begun = items.datasets(grant, name), items.digest(grant, at), items.begun(grant, at)
    blob, texts = items.packed(body), words.packed()
    for attempt in range(_TRIES):
        head: DatasetItem | None
        head, known = together(partial(table.get, DatasetItem, place), partial(table.get, DigestItem, mark))
        if known is not None:
            return _of_digest(grant, name, known), False
        unchanged = DatasetItem.PK.does_not_exist() if head is None else _unchanged(head)
        if head is None:
            empty = Words().packed()
            head = DatasetItem(
                place.pk, place.sk, name=name, created_at=now, created_by=by, updated_at=now, words=empty
            )
        revision.stamp(head)
        number = int(head.number) + 1
        head.number = head.latest = number
        head.updated_at = max(now, int(head.updated_at) + 1)
        lies = items.version(grant, at.dataset, number)
        made = VersionItem(
            lies.pk,
            lies.sk,
            name=name,
            digest=body.digest,
            kind=body.kind,
            body=blob,
            run_id=run_id,
            created_at=now,
            created_by=by,
            words=texts,
        )
        digest = DigestItem(mark.pk, mark.sk, number=number)
        writes: list[table.Put | table.Delete] = [
            table.Put(head, unchanged),
            table.Put(made, VersionItem.PK.does_not_exist()),
            table.Put(digest, DigestItem.PK.does_not_exist()),
            *([table.Delete(begun)] if body.kind == FILES else []),
        ]
        try:
            table.transact(*writes)
        except table.Lost:  # to another version, to the same one, or to this very write
            table.retry_after_lost(min(attempt, _LONGEST_PAUSE))
        else:
            return made, True
    raise _busy(name)


def drop(grant: Grant, name: str, number: int, by: str) -> VersionItem:
    """Take a version away: from everybody at once, its files soon; its number and digest stay taken.

    Raises:
        NotFound: there was never such a version.
        Busy: others kept changing the dataset.
    """
    place, key = items.datasets(grant, name), items.version(grant, name_hash(name), number)
    for attempt in range(_TRIES):
        head = table.get(DatasetItem, place)
        found = table.get(VersionItem, key)
        if head is None or found is None:
            raise no_such(name, number)
        if found.deleted_at is not None:
            return found
        now, unchanged = now_ms(), (_unchanged(head), _unchanged(found))
        words = items.words(head.words)
        words.aliases = {alias: one for alias, one in words.aliases.items() if one != number}
        head.words, head.updated_at = words.packed(), max(now, int(head.updated_at) + 1)
        head.latest = _newest(grant, name, besides=number)
        found.body = items.packed(Body(found.digest, found.kind))
        found.words, found.deleted_at, found.deleted_by = Words().packed(), now, by
        found.purge = now if found.kind == FILES else None
        mark = items.digest(grant, items.place(name, found.digest))
        digest = DigestItem(mark.pk, mark.sk, number=number, deleted=now)
        revision.stamp(head)
        revision.stamp(found)
        try:
            table.transact(table.Put(head, unchanged[0]), table.Put(found, unchanged[1]), table.Put(digest))
        except table.Lost:
            table.retry_after_lost(min(attempt, _LONGEST_PAUSE))
        else:
            return found
    raise _busy(name)


def told(item: VersionItem) -> DatasetVersion:
    """A version as callers are told it."""
    body, words, number = items.body(item.body), items.words(item.words), items.number_of(item.SK)
    source = body.source if body.kind != FILES else f"{OWN}:/datasets/{item.name}/{number}"
    return DatasetVersion(
        dataset=item.name,
        version=number,
        digest=item.digest,
        kind="files" if body.kind == FILES else "reference",
        source=source,
        source_type=body.source_type,
        source_version=body.source_version,
        schema=body.schema,
        profile=body.profile,
        rows=body.rows,
        columns=body.columns,
        files=body.files,
        size=body.size,
        run_id=item.run_id,
        created_at=int(item.created_at),
        created_by=item.created_by,
        description=words.description,
        tags=words.tags,
    )


def no_such(name: str, number: int | str | None = None) -> NotFound:
    """The error for a dataset or a version that is not there."""
    if number is None:
        return NotFound(f"No dataset with name {shown(name)} exists.", field="name")
    return NotFound(f"Dataset {shown(name)} has no version {shown(number)}.", field="version")


def _of_digest(grant: Grant, name: str, mark: DigestItem) -> VersionItem:
    number = int(mark.number)
    found = table.get(VersionItem, items.version(grant, name_hash(name), number))
    if found is None or found.deleted_at is not None:
        message = f"Version {number} of dataset {shown(name)} had this digest and was deleted for good."
        raise Unacceptable(message, field="digest")
    return found


def _newest(grant: Grant, name: str, besides: int) -> int | None:
    place = items.version(grant, name_hash(name))
    for raw in table.query(place.pk, place.sk, backwards=True, limit=4):
        number = items.number_of(raw["SK"]["S"])
        if number != besides and "deleted_at" not in raw:
            return number
    return None


def _number(wanted: int | str) -> int | None:
    """The number that is meant; None for a word."""
    if isinstance(wanted, int):
        return wanted
    return int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 10 else None


def _unchanged(item: Revised) -> Condition:
    return type(item).rv == item.rv


def _busy(name: str) -> Busy:
    return Busy(f"Dataset {shown(name)} is being changed by many at once; try again.", retry_after=1)
