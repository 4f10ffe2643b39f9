"""The tree that a filter is parsed to: plain data, equal where the filters mean the same words."""

from dataclasses import dataclass

from functions.search.fields import LAST, Entity

Value = str | int | float | tuple[str | int, ...] | None


@dataclass(frozen=True, slots=True)
class Field:
    """What a clause or an order names: an entity's key, and for metrics which statistic of it."""

    entity: Entity
    key: str
    statistic: str = ""

    def __str__(self) -> str:
        quoted = self.key if self.key.isidentifier() else f"`{self.key}`"
        statistic = f".{self.statistic}" if self.statistic not in {"", LAST} else ""
        return f"{self.entity.value}.{quoted}{statistic}"


@dataclass(frozen=True, slots=True)
class Clause:
    """One question to a record. The operator is in capitals; IS NULL and IS NOT NULL have no value."""

    field: Field
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """Some part holds."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Node"


Node = Clause | And | Or | Not
