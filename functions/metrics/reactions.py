"""What follows a change of a run's head: one that became due is settled, by the queue where there is one."""

from collections.abc import Callable

from functions import jobs, tenancy
from functions.errors import Busy
from functions.metrics import upkeep
from functions.table import Raw


def on_change(before: Raw | None, after: Raw | None) -> None:
    """Settle the run if this change made it due.

    Args:
        before: the item before the change, as DynamoDB's stream gives it; None if it is new.
        after: the item now; None if it is gone.

    Raises:
        Busy: the run could not be settled; the change must come again.
    """
    if after is None or "due" not in after or not after["SK"]["S"].startswith("R#"):
        return
    if before is not None and before.get("due") == after["due"]:
        return
    _, team, *_ = after["PK"]["S"].split("#")
    run_id = after["SK"]["S"][len("R#") : -1]
    if jobs.handed_over("settle", team, run_id):
        return
    with tenancy.inside(team):
        if not upkeep.settle(team, run_id):
            raise Busy(f"Run {run_id} changed while it was settled.")


#: What the queue brings: what does a piece of it, and says whether that was all.
JOBS: dict[str, Callable[..., bool]] = {"settle": upkeep.settle}
