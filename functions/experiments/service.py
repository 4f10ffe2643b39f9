"""What can be done with experiments. Every verb asks for a grant first."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import islice

from pynamodb.expressions.condition import Condition

from functions import ids, limits, revision, table
from functions.access import grants
from functions.access.grants import Grant
from functions.access.policy import Action
from functions.access.principal import Principal
from functions.errors import AlreadyExists, Busy, NotFound, Unacceptable
from functions.experiments import items
from functions.experiments.datasets import (
    dataset_id,
    dataset_ids,
    dataset_summaries,
    datasets,
    datasets_of_runs,
    put_datasets,
)
from functions.experiments.datasets import forget as forget_datasets
from functions.experiments.items import ExperimentItem
from functions.experiments.memory import Memory
from functions.experiments.removal import condemn, erase, is_condemned, mark, no_such
from runhaven.wire.datasets import Dataset, DatasetSummary
from runhaven.wire.experiments import GOAL_TAG, NAME_LENGTH, PRIMARY_TAG, TAG_LENGTH, Experiment

__all__ = [
    "DEFAULT_ID",
    "DEFAULT_NAME",
    "Dataset",
    "DatasetSummary",
    "Experiment",
    "by_name",
    "condemn",
    "create",
    "dataset_id",
    "dataset_ids",
    "dataset_summaries",
    "datasets",
    "datasets_of_runs",
    "delete",
    "delete_tag",
    "erase",
    "forget",
    "founding",
    "get",
    "is_condemned",
    "known",
    "listing",
    "mark",
    "page",
    "put_datasets",
    "remembered",
    "rename",
    "restore",
    "set_tag",
    "several",
]

DEFAULT_ID, DEFAULT_NAME = items.DEFAULT_ID, "Default"
KNOWN_SECONDS = 60.0
# A page ends here, so that an answer stays below Lambda's 6 MB.
PAGE_BYTES = 2 * 2**20

# (when it was read, itself) by (team, id); weighed in bytes, 16 MB at most.
_known: Memory[tuple[str, str], tuple[float, Experiment]] = Memory(16 * 2**20)


def create(who: Principal, name: str, tags: Mapping[str, str] | None = None) -> Experiment:
    """Create an experiment, in one round trip.

    Raises:
        Unacceptable: the name is blank or too long, or a tag breaks a limit.
        AlreadyExists: the name is taken, maybe by a deleted experiment.
    """
    g = grants.grant(who, Action.CREATE_EXPERIMENT)
    name = _checked_name(name)
    checked = {key: _checked_tag(key, value) for key, value in (tags or {}).items()}
    for _ in range(4):  # an id is taken once in 2^40
        item = items.new(g, ids.new_experiment_id(), name, checked, ids.now_ms())
        revision.stamp(item)
        try:
            table.transact(*items.founding(g, item))
        except table.Lost as lost:
            if lost.items[1] is not None:
                raise _taken(g, name, lost.items[1]) from None
        else:
            return _remember(g, item)
    message = "No free experiment id was found; try again."
    raise Busy(message, retry_after=1)


def get(who: Principal, experiment_id: str) -> Experiment:
    """An experiment, also a deleted one, read strongly.

    Raises:
        NotFound: there is none with this id.
    """
    g = grants.grant(who, Action.READ_EXPERIMENT)
    return _read(g, ids.parse_experiment_id(experiment_id))


def several(grant: Grant, experiment_ids: Sequence[str]) -> dict[str, Experiment]:
    """The experiments that exist among these, by id, read strongly."""
    read_at = time.time()
    found = table.get_many(ExperimentItem, [items.key(grant, one) for one in dict.fromkeys(experiment_ids)])
    there = (_remember(grant, item, read_at) for item in found if item.purge is None)
    return {one.id: one for one in there}


def by_name(who: Principal, name: str) -> Experiment:
    """The experiment of this name, also a deleted one, read strongly.

    Raises:
        NotFound: no experiment has this name.
    """
    g = grants.grant(who, Action.READ_EXPERIMENT)
    wanted = ids.nfc(name)
    for _ in range(3):  # again if it was renamed in between
        holder = table.get(items.NameItem, items.name_key(g, wanted))
        if holder is None:
            break
        with suppress(NotFound):  # being purged: the name is free when that has ended
            found = _read(g, holder.experiment_id)
            if found.name == wanted:
                return found
    message = f"Could not find experiment with name {ids.shown(name)}"
    raise NotFound(message, field="name")


def listing(who: Principal) -> list[Experiment]:
    """All experiments of the team, active and deleted, in no order."""
    g = grants.grant(who, Action.READ)
    raws = table.query(items.team_partition(g), items.EXPERIMENT)
    return [_experiment(raw) for raw in raws if "purge" not in raw]


def page(who: Principal, after: str | None, limit: int) -> tuple[list[Experiment], str | None]:
    """Experiments by id as text, behind the id *after*, and the last one's id if there may be more."""
    g = grants.grant(who, Action.READ)
    behind = None if after is None else items.EXPERIMENT + ids.parse_experiment_id(after)
    raws = table.query(items.team_partition(g), items.EXPERIMENT, after=behind, limit=limit)
    found: list[Experiment] = []
    size = 0
    for raw in islice((raw for raw in raws if "purge" not in raw), limit):
        found.append(_experiment(raw))
        size += _weight(found[-1])
        if size > PAGE_BYTES:
            return found, found[-1].id
    return found, found[-1].id if len(found) == limit else None


def rename(who: Principal, experiment_id: str, name: str) -> Experiment:
    """Give an active experiment another name; the old one is free again.

    Raises:
        NotFound: there is none with this id.
        Unacceptable: it is deleted, or the name is blank or too long.
        AlreadyExists: the name is taken.
    """
    g = grants.grant(who, Action.EDIT)
    name = _checked_name(name)
    experiment_id = ids.parse_experiment_id(experiment_id)
    old: list[str] = []

    def alter(item: ExperimentItem) -> bool:
        _demand_active(item, "renamed")
        old[:] = [item.name]
        item.name = name
        return old != [name]

    def write(item: ExperimentItem, unchanged: Condition) -> None:
        free = table.Delete(items.name_key(g, old[0]))
        try:
            table.transact(table.Put(item, unchanged), items.reserve(g, experiment_id, name), free)
        except table.Lost as lost:
            if lost.items[0] is None and lost.items[1] is not None:
                raise _taken(g, name, lost.items[1]) from None
            raise

    return _change(g, experiment_id, alter, write)


def delete(who: Principal, experiment_id: str) -> Experiment:
    """Delete an experiment, and with it its runs, until it is restored; its name stays reserved.

    Raises:
        NotFound: there is no active experiment with this id.
    """
    g = grants.grant(who, Action.DELETE)

    def alter(item: ExperimentItem) -> bool:
        if item.deleted_at is not None:
            raise no_such(experiment_id, "active ")
        item.deleted_at = ids.now_ms()
        return True

    return _change(g, ids.parse_experiment_id(experiment_id), alter)


def restore(who: Principal, experiment_id: str) -> Experiment:
    """Make a deleted experiment active again, with all its runs.

    Raises:
        NotFound: there is no deleted experiment with this id.
    """
    g = grants.grant(who, Action.DELETE)

    def alter(item: ExperimentItem) -> bool:
        if item.deleted_at is None:
            raise no_such(experiment_id, "deleted ")
        item.deleted_at, item.restored_at = None, ids.now_ms()
        return True

    return _change(g, ids.parse_experiment_id(experiment_id), alter)


def set_tag(who: Principal, experiment_id: str, key: str, value: str) -> Experiment:
    """Set a tag of an active experiment.

    Raises:
        NotFound: there is none with this id.
        Unacceptable: it is deleted, the tag breaks a limit, or a goal is neither `min` nor `max`.
    """
    g = grants.grant(who, Action.EDIT)
    value = _checked_tag(key, value)

    def alter(item: ExperimentItem) -> bool:
        _demand_active(item, "changed")
        tags = items.tags_of(item)
        changes = tags.get(key) != value
        item.tags = items.packed({**tags, key: value}) if changes else item.tags
        return changes

    return _change(g, ids.parse_experiment_id(experiment_id), alter)


def delete_tag(who: Principal, experiment_id: str, key: str) -> Experiment:
    """Remove a tag from an active experiment.

    Raises:
        NotFound: there is no such experiment, or it has no such tag.
        Unacceptable: it is deleted.
    """
    g = grants.grant(who, Action.EDIT)

    def alter(item: ExperimentItem) -> bool:
        _demand_active(item, "changed")
        tags = items.tags_of(item)
        if key not in tags:
            message = f"No tag with name {ids.shown(key)} in experiment with id {experiment_id}."
            raise NotFound(message, field="key")
        del tags[key]
        item.tags = items.packed(tags)
        return True

    return _change(g, ids.parse_experiment_id(experiment_id), alter)


def remembered(grant: Grant, experiment_id: str, *, at_most: float = KNOWN_SECONDS) -> Experiment | None:
    """An experiment as this process saw it *at_most* seconds ago or later. Do not change its tags."""
    found = _known.get((grant.team, experiment_id))
    # The wall clock: a monotonic one may stand still while Lambda has frozen the process.
    return found[1] if found is not None and 0 <= time.time() - found[0] < at_most else None


def known(grant: Grant, experiment_id: str, *, at_most: float = KNOWN_SECONDS) -> Experiment:
    """An experiment as it was *at_most* seconds ago or later. Do not change its tags.

    Raises:
        NotFound: there is none with this id.
    """
    return remembered(grant, experiment_id, at_most=at_most) or _read(grant, experiment_id)


def founding(grant: Grant, now: int) -> list[table.Put]:
    """The writes that give a new team its Default experiment; they belong in the team's own transaction."""
    return items.founding(grant, items.new(grant, DEFAULT_ID, DEFAULT_NAME, {}, now))


def forget() -> None:
    """Drop what this process remembers: another table stands behind the same team names now."""
    _known.forget()
    forget_datasets()


def _change(
    grant: Grant,
    experiment_id: str,
    alter: Callable[[ExperimentItem], bool],
    write: Callable[[ExperimentItem, Condition], None] = table.put,
) -> Experiment:
    def altered(item: ExperimentItem) -> bool:
        if item.purge is not None:
            raise missing
        changes = alter(item)
        if changes:
            item.updated_at = max(ids.now_ms(), int(item.updated_at) + 1)
        return changes

    place, missing = items.key(grant, experiment_id), no_such(experiment_id)
    return _remember(grant, revision.change(ExperimentItem, place, altered, missing, write=write))


def _read(grant: Grant, experiment_id: str) -> Experiment:
    read_at = time.time()
    item = table.get(ExperimentItem, items.key(grant, experiment_id))
    if item is None or item.purge is not None:
        raise no_such(experiment_id)
    return _remember(grant, item, read_at)


def _remember(grant: Grant, item: ExperimentItem, read_at: float | None = None) -> Experiment:
    found = items.experiment(item)
    since = time.time() if read_at is None else read_at
    _known.keep((grant.team, found.id), (since, found), weight=_weight(found), rank=int(item.rv))
    return found


def _experiment(raw: table.Raw) -> Experiment:
    return items.experiment(ExperimentItem.from_raw_data(raw))


def _weight(experiment: Experiment) -> int:
    return 1000 + sum(len(key) + len(value.encode()) for key, value in experiment.tags.items())


def _taken(grant: Grant, name: str, holder: table.Raw) -> AlreadyExists:
    found = table.get(ExperimentItem, items.key(grant, items.NameItem.from_raw_data(holder).experiment_id))
    deleted = found is not None and found.deleted_at is not None
    state = " in deleted state; restore it or choose another name" if deleted else ""
    return AlreadyExists(f"Experiment {ids.shown(name)} already exists{state}.", field="name")


def _demand_active(item: ExperimentItem, done: str) -> None:
    if item.deleted_at is not None:
        experiment_id = item.SK.removeprefix(items.EXPERIMENT)
        message = f"The experiment {experiment_id} must be in the 'active' state to be {done}; it is deleted."
        raise Unacceptable(message, field="experiment_id")


def _checked_name(name: str) -> str:
    name = ids.nfc(limits.text(name, "name", NAME_LENGTH, shortest=1))
    if not name.strip():
        raise limits.refused(name, "name", "it must not be blank.")
    return limits.text(name, "name", NAME_LENGTH)


def _checked_tag(key: str, value: str) -> str:
    limits.key(key)
    limits.text(value, "value", TAG_LENGTH)
    if key.startswith(GOAL_TAG):
        limits.key(key.removeprefix(GOAL_TAG), key)
        if value not in {"min", "max"}:
            raise limits.refused(value, key, "a goal is exactly 'min' or 'max'.")
    if key == PRIMARY_TAG:
        limits.key(value, key)
    return value
