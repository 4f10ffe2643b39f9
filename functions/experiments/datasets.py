"""Bodies of datasets: stored once for each experiment, never changed, so what was read once stays known."""

import sys
from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Any

from functions import limits, table
from functions.access import grants
from functions.access.grants import Grant
from functions.access.policy import Action
from functions.access.principal import Principal
from functions.errors import Unacceptable
from functions.experiments import items
from functions.experiments.memory import Memory
from functions.ids import name_hash, parse_experiment_id
from functions.parallel import together
from runhaven.wire import datasets as wire
from runhaven.wire.datasets import Dataset, DatasetSummary

_Place = tuple[str, str, str]
# Bodies that were written or read lately, by (team, experiment, dataset): at most 16 MB of text.
_bodies: Memory[_Place, Dataset] = Memory(16 * 2**20)
# Contexts known to be noted.
_noted: Memory[tuple[_Place, str | None], bool] = Memory(10_000)

# As many as stock MLflow gives: mlflow/store/tracking/sqlalchemy_store.py, _search_datasets.
MOST_SUMMARIES = 1000


def dataset_id(dataset: Dataset) -> str:
    """What a dataset is known by: in every experiment of a team the same."""
    return name_hash(dataset.name, dataset.digest)


def dataset_ids(datasets: Sequence[Dataset]) -> list[str]:
    """What datasets are known by, if all of them keep the limits.

    Raises:
        Unacceptable: one of them does not; `field` says which limit.
    """
    return [dataset_id(_checked(one)) for one in datasets]


def put_datasets(
    grant: Grant,
    experiment_id: str,
    datasets: Sequence[tuple[Dataset, str | None]],
    *,
    are_read: bool = True,
) -> list[str]:
    """Store datasets, each with the context in which a run reads it, and give their ids in the same order.

    What runs do not read but write has no context, and is not among what `dataset_summaries` tells.

    Where one of the same name and digest is there already, its body stays. All are checked before any is
    written, and writing them again changes nothing. It costs one parallel round, none for what is known here.

    Raises:
        Unacceptable: one of them breaks a limit; `field` says which.
    """
    found = [(dataset_id(_checked(dataset)), dataset, _context(context)) for dataset, context in datasets]
    new: dict[str, items.DatasetItem] = {}
    notes: dict[tuple[_Place, str | None], items.ContextItem] = {}
    for known_as, dataset, context in found:
        place = (grant.team, experiment_id, known_as)
        if known_as not in new and _bodies.get(place) is None:
            new[known_as] = items.dataset_item(grant, experiment_id, known_as, dataset)
        if are_read and _noted.get((place, context)) is None:
            note = items.context_key(grant, experiment_id, known_as, context)
            notes[place, context] = items.context_item(note, dataset, context)
    calls: list[partial[Any]] = [partial(_put_if_absent, item) for item in new.values()]
    if notes:
        calls.append(partial(table.put_many, list(notes.values())))
    if calls:
        stood = together(*calls)
        for known_as, item in zip(new, stood, strict=False):
            _keep((grant.team, experiment_id, known_as), items.dataset(item))
    for each in notes:
        _noted.keep(each, value=True)
    return [known_as for known_as, _, _ in found]


def datasets(grant: Grant, experiment_id: str, wanted: Sequence[str]) -> dict[str, Dataset]:
    """The bodies of datasets by id, without those that do not exist; a round trip only for unknown ones."""
    found: dict[str, Dataset] = {}
    unknown: list[table.Key] = []
    for known_as in dict.fromkeys(wanted):
        body = _bodies.get((grant.team, experiment_id, known_as))
        if body is None:
            unknown.append(items.dataset_key(grant, experiment_id, known_as))
        else:
            found[known_as] = body
    for item in table.get_many(items.DatasetItem, unknown):
        known_as, body = item.SK.removeprefix(items.DATASET), items.dataset(item)
        found[known_as] = body
        _keep((grant.team, experiment_id, known_as), body)
    return found


def datasets_of_runs(who: Principal, experiment_id: str, wanted: Sequence[str]) -> dict[str, Dataset]:
    """The bodies of datasets that runs of an experiment read, by id."""
    return datasets(grants.grant(who, Action.READ_RUN), experiment_id, wanted)


def dataset_summaries(who: Principal, experiment_ids: Sequence[str]) -> list[DatasetSummary]:
    """What the runs of experiments read: name, digest and context, each once, 1,000 at most.

    Raises:
        NotAllowed: the caller may not read.
        NotFound: an id that cannot be an experiment's.
    """
    g = grants.grant(who, Action.READ)
    wanted = list(dict.fromkeys(parse_experiment_id(one) for one in experiment_ids))
    found = together(*(partial(_summaries, g, one) for one in wanted)) if wanted else []
    return [summary for some in found for summary in some][:MOST_SUMMARIES]


def forget() -> None:
    """Drop what this process remembers of datasets."""
    _bodies.forget()
    _noted.forget()


def _summaries(grant: Grant, experiment_id: str) -> list[DatasetSummary]:
    raws = table.query(items.partition(grant, experiment_id), items.CONTEXT)
    some = islice(raws, MOST_SUMMARIES)
    return [items.summary(experiment_id, items.ContextItem.from_raw_data(raw)) for raw in some]


def _put_if_absent(item: items.DatasetItem) -> items.DatasetItem:
    try:
        table.put(item, items.DatasetItem.PK.does_not_exist())
    except table.Lost as lost:
        stood = lost.items[0]
        return items.DatasetItem.from_raw_data(stood) if stood else item
    return item


def _keep(place: _Place, body: Dataset) -> None:
    parts = (body.name, body.digest, body.source_type, body.source, body.schema, body.profile)
    _bodies.keep(place, body, weight=sum(map(sys.getsizeof, parts)))


def _checked(dataset: Dataset) -> Dataset:
    """The dataset, if it keeps the limits of mlflow/utils/validation.py and a key can be made of it."""
    limits.text(dataset.name, "name", wire.NAME_LENGTH, shortest=1)
    limits.text(dataset.digest, "digest", wire.DIGEST_LENGTH, shortest=1)
    limits.text(dataset.source_type, "source_type", wire.NAME_LENGTH)
    limits.text(dataset.source, "source", wire.SOURCE_LENGTH)
    if dataset.schema is not None:
        limits.text(dataset.schema, "schema", wire.SCHEMA_LENGTH)
    if dataset.profile is not None:
        limits.text(dataset.profile, "profile", wire.PROFILE_LENGTH)
    for field, value in (("name", dataset.name), ("digest", dataset.digest)):
        if "\0" in value:
            message = f"Invalid value for parameter '{field}' supplied: it holds the character U+0000."
            raise Unacceptable(message, field=field)
    return dataset


def _context(context: str | None) -> str | None:
    return None if context is None else limits.text(context, "context", wire.CONTEXT_LENGTH)
