"""What follows a change: files of deleted versions are let go, and those of versions that never came."""

import time

from functions import telemetry
from functions.datasets import items, removal
from functions.errors import Unacceptable
from functions.table import Raw


def on_change(before: Raw | None, after: Raw | None) -> None:
    """Do a piece of what this change asks for.

    Args:
        before: the item before the change, as DynamoDB's stream gives it; None if it is new.
        after: the item now; None if it is gone.
    """
    item = after or before or {}
    if not items.is_of_versions(item["PK"]["S"]):
        return
    (team, dataset), name = items.named(item["PK"]["S"]), item["SK"]["S"]
    try:
        if after is None:
            expired = int(item.get("ttl", {"N": "0"})["N"])
            if name.startswith(items.BEGUN) and expired <= time.time():
                removal.clear(team, dataset, name.removeprefix(items.BEGUN))
        elif (
            name.startswith(items.VERSION)
            and "purge" in after
            and after["purge"] != (before or {}).get("purge")
        ):
            removal.work(team, dataset, items.number_of(name))
    except Unacceptable as refused:  # somebody must repair the vault
        telemetry.failure("files of a dataset stay", team=team, item=name, why=refused.message)
