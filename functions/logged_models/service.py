"""What can be done with logged models. Every verb asks for a grant first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from heapq import merge
from typing import get_args

from functions import ids, limits, revision, table
from functions.access import grants
from functions.access.grants import Grant
from functions.access.policy import Action
from functions.access.principal import Principal
from functions.errors import Busy, NotFound, Unacceptable
from functions.experiments import service as experiments
from functions.logged_models import items
from functions.logged_models.content import Content, unpacked
from functions.logged_models.items import ModelItem
from functions.logged_models.removal import condemn, erase, every, is_condemned, mark, no_such
from functions.parallel import together
from functions.runs import names
from runhaven.wire import logged_models as wire
from runhaven.wire.datasets import DIGEST_LENGTH
from runhaven.wire.datasets import NAME_LENGTH as DATASET_LENGTH
from runhaven.wire.logged_models import LoggedModel, ModelMetric
from runhaven.wire.metrics import PARAM_LENGTH, TAG_LENGTH

__all__ = [
    "LoggedModel",
    "ModelMetric",
    "condemn",
    "create",
    "delete",
    "delete_tag",
    "erase",
    "every",
    "finalize",
    "get",
    "is_condemned",
    "listing",
    "log_metrics",
    "log_params",
    "made_by",
    "mark",
    "page",
    "set_tags",
    "several",
]

STATUSES = get_args(wire.Status)
# A page ends here, so that an answer stays below Lambda's 6 MB.
PAGE_BYTES = 2 * 2**20


def create(
    who: Principal,
    *,
    experiment_id: str,
    name: str | None = None,
    model_type: str | None = None,
    source_run_id: str | None = None,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> LoggedModel:
    """Create a logged model whose files are still to come (PENDING); without a name it is given one.

    Raises:
        NotFound: there is no such experiment, or `source_run_id` cannot be a run's.
        Unacceptable: the experiment is deleted, or something breaks a limit.
    """
    g = grants.grant(who, Action.EDIT)
    if name is not None:
        _check_name(name)
    if model_type is not None:
        limits.text(model_type, "model_type", wire.NAME_LENGTH)
    if source_run_id is not None:
        ids.parse_run_id(source_run_id)
    content = Content(_checked(params or {}, PARAM_LENGTH), _checked(tags or {}, TAG_LENGTH))
    parent = experiments.known(g, ids.parse_experiment_id(experiment_id), at_most=0)
    if parent.lifecycle != "active":
        message = f"The experiment {parent.id} must be in the 'active' state; it is deleted."
        raise Unacceptable(message, field="experiment_id")
    for _ in range(4):  # an id is taken once in 2^42 in the same millisecond
        model = ids.new_model_id(parent.id, ids.now_ms())
        item = items.new(
            g,
            model,
            content,
            name=name or names.invented(),
            status="PENDING",
            model_type=model_type,
            source_run_id=source_run_id,
            created_by=who.name,
        )
        if source_run_id is not None:  # before the model, so that none is missing; who follows it looks
            made = items.made_by(g, source_run_id, model.text)
            table.put(items.Made(made.pk, made.sk))
        if revision.create(item):
            return items.model(item)
    message = "No free model id was found; try again."
    raise Busy(message, retry_after=1)


def get(who: Principal, model_id: str, *, deleted: bool = False) -> LoggedModel:
    """A logged model, read strongly; a deleted one only when *deleted* is set.

    Raises:
        NotFound: there is none with this id.
    """
    g = grants.grant(who, Action.READ)
    model = ids.parse_model_id(model_id)
    item = table.get(ModelItem, items.key(g, model))
    if item is None or item.purge is not None or (item.deleted_at is not None and not deleted):
        raise no_such(model)
    return items.model(item)


def several(grant: Grant, model_ids: Sequence[str]) -> dict[str, LoggedModel]:
    """The logged models that exist among these, deleted ones too."""
    keys = [items.key(grant, ids.parse_model_id(one)) for one in dict.fromkeys(model_ids)]
    found = (items.model(item) for item in table.get_many(ModelItem, keys) if item.purge is None)
    return {model.model_id: model for model in found}


def made_by(grant: Grant, run_id: str, after: str | None = None) -> Iterator[str]:
    """The ids of the logged models that may say this run made them, the newest first, behind *after*."""
    place = items.made_by(grant, run_id)
    behind = None if after is None else place.sk + after
    for raw in table.query(place.pk, place.sk, after=behind):
        yield raw["SK"]["S"].removeprefix(place.sk)


def listing(who: Principal, experiment_id: str) -> list[LoggedModel]:
    """All logged models of an experiment that are not deleted, the newest first."""
    g = grants.grant(who, Action.READ)
    places = items.partitions(g, ids.parse_experiment_id(experiment_id))
    shards = together(*(partial(_listed, place) for place in places))
    return sorted((model for shard in shards for model in shard), key=lambda model: model.model_id)


def page(
    who: Principal, experiment_id: str, after: str | None, limit: int
) -> tuple[list[LoggedModel], str | None]:
    """A page of the same behind the id *after*, and the last one's id if there may be more."""
    g = grants.grant(who, Action.READ)
    behind = None if after is None else items.MODEL + ids.parse_model_id(after).text
    places = items.partitions(g, ids.parse_experiment_id(experiment_id))
    shards = [table.query(place, items.MODEL, after=behind, limit=limit) for place in places]
    found: list[LoggedModel] = []
    size = 0
    for raw in merge(*shards, key=lambda raw: str(raw["SK"]["S"])):
        item = ModelItem.from_raw_data(raw)
        if item.deleted_at is not None:
            continue
        found.append(items.model(item))
        size += _size(found[-1])
        if len(found) == limit or size > PAGE_BYTES:
            return found, found[-1].model_id
    return found, None


def finalize(who: Principal, model_id: str, status: str) -> LoggedModel:
    """Say whether the files of a logged model are there: READY or FAILED (or PENDING again).

    Raises:
        NotFound: there is no such model.
        Unacceptable: *status* is another word.
    """
    g = grants.grant(who, Action.EDIT)
    if status not in STATUSES:
        raise limits.refused(status, "status", f"it must be one of {', '.join(STATUSES)}.")

    def alter(item: ModelItem, _: Content) -> bool:
        changes = item.status != status
        item.status = status
        return changes

    return _change(g, model_id, alter)


def set_tags(who: Principal, model_id: str, tags: Mapping[str, str]) -> LoggedModel:
    """Set tags of a logged model.

    Raises:
        NotFound: there is no such model.
        Unacceptable: a tag breaks a limit.
    """
    g = grants.grant(who, Action.EDIT)
    wanted = _checked(tags, TAG_LENGTH)

    def alter(_: ModelItem, content: Content) -> bool:
        changes = any(content.tags.get(key) != value for key, value in wanted.items())
        content.tags |= wanted
        return changes

    return _change(g, model_id, alter)


def delete_tag(who: Principal, model_id: str, key: str) -> LoggedModel:
    """Remove a tag from a logged model.

    Raises:
        NotFound: there is no such model, or it has no such tag.
    """
    g = grants.grant(who, Action.EDIT)

    def alter(_: ModelItem, content: Content) -> bool:
        if key not in content.tags:
            message = f"No tag with key {ids.shown(key)} in logged model {model_id}."
            raise NotFound(message, field="key")
        del content.tags[key]
        return True

    return _change(g, model_id, alter)


def log_params(who: Principal, model_id: str, params: Mapping[str, str]) -> LoggedModel:
    """Add params to a logged model; the same value again is fine, another value is not.

    Raises:
        NotFound: there is no such model.
        Unacceptable: a param has another value already, or breaks a limit; then none is added.
    """
    g = grants.grant(who, Action.EDIT)
    wanted = _checked(params, PARAM_LENGTH)

    def alter(_: ModelItem, content: Content) -> bool:
        for key, value in wanted.items():
            old = content.params.get(key, value)
            if old != value:
                message = (
                    f"Changing param values is not allowed. Param {ids.shown(key)} was already logged with "
                )
                message += f"value {ids.shown(old)} for logged model {model_id}; {ids.shown(value)} came now."
                raise Unacceptable(message, field="params")
        changes = not wanted.keys() <= content.params.keys()
        content.params |= wanted
        return changes

    return _change(g, model_id, alter)


def log_metrics(who: Principal, metrics_by_model: Mapping[str, Sequence[ModelMetric]]) -> None:
    """Add metrics to logged models, which keep the greatest (step, timestamp, value) of each metric and run.

    Metrics on different datasets are different metrics. Everything is checked before anything is written, and
    sending it again changes nothing.

    Raises:
        NotFound: one of the models does not exist.
        Unacceptable: a metric breaks a limit.
    """
    g = grants.grant(who, Action.EDIT)
    wanted = {ids.parse_model_id(model): _checked_metrics(some) for model, some in metrics_by_model.items()}
    found = together(*(partial(table.get, ModelItem, items.key(g, one)) for one in wanted)) if wanted else []
    for model, item in zip(wanted, found, strict=True):
        if item is None or item.deleted_at is not None:
            raise no_such(model)
    for (model, metrics), item in zip(wanted.items(), found, strict=True):
        _change(g, model.text, lambda _, content, metrics=metrics: content.add(metrics), item)  # type: ignore[misc]


def delete(who: Principal, model_id: str) -> LoggedModel:
    """Hide a logged model from reads and searches; deleting it again changes nothing.

    Raises:
        NotFound: there is no such model.
    """
    g = grants.grant(who, Action.DELETE)
    model = ids.parse_model_id(model_id)

    def alter(item: ModelItem) -> bool:
        if item.purge is not None:
            raise no_such(model)
        if item.deleted_at is None:
            item.updated_at = max(ids.now_ms(), int(item.updated_at) + 1)
            item.deleted_at = item.updated_at
            return True
        return False

    return items.model(revision.change(ModelItem, items.key(g, model), alter, no_such(model)))


def _change(
    grant: Grant,
    model_id: str,
    alter: Callable[[ModelItem, Content], bool],
    seen: ModelItem | None = None,
) -> LoggedModel:
    model = ids.parse_model_id(model_id)
    missing = no_such(model)

    def altered(item: ModelItem) -> bool:
        if item.deleted_at is not None:
            raise missing
        content = unpacked(item.content)
        changes = alter(item, content)
        if changes:
            item.content = content.packed(items.BLOB_BYTES)
            item.updated_at = max(ids.now_ms(), int(item.updated_at) + 1)
        return changes

    return items.model(revision.change(ModelItem, items.key(grant, model), altered, missing, seen=seen))


def _listed(place: str) -> list[LoggedModel]:
    found = (ModelItem.from_raw_data(raw) for raw in table.query(place, items.MODEL))
    return [items.model(item) for item in found if item.deleted_at is None]


def _size(model: LoggedModel) -> int:
    pairs = [*model.params.items(), *model.tags.items()]
    return 500 + 200 * len(model.metrics) + sum(len(key) + len(value.encode()) for key, value in pairs)


def _check_name(name: str) -> None:
    limits.text(name, "name", wire.NAME_LENGTH, shortest=1)
    if any(character in wire.NOT_IN_NAMES for character in name):
        why = f"a model's name has none of the characters {' '.join(wire.NOT_IN_NAMES)}"
        raise limits.refused(name, "name", why)


def _checked(pairs: Mapping[str, str], longest: int) -> dict[str, str]:
    return {limits.key(key): limits.text(value, "value", longest) for key, value in pairs.items()}


def _checked_metrics(metrics: Sequence[ModelMetric]) -> list[ModelMetric]:
    return [
        ModelMetric(
            limits.key(one.key),
            limits.float64(one.value, "value"),
            limits.int64(one.timestamp, "timestamp", least=0),
            limits.int64(one.step, "step"),
            _optional(one.dataset_name, "dataset_name", DATASET_LENGTH),
            _optional(one.dataset_digest, "dataset_digest", DIGEST_LENGTH),
            None if not one.run_id else ids.parse_run_id(one.run_id).text,
        )
        for one in metrics
    ]


def _optional(value: str | None, field: str, longest: int) -> str | None:
    return None if not value else limits.text(value, field, longest)
