"""What follows a change of a run's head: one that became due is settled."""

from functions.metrics import upkeep
from functions.table import Raw


def on_change(before: Raw | None, after: Raw | None) -> None:
    """Settle the run if this change made it due, or released it while it still is.

    Args:
        before: the item before the change, as DynamoDB's stream gives it; None if it is new.
        after: the item now; None if it is gone.
    """
    if after is None or "due" not in after or "lease" in after or not after["SK"]["S"].startswith("R#"):
        return
    if before is not None and before.get("due") == after["due"] and "lease" not in before:
        return
    _, team, *_ = after["PK"]["S"].split("#")
    upkeep.settle(team, after["SK"]["S"][len("R#") : -1])
