"""How logged models lie in the table.

T#<team>#E#<exp>#<shard> L#<model>  the model, beside the runs of the same experiment and shard
T#<team>#X#<run>         M#<model>  that the model says this run made it: for asking from the run
"""

from typing import Any, cast

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

from functions import table
from functions.access.grants import Grant
from functions.ids import SHARDS, ModelId, parse_model_id
from functions.logged_models.content import Content, unpacked
from functions.revision import Revised
from runhaven.wire.logged_models import LoggedModel, Status

# An item ends at 400 KB; this leaves room for the plain attributes.
BLOB_BYTES = table.ITEM_BYTES - 8 * 1024

MODEL, MADE = "L#", "M#"


class ModelItem(Revised):
    """A logged model; its params, tags and metrics are one blob. When it was created is in its id."""

    name = UnicodeAttribute()
    status = UnicodeAttribute()
    model_type = UnicodeAttribute(null=True)
    source_run_id = UnicodeAttribute(null=True)
    created_by = UnicodeAttribute()
    updated_at = NumberAttribute()
    deleted_at = NumberAttribute(null=True)
    purge = NumberAttribute(null=True)
    content = BinaryAttribute(legacy_encoding=False)


class Made(table.Item):
    """That a logged model says a run made it."""


def made_by(grant: Grant, run_id: str, model_id: str = "") -> table.Key:
    """Where it lies that a run made a model; without a model, where those of all models begin."""
    return table.Key(f"T#{grant.team}#X#{run_id}", MADE + model_id)


def partitions(grant: Grant, experiment_id: str) -> list[str]:
    """Where the logged models of an experiment lie."""
    return [_partition(grant, experiment_id, shard) for shard in range(SHARDS)]


def key(grant: Grant, model: ModelId) -> table.Key:
    """Where a logged model lies."""
    return table.Key(_partition(grant, model.experiment, model.shard), MODEL + model.text)


def new(grant: Grant, model: ModelId, content: Content, **attributes: Any) -> ModelItem:
    """A logged model that nobody has seen yet.

    Raises:
        Unacceptable: its params and tags outgrow an item.
    """
    place, blob = key(grant, model), content.packed(BLOB_BYTES)
    return ModelItem(place.pk, place.sk, updated_at=model.created_ms, content=blob, **attributes)


def model(item: ModelItem) -> LoggedModel:
    """The logged model in an item."""
    parsed, content = parse_model_id(item.SK.removeprefix(MODEL)), unpacked(item.content)
    return LoggedModel(
        parsed.text,
        parsed.experiment,
        item.name,
        cast("Status", item.status),
        item.model_type,
        item.source_run_id,
        parsed.created_ms,
        int(item.updated_at),
        item.created_by,
        None if item.deleted_at is None else int(item.deleted_at),
        content.params,
        content.tags,
        content.metrics(),
    )


def _partition(grant: Grant, experiment_id: str, shard: int) -> str:
    return f"T#{grant.team}#E#{experiment_id}#{shard}"
