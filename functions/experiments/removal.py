"""Removing experiments for good: a condemned one exists for nobody, and goes when nothing is left in it.

The mark is the time in ms at which somebody last asked; a change of it sets the house's job going.
"""

from contextlib import suppress

from functions import ids, revision, table
from functions.access import grants
from functions.access.grants import Grant
from functions.access.policy import Action
from functions.access.principal import Principal
from functions.errors import NotFound, Unacceptable
from functions.experiments import items
from functions.experiments.items import ExperimentItem


def condemn(who: Principal, experiment_id: str) -> int:
    """Have a deleted experiment removed for good with all that lies in it, and answer since when.

    Asking again sets the job going again.

    Raises:
        NotFound: there is none with this id.
        Unacceptable: it is not deleted, or it is the team's Default.
    """
    g = grants.grant(who, Action.DELETE)
    experiment_id = ids.parse_experiment_id(experiment_id)
    if experiment_id == items.DEFAULT_ID:
        message = "A team always has its Default experiment; delete and purge its runs instead."
        raise Unacceptable(message, field="experiment_id")
    item = table.get(ExperimentItem, items.key(g, experiment_id))
    if item is None:
        raise no_such(experiment_id)
    if item.deleted_at is None:
        message = f"The experiment {experiment_id} must be deleted before it can be purged."
        raise Unacceptable(message, field="experiment_id")
    return mark(g, experiment_id, ids.now_ms())


def mark(grant: Grant, experiment_id: str, at: int) -> int:
    """Condemn an experiment that is deleted, or set the job that removes it going again; answers the mark.

    Raises:
        NotFound: there is none with this id, or it was restored meanwhile.
    """
    missing = no_such(experiment_id)

    def alter(item: ExperimentItem) -> bool:
        if item.deleted_at is None:
            raise missing
        item.purge = max(at, int(item.purge or 0) + 1)
        return True

    found = revision.change(ExperimentItem, items.key(grant, experiment_id), alter, missing)
    return int(found.purge)


def is_condemned(grant: Grant, experiment_id: str) -> bool | None:
    """Whether an experiment is being removed; None where there is none."""
    item = table.get(ExperimentItem, items.key(grant, experiment_id))
    return None if item is None else item.purge is not None


def erase(grant: Grant, experiment_id: str) -> None:
    """Remove the datasets of a condemned experiment, then itself together with its name."""
    place = items.key(grant, experiment_id)
    item = table.get(ExperimentItem, place)
    if item is None or item.purge is None:
        return
    names = [raw["SK"]["S"] for raw in table.query(items.partition(grant, experiment_id))]
    table.delete_many([items.lying(grant, experiment_id, name) for name in names])
    name = items.name_key(grant, item.name)
    mine = items.NameItem.experiment_id == experiment_id
    with suppress(table.Lost):
        table.transact(table.Delete(place, ExperimentItem.purge.exists()), table.Delete(name, mine))


def no_such(experiment_id: str, state: str = "") -> NotFound:
    """The error for an experiment that is not there, or not in this state."""
    return NotFound(f"No {state}experiment with id {ids.shown(experiment_id)} exists.", field="experiment_id")
