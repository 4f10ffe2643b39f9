"""Content that a team's vault holds once, whoever logs it, for as long as somebody needs it.

    (absent) ── held ── doubted ── doomed ── gone ── held …
                  └────────┘

Who needs content writes the need in one transaction with a look at its state. Who lets go first doubts, then
looks for needs, then dooms; each step demands that nobody took another one. Only what is doomed is deleted,
and only the very version of the object that was held. So whatever happens at once, and wherever it is broken
off, content that is needed stays, and the same call made again completes what is not complete.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from pynamodb.expressions.condition import Condition

from functions import durable, table
from functions.access.grants import Grant
from functions.artifacts import items, paths, uploads, vaults
from functions.artifacts.content import Content, packed
from functions.artifacts.items import FileItem
from functions.artifacts.uploads import Offer
from functions.artifacts.vaults import Stat, Vault
from functions.errors import Aborted, Busy
from functions.ids import now_ms
from functions.parallel import together

HELD, DOUBTED, DOOMED, GONE = "held", "doubted", "doomed", "gone"
# How many URLs for parts an answer holds: each takes about two kilobytes, an answer at most six megabytes.
MOST_PART_URLS = 500
# Content that was offered and not committed is looked at after a week. Gone content is remembered for a day,
# when nobody who saw it absent before is still at work.
OFFER_SECONDS, GONE_SECONDS = 7 * 86_400, 86_400
# A transaction has 100 writes; a need takes two of them and the state one.
_NEEDS = 33
# How many addresses are looked at side by side when nobody came back for them.
_FORSAKEN = 100
_TRIES = 6


class Kept(NamedTuple):
    """Content that is needed from now on.

    Attributes:
        content: which.
        owner: by which name it is needed.
        item: what is written together with the need.
    """

    content: Content
    owner: str
    item: table.Item


class _Unit(NamedTuple):
    """Needs of one content that are written together, with the look at its state, or its change."""

    address: str
    state: table.Put | table.Check
    needs: list[Kept]


def offer(grant: Grant, vault: Vault, contents: Iterable[Content]) -> dict[str, Offer]:
    """What is still to be sent of each content, by address, with URLs for a quarter of an hour.

    A part that has arrived is not asked for again.

    Raises:
        Unacceptable: two sizes are given for the same content, or another one than it has.
    """
    wanted: dict[str, Content] = {}
    for one in contents:
        uploads.demand_size(one, wanted.setdefault(one.address, one).size)
    known = _proved(grant, vault, _known(grant, wanted))
    _demand_sizes(wanted.values(), known)
    absent = [one for one in wanted.values() if _is_to_send(known.get(one.address))]
    if absent:
        _look_later(grant, [one.address for one in absent])
    offers = {address: Offer() for address in wanted}
    long = [one for one in absent if one.parts]
    room = MOST_PART_URLS
    all_begun = together(*(partial(uploads.begin, grant, vault, one) for one in long))
    for one, begun in zip(long, all_begun, strict=True):
        if begun is not None:
            offers[one.address] = uploads.in_parts(vault, one, begun, room)
            room -= len(offers[one.address].parts)
    return offers | {one.address: uploads.whole(vault, one) for one in absent if not one.parts}


def keep(grant: Grant, vault: Vault, wanted: Iterable[Kept]) -> list[Kept]:
    """Need content that has been sent, and write what goes with each need, in one transaction.

    Returns:
        What is kept. The rest has not arrived, or is being deleted: it is to be offered and sent again.

    Raises:
        Busy: others kept changing the same content.
        Unacceptable: content has another size than is said.
    """
    waiting: dict[str, list[Kept]] = {}
    for one in wanted:
        here = waiting.setdefault(one.content.address, [])
        here.append(one)
        uploads.demand_size(one.content, here[0].content.size)
    done: list[Kept] = []
    for attempt in range(_TRIES):
        known = _proved(grant, vault, _known(grant, waiting))
        _demand_sizes((here[0].content for here in waiting.values()), known)
        _finish(grant, vault, [item for item in known.values() if item.state == DOOMED])
        absent = [here[0].content for address, here in waiting.items() if _is_to_send(known.get(address))]
        looks = together(*(partial(uploads.arrived, grant, vault, one) for one in absent))
        stats = {one.address: stat for one, stat in zip(absent, looks, strict=True)}
        waiting = {address: here for address, here in waiting.items() if stats.get(address, here) is not None}
        units = [
            unit
            for address, here in waiting.items()
            for unit in _units(grant, here, known.get(address), stats.get(address))
        ]
        done += _commit(grant, units, waiting, most=1 if attempt > 1 else table.TRANSACTION)
        if not waiting:
            return done
        table.retry_after_lost(attempt)
    raise _many()


def release(grant: Grant, vault: Vault | None, needs: Iterable[tuple[str, str]]) -> None:
    """Need content no longer, given as (address, owner), and delete what nobody else needs."""
    gone = list(needs)
    table.delete_many([items.need(grant, address, owner) for address, owner in gone])
    if vault is not None:
        let_go(grant, vault, {address for address, _ in gone})


def let_go(grant: Grant, vault: Vault, addresses: Iterable[str]) -> None:
    """Delete the content that nobody needs."""
    doomed = together(*(partial(_doom, grant, address) for address in addresses))
    _finish(grant, vault, [item for item in doomed if item is not None])


def forsake(grant: Grant, vault: Vault, addresses: Iterable[str], until: float) -> bool:
    """Delete what was sent but never committed, and what nobody needs; False if it takes longer than *until*.

    `until` is a moment of `time.monotonic()`.
    """
    left = iter(addresses)
    while wanted := list(islice(left, _FORSAKEN)):
        if time.monotonic() > until:
            return False
        known = _known(grant, wanted)
        absent = [address for address in wanted if _is_absent(known.get(address))]
        sent = together(*(partial(_doom_sent, grant, vault, one, known.get(one)) for one in absent))
        _finish(grant, vault, [item for item in sent if item is not None])
        let_go(grant, vault, [address for address in wanted if address not in absent])
    return True


def _doom_sent(grant: Grant, vault: Vault, address: str, before: FileItem | None) -> FileItem | None:
    stat = vaults.head(vault, paths.of_content(address))
    if stat is None:
        return None
    doomed = _item(grant, address, before, DOOMED, size=stat.size, version=stat.version)
    return doomed if _turned(doomed, before) else None


def _units(grant: Grant, here: list[Kept], item: FileItem | None, stat: Stat | None) -> Iterator[_Unit]:
    """All needs of one content, the first of them with what makes it held; none of what is doomed."""
    if item is not None and item.state == DOOMED:
        return
    content = here[0].content
    state: table.Put | table.Check
    state = check = table.Check(items.content(grant, content.address), FileItem.state == HELD)
    if item is None or item.state != HELD or item.unproved:
        version = stat.version if stat is not None else item.version if item is not None else None
        held = _item(grant, content.address, item, HELD, size=content.size, version=version)
        state = table.Put(held, _unchanged(item))
    for start in range(0, len(here), _NEEDS):
        yield _Unit(content.address, state, here[start : start + _NEEDS])
        state = check


def _commit(grant: Grant, units: list[_Unit], waiting: dict[str, list[Kept]], *, most: int) -> list[Kept]:
    """Write units in transactions; what is written no longer waits, what was lost does."""
    done: list[Kept] = []
    for some in _transactions(units, most):
        writes: list[table.Put | table.Check] = []
        for unit in some:
            writes.append(unit.state)
            for one in unit.needs:
                place = items.need(grant, unit.address, one.owner)
                writes += [table.Put(items.Need(place.pk, place.sk)), table.Put(one.item)]
        try:
            table.transact(*writes)
        except (table.Lost, Aborted):
            continue
        for unit in some:
            done += unit.needs
            waiting[unit.address] = [one for one in waiting[unit.address] if one not in unit.needs]
            if not waiting[unit.address]:
                del waiting[unit.address]
    return done


def _transactions(units: list[_Unit], most: int) -> Iterator[list[_Unit]]:
    """Units in the order given, as many a transaction as fit, none twice of the same content."""
    some: list[_Unit] = []
    size = 0
    for unit in units:
        writes = 1 + 2 * len(unit.needs)
        if some and (size + writes > most or some[-1].address == unit.address):
            yield some
            some, size = [], 0
        some.append(unit)
        size += writes
    if some:
        yield some


def _doom(grant: Grant, address: str) -> FileItem | None:
    """Doom content that nobody needs; None where somebody does, or there is nothing to delete.

    Also what another call has doomed meanwhile is given back: that one may have died over it.

    Raises:
        Busy: others kept changing it.
    """
    place = items.content(grant, address)
    item = table.get(FileItem, place)
    for _ in range(_TRIES):
        if item is None or item.state == GONE:
            return None
        if item.state == DOOMED:
            return item
        needed = _is_needed(grant, address)
        if item.state == HELD and needed:
            return None
        state = DOUBTED if item.state == HELD else HELD if needed else DOOMED
        item = _turned_to(grant, item, state) or table.get(FileItem, place)
    raise _many()


def _finish(grant: Grant, vault: Vault, doomed: Sequence[FileItem]) -> None:
    """Delete the objects of doomed content, then remember that it is gone."""
    if not doomed:
        return
    durable.settle()
    vaults.erase(vault, [(paths.of_content(_address(item)), item.version) for item in doomed])
    ends = int(time.time()) + GONE_SECONDS

    def forget(item: FileItem) -> None:
        _turned(_item(grant, _address(item), item, GONE, size=int(item.size), ttl=ends), item)

    together(*(partial(forget, item) for item in doomed))


def _turned(after: FileItem, before: FileItem | None) -> bool:
    """Write the next state on the condition that nobody wrote another one."""
    try:
        table.put(after, _unchanged(before))
    except table.Lost as lost:  # to whoever did the same, or to this very write, whose answer was lost
        stood = FileItem.from_raw_data(lost.items[0]) if lost.items[0] else None
        return stood is not None and (stood.state, stood.rv) == (after.state, after.rv)
    return True


def _turned_to(grant: Grant, item: FileItem, state: str) -> FileItem | None:
    """Content in another state; None where somebody else was faster."""
    more = {"size": int(item.size), "version": item.version, "unproved": item.unproved}
    after = _item(grant, _address(item), item, state, **more)
    return after if _turned(after, item) else None


def _unchanged(item: FileItem | None) -> Condition:
    return FileItem.PK.does_not_exist() if item is None else FileItem.rv == item.rv


def _item(grant: Grant, address: str, before: FileItem | None, state: str, **more: Any) -> FileItem:
    place = items.content(grant, address)
    rv = 1 if before is None else int(before.rv) + 1
    return FileItem(place.pk, place.sk, state=state, rv=rv, **more)


def _is_needed(grant: Grant, address: str) -> bool:
    place = items.content(grant, address)
    return any(True for _ in table.query(place.pk, items.NEED, limit=1))


def _known(grant: Grant, addresses: Iterable[str]) -> dict[str, FileItem]:
    found = table.get_many(FileItem, [items.content(grant, address) for address in addresses])
    return {_address(item): item for item in found}


def _proved(grant: Grant, vault: Vault, known: dict[str, FileItem]) -> dict[str, FileItem]:
    """The same, after a look into the vault for what is unproved: if it is there, it is unproved no more."""
    doubtful = [address for address, item in known.items() if item.unproved and item.state != DOOMED]
    looks = together(*(partial(vaults.head, vault, paths.of_content(address)) for address in doubtful))
    for address, stat in zip(doubtful, looks, strict=True):
        before = known[address]
        if stat is not None and stat.sha256 == address:
            after = _item(grant, address, before, before.state, size=stat.size, version=stat.version)
            if _turned(after, before):
                known[address] = after
    return known


def _address(item: FileItem) -> str:
    return str(item.PK).rpartition("#")[2]


def _demand_sizes(contents: Iterable[Content], known: dict[str, FileItem]) -> None:
    for one in contents:
        item = known.get(one.address)
        if item is not None and item.state in {HELD, DOUBTED}:
            uploads.demand_size(one, int(item.size))


def _is_absent(item: FileItem | None) -> bool:
    return item is None or item.state == GONE


def _is_to_send(item: FileItem | None) -> bool:
    return item is None or _is_absent(item) or bool(item.unproved)


def _look_later(grant: Grant, addresses: list[str]) -> None:
    place, ends = items.later(grant, now_ms()), int(time.time()) + OFFER_SECONDS
    table.put(items.Later(place.pk, place.sk, ttl=ends, addresses=packed(addresses)))


def _many() -> Busy:
    return Busy("The same files are being stored or removed by many at once; try again.", retry_after=1)
