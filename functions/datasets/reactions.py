"""What follows a change: files of deleted versions are let go, and those of versions that never came.

Where there is a queue, the change only says so and the queue's function does it, piece by piece.
"""

import time
from collections.abc import Callable

from functions import jobs, telemetry, tenancy
from functions.datasets import items, removal
from functions.errors import Busy, Unacceptable
from functions.table import Raw


def on_change(before: Raw | None, after: Raw | None) -> None:
    """Do a piece of what this change asks for.

    Args:
        before: the item before the change, as DynamoDB's stream gives it; None if it is new.
        after: the item now; None if it is gone.

    Raises:
        Busy: there is more to do; the change must come again.
    """
    item = after or before or {}
    if not items.is_of_versions(item["PK"]["S"]):
        return
    (team, dataset), name = items.named(item["PK"]["S"]), item["SK"]["S"]
    if after is None:
        if name.startswith(items.BEGUN) and int(item.get("ttl", {"N": "0"})["N"]) <= time.time():
            _do("clear", team, dataset, name.removeprefix(items.BEGUN))
    elif name.startswith(items.VERSION) and after.get("purge") not in (None, (before or {}).get("purge")):
        number = str(items.number_of(name))
        if not jobs.handed_over("drop", team, dataset, number):
            with tenancy.inside(team):
                _tried(team, removal.work, dataset, int(number))


def _do(what: str, team: str, *words: str) -> None:
    if jobs.handed_over(what, team, *words):
        return
    with tenancy.inside(team):
        if not JOBS[what](team, *words):
            raise Busy("There is more to clear away.", retry_after=1)


def _drop(team: str, dataset: str, number: str) -> bool:
    return _tried(team, removal.piece, dataset, int(number))


def _clear(team: str, dataset: str, digest: str) -> bool:
    return _tried(team, removal.clear, dataset, digest)


def _tried(team: str, work: Callable[..., bool], *words: str | int) -> bool:
    try:
        return work(team, *words)
    except Unacceptable as refused:  # somebody must repair the vault
        telemetry.failure("files of a dataset stay", team=team, item=str(words), why=refused.message)
        return True


#: What the queue brings: what does a piece of it, and says whether that was all.
JOBS: dict[str, Callable[..., bool]] = {"drop": _drop, "clear": _clear}
