"""Reading a run whole and changing its head: the one optimistic loop that every change goes through."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from functions import table
from functions.access.grants import Grant
from functions.errors import Aborted, Busy, NotFound, Unacceptable
from functions.ids import RunId, now_ms
from functions.parallel import together
from functions.runs import items
from functions.runs.content import Content
from functions.runs.items import Head, Stored
from functions.runs.limits import ENDED
from functions.runs.merge import Goals, absorb
from functions.runs.points import Batch

# With this many metric blocks a run becomes due for compaction.
COMPACT_AT = 256
# Bytes of a head's packed content: what texts may fill, what new metric names may, and what a transaction
# takes. So a run that is full of texts can still be logged to, and what is in its tail can always be folded.
TEXTS_ROOM, NAMES_ROOM, ROOM = (items.BLOB_BYTES * parts for parts in (8, 9, items.OVERFLOWS + 1))
# What a metric takes at the most: its row in the columns and a name of 250 characters of four bytes.
_METRIC_BYTES = 88 + 1000
# One of the writers of a head always succeeds, and the others are told what it wrote: they try again at once,
# for a pause would only make that old. A pause, and a fresh look after it, comes with every eighth defeat.
_ATTEMPTS, _AT_ONCE, _LONGEST_PAUSE = 60, 8, 3
_LOOKS = 16
# Params and tags must also fit into an answer, which Lambda ends at 6 MB.
TEXTS_BYTES = 3_000_000
# What is due for so long was given up by the jobs, and asks them once more.
_OVERDUE_MS = 60 * 60 * 1000
Change = Callable[[Head, Content], bool]


def read(grant: Grant, run: RunId) -> Stored:
    """Head, overflow and tail in one strong read.

    Raises:
        NotFound: there is no such run.
    """
    place = items.group(grant, run)
    for attempt in range(_LOOKS):
        found = list(items.grouped(table.query(place.pk, place.sk)))
        if not found:
            raise not_found(run)
        if isinstance(found[0], Stored):
            return _living(run, found[0])
        _pause(attempt)
    raise _busy(run)


def read_shard(
    grant: Grant, experiment: str, shard: int, after: str | None, limit: int | None
) -> Iterator[Stored]:
    """The runs of one shard in ascending id, behind the run *after*; a page reads *limit* items."""
    pk = items.partition(grant, experiment, shard)
    behind = None if after is None else f"{items.RUN}{after}{items.HEAD}"
    raws = table.query(pk, items.RUN, after=behind, limit=limit)
    for stored in items.grouped(raws):
        if isinstance(stored, Stored):
            if not stored.is_condemned:
                yield stored
        else:
            with suppress(NotFound):  # condemned in between
                yield read(grant, stored)


def put_new(head: Head) -> Head | None:
    """Write a new run's head; answers the head that stood there already, if one did."""
    try:
        table.put(head, Head.PK.does_not_exist())
    except table.Lost as lost:
        stood = Head.from_raw_data(lost.items[0] or {})
        return None if stood.w == head.w else stood
    return None


def change(grant: Grant, run: RunId, stored: Stored, how: Change, room: int = TEXTS_ROOM) -> Stored:
    """Apply *how* to head and content and write the result, again if somebody else wrote in between.

    Args:
        grant: the right to do it.
        run: the run.
        stored: the run as it was read.
        how: changes head and content in place and says whether it did; it may be called several times.
        room: how many bytes the content may grow to.

    Raises:
        Unacceptable: the run would outgrow its room.
        Busy: others kept winning.
    """
    for attempt in range(_ATTEMPTS):
        head, content = _living(run, stored).head, Content(stored.blob)
        if not how(head, content):
            return stored
        blob = content.packed()
        if len(blob) > len(stored.blob):
            _demand_fit(run, content, len(blob), room)
        writes = items.writes(grant, run, head, blob)
        try:
            if len(writes) == 1:
                table.put(head, writes[0].condition)
            else:
                table.transact(*writes)
        except table.Lost as lost:
            if not lost.items[0]:
                raise not_found(run) from lost
            now = Head.from_raw_data(lost.items[0])
            if now.w != head.w:
                known = attempt % _AT_ONCE < _AT_ONCE - 1 and not now.nx
                after = Stored(now, now.d, stored.tails, together=False)
                stored = after if known else _again(grant, run, attempt)
                continue
        except Aborted:
            if len(writes) > 1:  # `transact` has tried for long enough
                raise
            stored = _again(grant, run, attempt)
            continue
        return Stored(head, blob, stored.tails, together=stored.together)
    raise _busy(run)


def _demand_fit(run: RunId, content: Content, size: int, room: int) -> None:
    if size > room:
        raise _full(run, size)
    if room == TEXTS_ROOM and content.text_bytes() > TEXTS_BYTES:
        raise _full(run, content.text_bytes())


def demand_room(run: RunId, stored: Stored, batch: Batch, goals: Goals) -> None:
    """Demand that the head will have room for the batch's metric names when the tail is folded.

    Raises:
        Unacceptable: it has none; points of metrics that the run has already are always taken.
    """
    most = len(stored.blob) + sum(len(blob) for _, blob in stored.tails)
    names = {point[0] for point in batch.points}
    if most + _METRIC_BYTES * len(names) <= NAMES_ROOM:
        return
    content = Content(stored.blob)
    absorb(content, stored.batches(), goals)
    if names <= content.metrics.keys():
        return
    absorb(content, [("", batch)], goals)
    size = len(content.packed())
    if size > NAMES_ROOM:
        raise _full(run, size)


def put_tails(tails: list[tuple[str, items.Tail]]) -> None:
    """Write tail items side by side: no condition, so no contention."""
    together(*(partial(table.put, tail) for _, tail in tails))


class Outrun(Exception):
    """Somebody wrote the head since it was read with its tail."""


def fold(
    grant: Grant, run: RunId, stored: Stored, *, tails: list[tuple[str, Batch]], goals: Goals, blocks: int
) -> Stored:
    """Move the tail into the head, after its points were written as *blocks* metric blocks, and remove it.

    The head names the tail items that are folded until they are gone, so a crash counts none twice. Only a
    head that was read together with the tail tells which names it may forget, and which items it has.

    Raises:
        Outrun: this head is not, and nothing was changed.
    """
    folded = [not stored.together]

    def how(head: Head, content: Content) -> bool:
        if folded[0]:
            raise Outrun
        folded[0] = True
        absorb(content, tails, goals)
        content.folded = [key for key, batch in tails if not batch.writer]
        head.nb += blocks
        long_due = head.due is not None and head.due < now_ms() - _OVERDUE_MS
        if (head.due is None or long_due) and (head.nb >= COMPACT_AT or head.st in ENDED):
            head.due = now_ms()
        return True

    after = change(grant, run, stored, how, ROOM)
    table.delete_many([items.tail_key(grant, run, key) for key, _ in tails])
    return Stored(after.head, after.blob, [])


def not_found(run: RunId) -> NotFound:
    """The error for a run that is not there."""
    return NotFound(f"Run '{run.text}' not found.", field="run_id")


def _living(run: RunId, stored: Stored) -> Stored:
    if stored.is_condemned:
        raise not_found(run)
    return stored


def _again(grant: Grant, run: RunId, attempt: int) -> Stored:
    _pause(attempt // _AT_ONCE)
    return read(grant, run)


def _pause(attempt: int) -> None:
    table.retry_after_lost(min(attempt, _LONGEST_PAUSE))


def _full(run: RunId, size: int) -> Unacceptable:
    message = f"Run {run.text} is full: its params, tags and metric names would take {size} bytes."
    return Unacceptable(message, field="run_id")


def _busy(run: RunId) -> Busy:
    return Busy(f"Run {run.text} is being changed by many at once; try again.", retry_after=1)
