"""How experiments lie in the table, and the datasets that their runs read.

T#<team>         E#<exp>                the experiment
T#<team>         N#E#<hash(name)>       its name: uniqueness, written in one transaction with E#
T#<team>#E#<exp> DS#<dataset>           a dataset's body, immutable
T#<team>#E#<exp> DC#<dataset>[#<hash>]  that a run read the dataset in this context (or in none)
"""

import zlib

import msgspec
from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

from functions import table
from functions.access.grants import Grant
from functions.errors import Unacceptable
from functions.ids import name_hash
from functions.revision import Revised
from runhaven.wire.datasets import Dataset, DatasetSummary
from runhaven.wire.experiments import Experiment

# An item ends at 400 KB; this leaves room for the plain attributes.
BLOB_BYTES = table.ITEM_BYTES - 8 * 1024
# What the tags of an experiment may take in an answer; text that repeats itself would deflate without end.
TAGS_BYTES = 2**20

EXPERIMENT, DATASET, CONTEXT = "E#", "DS#", "DC#"
DEFAULT_ID = "0"
_Body = tuple[str, str, str | None, str | None]


class ExperimentItem(Revised):
    """An experiment; its tags are one blob."""

    name = UnicodeAttribute()
    created_at = NumberAttribute()
    updated_at = NumberAttribute()
    deleted_at = NumberAttribute(null=True)
    restored_at = NumberAttribute(null=True)
    purge = NumberAttribute(null=True)
    tags = BinaryAttribute(legacy_encoding=False)


class NameItem(table.Item):
    """Whose name it is."""

    experiment_id = UnicodeAttribute()


class DatasetItem(table.Item):
    """A dataset's name and digest, and the rest of it as one blob."""

    name = UnicodeAttribute()
    digest = UnicodeAttribute()
    body = BinaryAttribute(legacy_encoding=False)


class ContextItem(table.Item):
    """That runs of the experiment read a dataset in a context."""

    name = UnicodeAttribute()
    digest = UnicodeAttribute()
    context = UnicodeAttribute(null=True)


def team_partition(grant: Grant) -> str:
    """Where a team's experiments and their names lie."""
    return f"T#{grant.team}"


def partition(grant: Grant, experiment_id: str) -> str:
    """Where the datasets of an experiment lie."""
    return f"T#{grant.team}#E#{experiment_id}"


def key(grant: Grant, experiment_id: str) -> table.Key:
    """Where an experiment lies."""
    return table.Key(team_partition(grant), EXPERIMENT + experiment_id)


def name_key(grant: Grant, name: str) -> table.Key:
    """Where an experiment's name is reserved."""
    return table.Key(team_partition(grant), f"N#E#{name_hash(name)}")


def dataset_key(grant: Grant, experiment_id: str, dataset_id: str) -> table.Key:
    """Where a dataset's body lies."""
    return table.Key(partition(grant, experiment_id), DATASET + dataset_id)


def context_key(grant: Grant, experiment_id: str, dataset_id: str, context: str | None) -> table.Key:
    """Where it is noted that a dataset was read in a context."""
    suffix = "" if context is None else f"#{name_hash(context)}"
    return table.Key(partition(grant, experiment_id), CONTEXT + dataset_id + suffix)


def packed(tags: dict[str, str]) -> bytes:
    """Tags as one blob.

    Raises:
        Unacceptable: they outgrow an item.
    """
    plain = msgspec.msgpack.encode(tags)
    blob = zlib.compress(plain, 1)
    if len(plain) > TAGS_BYTES or len(blob) > BLOB_BYTES:
        message = (
            f"The tags take {len(plain)} bytes, compressed {len(blob)}; an experiment holds {TAGS_BYTES}, "
        )
        raise Unacceptable(message + f"compressed {BLOB_BYTES}.", field="tags")
    return blob


def tags_of(item: ExperimentItem) -> dict[str, str]:
    """The tags in an item."""
    return msgspec.msgpack.decode(zlib.decompress(item.tags), type=dict[str, str])


def new(grant: Grant, experiment_id: str, name: str, tags: dict[str, str], now: int) -> ExperimentItem:
    """An experiment that nobody has seen yet."""
    place = key(grant, experiment_id)
    return ExperimentItem(place.pk, place.sk, name=name, created_at=now, updated_at=now, tags=packed(tags))


def reserve(grant: Grant, experiment_id: str, name: str) -> table.Put:
    """The write that takes a name, if it is free."""
    place = name_key(grant, name)
    return table.Put(NameItem(place.pk, place.sk, experiment_id=experiment_id), NameItem.PK.does_not_exist())


def lying(grant: Grant, experiment_id: str, sk: str) -> table.Key:
    """The key of a dataset or its note that was read."""
    return table.Key(partition(grant, experiment_id), sk)


def founding(grant: Grant, item: ExperimentItem) -> list[table.Put]:
    """The writes that store a new experiment with its name; the experiment comes first."""
    put = table.Put(item, ExperimentItem.PK.does_not_exist())
    return [put, reserve(grant, item.SK.removeprefix(EXPERIMENT), item.name)]


def experiment(item: ExperimentItem) -> Experiment:
    """The experiment in an item."""
    return Experiment(
        item.SK.removeprefix(EXPERIMENT),
        item.name,
        int(item.created_at),
        int(item.updated_at),
        None if item.deleted_at is None else int(item.deleted_at),
        None if item.restored_at is None else int(item.restored_at),
        tags_of(item),
    )


def dataset_item(grant: Grant, experiment_id: str, dataset_id: str, dataset: Dataset) -> DatasetItem:
    """A dataset as it is stored.

    Raises:
        Unacceptable: it outgrows an item; `field` is its longest part.
    """
    parts: _Body = (dataset.source_type, dataset.source, dataset.schema, dataset.profile)
    body = zlib.compress(msgspec.msgpack.encode(parts))
    if len(body) > BLOB_BYTES:
        sizes = {"source": parts[1], "schema": parts[2] or "", "profile": parts[3] or ""}
        field = max(sizes, key=lambda part: len(sizes[part]))
        message = f"The dataset takes {len(body)} bytes even when compressed, most of it its {field}; "
        raise Unacceptable(message + f"{BLOB_BYTES} can be kept.", field=field)
    place = dataset_key(grant, experiment_id, dataset_id)
    return DatasetItem(place.pk, place.sk, name=dataset.name, digest=dataset.digest, body=body)


def dataset(item: DatasetItem) -> Dataset:
    """The dataset in an item."""
    source_type, source, schema, profile = msgspec.msgpack.decode(zlib.decompress(item.body), type=_Body)
    return Dataset(item.name, item.digest, source_type, source, schema, profile)


def context_item(place: table.Key, dataset: Dataset, context: str | None) -> ContextItem:
    """The note, for a place from `context_key`, that a run read a dataset in a context."""
    return ContextItem(place.pk, place.sk, name=dataset.name, digest=dataset.digest, context=context)


def summary(experiment_id: str, item: ContextItem) -> DatasetSummary:
    """The dataset and context in an item."""
    return DatasetSummary(experiment_id, item.name, item.digest, item.context)
