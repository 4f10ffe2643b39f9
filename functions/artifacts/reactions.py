"""What follows a change: what was condemned is removed, and what expired is looked at once more.

Where there is a queue, the change only says so and the queue's function does it, piece by piece.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import partial

from functions import jobs, telemetry, tenancy
from functions.artifacts import purge
from functions.errors import Unacceptable
from functions.table import Raw

# What the key of something that can be condemned begins with.
_KINDS = {"R#": "run", "L#": "model", "E#": "experiment"}

# The mark of what is removed with its experiment, by that one's job.
_BY_ANOTHER = {"N": "0"}


def on_change(before: Raw | None, after: Raw | None) -> None:
    """Do a piece of the removal that this change asks for, or look at what it has let expire.

    Args:
        before: the item before the change, as DynamoDB's stream gives it; None if it is new.
        after: the item now; None if it is gone.
    """
    if after is None:
        if before is not None and before["PK"]["S"].endswith("#LATER"):
            _expired(before)
    elif after["SK"]["S"][:2] in _KINDS and _is_asked_for(before or {}, after):
        _condemned(after)


def _is_asked_for(before: Raw, after: Raw) -> bool:
    mark = after.get("purge", _BY_ANOTHER)
    return mark not in (_BY_ANOTHER, before.get("purge"))


def _condemned(item: Raw) -> None:
    name = item["SK"]["S"]
    _, team, *_ = item["PK"]["S"].split("#")
    what = _KINDS[name[:2]], name[2:].removesuffix("~")
    if jobs.handed_over("purge", team, *what):
        return
    with tenancy.inside(team):
        if not _purge(team, *what):
            purge.renew(team, *what)


def _expired(item: Raw) -> None:
    _, team, _ = item["PK"]["S"].split("#")
    with tenancy.inside(team):
        if "place" in item:
            _do("again", team, *item["place"]["S"].split(" "))
        if "addresses" in item:
            blob = item["addresses"]["B"]  # Lambda's event is JSON, so that bytes are base64 in it
            _do("unclaimed", team, blob if isinstance(blob, str) else b64encode(blob).decode())


def _do(what: str, team: str, *words: str) -> None:
    if not jobs.handed_over(what, team, *words):
        JOBS[what](team, *words)


def _purge(team: str, kind: str, name: str) -> bool:
    try:
        return purge.piece(team, kind, name)
    except Unacceptable as refused:  # somebody must repair the vault, and then ask for the purge again
        telemetry.failure("a purge was given up", team=team, item=f"{kind} {name}", why=refused.message)
        return True


def _again(team: str, kind: str, name: str) -> bool:
    return _tried(team, partial(purge.again, team, kind, name))


def _unclaimed(team: str, addresses: str) -> bool:
    return _tried(team, partial(purge.unclaimed, team, b64decode(addresses)))


def _tried(team: str, work: Callable[[], None]) -> bool:
    try:
        work()
    except Unacceptable as refused:
        telemetry.failure("what was left behind stays", team=team, why=refused.message)
    return True


#: What the queue brings: what does a piece of it, and says whether that was all.
JOBS: dict[str, Callable[..., bool]] = {"purge": _purge, "again": _again, "unclaimed": _unclaimed}
