"""What can be asked of each kind of record: the one table that the grammar, the predicate and the order read.

Spellings, keys and operators are those of MLflow 3.18's SQL store, as it answered when it was asked;
`created_by` and the statistics are ours. A new target is one more `Target` here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from operator import attrgetter
from typing import Any

NUMERIC = ("=", "!=", "<", "<=", ">", ">=")
MATCHES = ("=", "!=", "LIKE", "ILIKE")
LISTS = ("IN", "NOT IN")
PRESENCE = ("IS NULL", "IS NOT NULL")

# `metrics.<key>.<statistic>`; without one it is the last value.
LAST, BEST, AT_BEST = "last", "best", "at_best"
STATISTICS = frozenset({"min", "max", "first", LAST, BEST, AT_BEST})

DATASET_KEYS = frozenset({"name", "digest", "context"})
MODEL_STATUSES = {"UNSPECIFIED": 0, "PENDING": 1, "READY": 2, "FAILED": 3}


class Entity(Enum):
    """What a key belongs to, as messages print it before the key's dot."""

    ATTRIBUTE = "attributes"
    METRIC = "metrics"
    PARAM = "params"
    TAG = "tags"
    DATASET = "datasets"


class Kind(Enum):
    """How a value is written in a filter."""

    TEXT = "a quoted string"
    NUMBER = "a number"
    WHOLE = "a whole number"


@dataclass(frozen=True, slots=True)
class Attribute:
    """A named value of a record.

    Attributes:
        name: its canonical name.
        kind: how it is written in a filter.
        operators: what may be asked of it.
        read: takes it from a record; None where the record has none.
        code: the number that a written string stands for, or None when it stands for nothing. Such an
            attribute is compared and ordered by that number, which is also what `read` gives.
        expected: what a written string must be, for messages.
    """

    name: str
    kind: Kind
    operators: tuple[str, ...]
    read: Callable[[Any], Any]
    code: Callable[[str], int | None] | None = None
    expected: str = ""

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers when they are compared."""
        return self.kind is not Kind.TEXT or self.code is not None


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of record that can be searched.

    Attributes:
        name: what messages call the records.
        entities: each accepted spelling of an entity.
        attributes: each accepted spelling of an attribute.
        operators: what may be asked of the keys of the other entities.
        ordered: the entities whose keys may stand in an order.
        default: the order when none is asked for, as (attribute, descending); the last one is the id.
        ties: what decides between equals of an order that was asked for, unless that order names it already.
        statistics: whether `metrics` sums each metric up, so that `metrics.<key>.min` is a statistic.
            Where not, it is a list of measured values, and `.min` belongs to the key.
    """

    name: str
    entities: Mapping[str, Entity]
    attributes: Mapping[str, Attribute]
    operators: Mapping[Entity, tuple[str, ...]]
    ordered: frozenset[Entity]
    default: tuple[tuple[str, bool], ...]
    ties: tuple[tuple[str, bool], ...]
    statistics: bool = False


_SPELLINGS = {
    Entity.ATTRIBUTE: ("attribute", "attributes", "attr"),
    Entity.METRIC: ("metric", "metrics"),
    Entity.PARAM: ("param", "params", "parameter", "parameters"),
    Entity.TAG: ("tag", "tags"),
    Entity.DATASET: ("dataset", "datasets"),
}


def _entities(*entities: Entity) -> dict[str, Entity]:
    return {spelling: entity for entity in entities for spelling in _SPELLINGS[entity]}


def _attributes(*attributes: Attribute, aliases: Mapping[str, str]) -> dict[str, Attribute]:
    known = {attribute.name: attribute for attribute in attributes}
    return known | {alias: known[name] for alias, name in aliases.items()}


def _text(name: str, source: str = "", operators: tuple[str, ...] = MATCHES) -> Attribute:
    return Attribute(name, Kind.TEXT, operators, attrgetter(source or name))


def _time(name: str, source: str = "", kind: Kind = Kind.NUMBER) -> Attribute:
    return Attribute(name, kind, NUMERIC, attrgetter(source or name))


def _decimal(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(2**63)) else None


def model_status(text: str) -> int | None:
    """MLflow's number for a status spelled `READY` or `LOGGED_MODEL_READY`; None for what is no status."""
    return MODEL_STATUSES.get(text.removeprefix("LOGGED_MODEL_").removeprefix("UPLOAD_"))


def _artifact_uri(run: Any) -> str:
    return f"mlflow-artifacts:/{run.experiment_id}/{run.run_id}/artifacts"


_CODES = ("=", "!=", *LISTS)
_EXPERIMENT_ID = Attribute(
    "experiment_id", Kind.TEXT, _CODES, lambda record: int(record.id), _decimal, "a decimal number in quotes"
)
_MODEL_STATUS = Attribute(
    "status",
    Kind.TEXT,
    _CODES,
    lambda record: model_status(record.status),
    model_status,
    "PENDING, READY or FAILED",
)

RUNS = Target(
    name="runs",
    entities=_entities(*Entity) | {"run": Entity.ATTRIBUTE},
    attributes=_attributes(
        _text("run_id", operators=MATCHES + LISTS),
        _text("run_name", "name"),
        _text("user_id"),
        _text("created_by", operators=MATCHES + LISTS),
        _text("status"),
        _time("start_time"),
        _time("end_time"),
        Attribute("artifact_uri", Kind.TEXT, MATCHES, _artifact_uri),
        aliases={
            "created": "start_time",
            "Created": "start_time",
            "run name": "run_name",
            "Run name": "run_name",
            "Run Name": "run_name",
        },
    ),
    operators={
        Entity.METRIC: NUMERIC,
        Entity.PARAM: MATCHES + PRESENCE,
        Entity.TAG: MATCHES + PRESENCE,
        Entity.DATASET: MATCHES + LISTS,
    },
    ordered=frozenset({Entity.METRIC, Entity.PARAM, Entity.TAG}),
    default=(("start_time", True), ("run_id", False)),
    ties=(("start_time", True), ("run_id", False)),
    statistics=True,
)

EXPERIMENTS = Target(
    name="experiments",
    entities=_entities(Entity.ATTRIBUTE, Entity.TAG),
    attributes=_attributes(
        _text("name"),
        _EXPERIMENT_ID,
        _time("creation_time", "created_at", Kind.WHOLE),
        _time("last_update_time", "updated_at", Kind.WHOLE),
        aliases={},
    ),
    operators={Entity.TAG: MATCHES + PRESENCE},
    ordered=frozenset(),
    default=(("creation_time", True), ("experiment_id", False)),
    ties=(("experiment_id", True),),
)

LOGGED_MODELS = Target(
    name="logged models",
    entities=_entities(Entity.ATTRIBUTE, Entity.METRIC, Entity.PARAM, Entity.TAG),
    attributes=_attributes(
        _text("name", operators=MATCHES + LISTS),
        _text("model_id", operators=MATCHES + LISTS),
        _text("model_type", operators=MATCHES + LISTS),
        _MODEL_STATUS,
        _text("source_run_id", operators=MATCHES + LISTS),
        _time("creation_timestamp", "created_at"),
        _time("last_updated_timestamp", "updated_at"),
        aliases={"creation_time": "creation_timestamp", "last_updated_time": "last_updated_timestamp"},
    ),
    operators={Entity.METRIC: NUMERIC, Entity.PARAM: MATCHES + LISTS, Entity.TAG: MATCHES + LISTS},
    ordered=frozenset({Entity.METRIC}),
    default=(("creation_timestamp", True), ("model_id", False)),
    ties=(("creation_timestamp", True), ("model_id", False)),
)
