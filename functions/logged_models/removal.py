"""Removing logged models for good, as `runs/removal.py` does it with runs: condemned first, gone last."""

from collections.abc import Iterator
from contextlib import suppress

from functions import ids, revision, table
from functions.access import grants
from functions.access.grants import Grant
from functions.access.policy import Action
from functions.access.principal import Principal
from functions.errors import NotFound, Unacceptable
from functions.ids import ModelId
from functions.logged_models import items
from functions.logged_models.items import ModelItem
from functions.runs import service as runs


def condemn(who: Principal, model_id: str) -> int:
    """Have a deleted logged model removed for good, and answer since when; asking again sets the job going.

    Raises:
        NotFound: no such logged model in the team.
        Unacceptable: it is not deleted.
    """
    g, model = grants.grant(who, Action.DELETE), ids.parse_model_id(model_id)
    item = table.get(ModelItem, items.key(g, model))
    if item is None:
        raise no_such(model)
    if item.deleted_at is None:
        message = f"Logged model '{model.text}' must be deleted before it can be purged."
        raise Unacceptable(message, field="model_id")
    return mark(g, model, ids.now_ms())


def mark(grant: Grant, model: ModelId, at: int) -> int:
    """Condemn a logged model, or set the job that removes it going again, and answer the mark.

    Raises:
        NotFound: there is no such logged model.
    """

    def alter(item: ModelItem) -> bool:
        item.purge = at if not at else max(at, int(item.purge or 0) + 1)
        if item.deleted_at is None:  # with its experiment
            item.deleted_at = ids.now_ms()
        return True

    return int(revision.change(ModelItem, items.key(grant, model), alter, no_such(model)).purge)


def is_condemned(grant: Grant, model: ModelId) -> bool | None:
    """Whether a logged model is being removed; None where there is none."""
    item = table.get(ModelItem, items.key(grant, model))
    return None if item is None else item.purge is not None


def every(grant: Grant, experiment_id: str) -> Iterator[ModelId]:
    """All logged models of an experiment, deleted and condemned ones too, in no order."""
    for pk in items.partitions(grant, experiment_id):
        for raw in table.query(pk, items.MODEL):
            yield ids.parse_model_id(raw["SK"]["S"].removeprefix(items.MODEL))


def erase(grant: Grant, model: ModelId) -> None:
    """Remove a logged model and the edges at it, if it is condemned."""
    item = table.get(ModelItem, items.key(grant, model))
    if item is None or item.purge is None:
        return
    runs.forget_node(grant, model.text)
    if item.source_run_id:
        table.delete(items.made_by(grant, item.source_run_id, model.text))
    with suppress(table.Lost):
        table.delete(items.key(grant, model), ModelItem.purge.exists())


def no_such(model: ModelId) -> NotFound:
    """The error for a logged model that is not there."""
    return NotFound(f"Logged model with ID '{model.text}' not found.", field="model_id")
