"""Removing runs for good. A condemned run exists for nobody; its head stays until nothing else is left of it.

The mark is the time in ms at which somebody last asked; a change of it sets the house's job going. A run that
is condemned with its whole experiment carries 0: the experiment's job removes it.
"""

from collections.abc import Iterator
from contextlib import suppress

from functions import table
from functions.access.grants import Grant, grant
from functions.access.policy import Action
from functions.access.principal import Principal
from functions.errors import Busy, NotFound, Unacceptable
from functions.experiments import service as experiments
from functions.ids import RunId, now_ms, parse_run_id
from functions.runs import items, lineage, store
from functions.runs.items import Head, Stored
from functions.runs.opening import seen

_TRIES, _LONGEST_PAUSE = 16, 5


def condemn(who: Principal, run_id: str) -> int:
    """Have a deleted run removed for good, and answer since when; asking again sets the job going again.

    Raises:
        NotFound: no such run in the team.
        Unacceptable: the run is not deleted.
    """
    g, run = grant(who, Action.DELETE), parse_run_id(run_id)
    head = table.get(Head, items.head_key(g, run))
    if head is None:
        raise store.not_found(run)
    if head.purge is None:
        try:
            experiment = experiments.get(who, run.experiment)
        except NotFound:
            raise store.not_found(run) from None
        if seen(Stored(head, head.d, []), experiment).lifecycle != "deleted":
            message = (
                f"The run {run.text} must be in the 'deleted' state to be purged. Current state is active."
            )
            raise Unacceptable(message, field="run_id")
    return mark(g, run, now_ms())


def mark(grant: Grant, run: RunId, at: int) -> int:
    """Condemn a run, or set the job that removes it going again, and answer the mark.

    Raises:
        NotFound: there is no such run.
    """
    for attempt in range(_TRIES):
        head = table.get(Head, items.head_key(grant, run))
        if head is None:
            raise store.not_found(run)
        was = int(head.rv)
        head.rv, head.purge, head.due = was + 1, at if not at else max(at, int(head.purge or 0) + 1), None
        try:
            table.put(head, Head.rv == was)
        except table.Lost:
            table.retry_after_lost(min(attempt, _LONGEST_PAUSE))
        else:
            return int(head.purge)
    raise Busy(f"Run {run.text} is being changed by many at once; try again.", retry_after=1)


def is_condemned(grant: Grant, run: RunId) -> bool | None:
    """Whether a run is being removed; None where there is none."""
    head = table.get(Head, items.head_key(grant, run))
    return None if head is None else head.purge is not None


def every(grant: Grant, experiment_id: str) -> Iterator[RunId]:
    """All runs of an experiment, condemned ones too, in no order."""
    for pk in items.partitions(grant, experiment_id):
        for raw in table.query(pk, items.RUN):
            name = raw["SK"]["S"]
            if name.endswith(items.HEAD):
                yield parse_run_id(name[len(items.RUN) : -len(items.HEAD)])


def erase(grant: Grant, run: RunId) -> None:
    """Remove a run's edges, its tail and overflow, and its head last, and only if it is condemned."""
    place, head = items.group(grant, run), items.head_key(grant, run)
    raws = list(table.query(place.pk, place.sk))
    for stored in items.grouped(raws):
        if isinstance(stored, Stored):  # else this was broken off behind the edges
            lineage.forget_run(grant, run, stored)
    lineage.forget_node(grant, run.text)
    names = [raw["SK"]["S"] for raw in raws]
    table.delete_many([items.lying(grant, run, name) for name in names if name != head.sk])
    with suppress(table.Lost):
        table.delete(head, Head.purge.exists())
