"""What follows a change: what was condemned is removed, and what expired is looked at once more."""

from base64 import b64decode

from functions import telemetry
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
    try:
        purge.work(team, _KINDS[name[:2]], name[2:].removesuffix("~"))
    except Unacceptable as refused:  # somebody must repair the vault, and then ask for the purge again
        telemetry.failure("a purge was given up", team=team, item=name, why=refused.message)


def _expired(item: Raw) -> None:
    _, team, _ = item["PK"]["S"].split("#")
    try:
        if "place" in item:
            purge.again(team, *item["place"]["S"].split(" "))
        if "addresses" in item:
            blob = item["addresses"]["B"]  # Lambda's event is JSON, so that bytes are base64 in it
            purge.unclaimed(team, b64decode(blob) if isinstance(blob, str) else blob)
    except Unacceptable as refused:
        telemetry.failure("what was left behind stays", team=team, why=refused.message)
