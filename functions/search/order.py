"""The order of a search: a total order, with missing values last in both directions and NaN before them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from functions.errors import Unacceptable
from functions.ids import shown
from functions.search.fields import LAST, Entity, Target
from functions.search.grammar import identify
from functions.search.readers import OnDataset, reader
from functions.search.tokens import Refusal, Token, tokens
from functions.search.tree import Field

MOST_KEYS, LONGEST = 10, 2_000
DIRECTIONS = {"ASC": False, "DESC": True}

Key = tuple[Any, ...]
Scalar = str | int | float | None


class Sort(NamedTuple):
    """One key of an order; *on* restricts a logged model's metric to one dataset."""

    field: Field
    descending: bool
    on: OnDataset | None = None

    def numeric(self, target: Target) -> bool:
        """Whether its values are numbers; otherwise they are text, ordered by code point."""
        if self.field.entity is Entity.ATTRIBUTE:
            return target.attributes[self.field.key].numeric
        return self.field.entity is Entity.METRIC


def parse_order(entries: Sequence[str | Mapping[str, Any]] | None, target: Target) -> tuple[Sort, ...]:
    """The keys of an order and those that decide its ties, so that it is total: a record's id is among them.

    Args:
        entries: each `key [ASC|DESC]`, or MLflow's object for logged models: field_name, ascending (default
            true), dataset_name, dataset_digest. None or empty is the default order.
        target: the kind of the records.

    Raises:
        Unacceptable: of field `order_by`: not of that form, a key that cannot be ordered by or that stands
            there twice, or more than 10.
    """
    if not entries:
        return tuple(_tie(key, descending) for key, descending in target.default)
    if len(entries) > MOST_KEYS:
        message = f"order_by has {len(entries)} keys; at most {MOST_KEYS} are taken."
        raise Unacceptable(message, field="order_by")
    sorts: list[Sort] = []
    for entry in entries:
        sort = _worded(entry, target) if isinstance(entry, str) else _spelled(entry, target)
        if any((sort.field, sort.on) == (other.field, other.on) for other in sorts):
            message = f"order_by contains duplicate fields: {shown(str(sort.field))} stands there twice."
            raise Unacceptable(message, field="order_by")
        sorts.append(sort)
    named = {sort.field.key for sort in sorts if sort.field.entity is Entity.ATTRIBUTE}
    return (*sorts, *(_tie(key, descending) for key, descending in target.ties if key not in named))


class _Downwards:
    """A text that compares the other way round."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __lt__(self, other: "_Downwards") -> bool:
        return other.text < self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Downwards) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


class Ordering:
    """The order as keys that compare: two records have equal keys only when they have the same id."""

    def __init__(self, sorts: Sequence[Sort], target: Target, on: Sequence[OnDataset] = ()) -> None:
        self.numeric = tuple(sort.numeric(target) for sort in sorts)
        self._reads = [reader(sort.field, target, on, sort.on) for sort in sorts]
        self._ranks = [
            (_number_down if sort.descending else _number_up)
            if numeric
            else (_text_down if sort.descending else _text_up)
            for sort, numeric in zip(sorts, self.numeric, strict=True)
        ]

    def values(self, record: Any) -> list[Scalar]:
        """The values that decide where a record stands; its id is among them."""
        return [read(record) for read in self._reads]

    def key(self, values: Sequence[Scalar]) -> Key:
        """What to compare records by, from their values."""
        return tuple([rank(value) for rank, value in zip(self._ranks, values, strict=True)])


_MISSING, _NAN = (2, 0), (1, 0)


def _number_up(value: Any) -> Key:
    if value is None:
        return _MISSING
    return (0, value) if value == value else _NAN  # noqa: PLR0124  (NaN)


def _number_down(value: Any) -> Key:
    if value is None:
        return _MISSING
    return (0, -value) if value == value else _NAN  # noqa: PLR0124  (NaN)


def _text_up(value: Any) -> Key:
    return _MISSING if value is None else (0, value)


def _text_down(value: Any) -> Key:
    return _MISSING if value is None else (0, _Downwards(value))


def _tie(key: str, descending: bool) -> Sort:  # noqa: FBT001  (a row of the table)
    return Sort(Field(Entity.ATTRIBUTE, key), descending)


def _worded(entry: str, target: Target) -> Sort:
    refuse = Refusal("order_by", f"Invalid order_by clause {shown(entry)}")
    if len(entry) > LONGEST:
        message = f"A key of order_by has {len(entry)} characters; at most {LONGEST} are taken."
        raise Unacceptable(message, field="order_by")
    name, *rest = tokens(entry, refuse)
    if name.kind != "name" and not name.written.startswith('"'):
        raise refuse.at(name, "expected a key, such as metrics.loss or start_time")
    descending = False
    if rest[0].kind == "name":
        direction = rest.pop(0)
        if direction.value.upper() not in DIRECTIONS:
            raise refuse.of(direction, f"Invalid ordering key {shown(direction.value)}", "it is ASC or DESC")
        descending = DIRECTIONS[direction.value.upper()]
    if rest[0].kind != "end":
        raise refuse.at(rest[0], "expected ASC, DESC or the end; several keys are several entries")
    return Sort(_orderable(identify(name, target, refuse), name, target, refuse), descending)


def _orderable(field: Field, name: Token, target: Target, refuse: Refusal) -> Field:
    if field.entity is Entity.ATTRIBUTE or field.entity in target.ordered:
        return field
    known = ", ".join(["attributes", *sorted(entity.value for entity in target.ordered)])
    raise refuse.of(
        name, f"Invalid order_by entity {field.entity.value}", f"{target.name} are ordered by {known}"
    )


def _spelled(entry: Mapping[str, Any], target: Target) -> Sort:
    given = entry if isinstance(entry, Mapping) else {}
    name, ascending = given.get("field_name"), given.get("ascending")
    dataset, digest = given.get("dataset_name") or None, given.get("dataset_digest") or None
    if not isinstance(name, str) or not isinstance(dataset, str | None) or not isinstance(digest, str | None):
        message = (
            "An entry of order_by has field_name, and may have ascending, dataset_name and dataset_digest."
        )
        raise Unacceptable(message, field="order_by")
    if not isinstance(ascending, bool | None):
        message = f"Invalid value {shown(ascending)} for parameter 'ascending' supplied: it is true or false."
        raise Unacceptable(message, field="order_by")
    entity, _, key = name.partition(".")
    field = Field(Entity.ATTRIBUTE, name)
    if key and target.entities.get(entity) in target.ordered:
        kind = target.entities[entity]
        quoted = len(key) > 2 and key[0] == key[-1] == "`"
        field = Field(kind, key[1:-1] if quoted else key, LAST if kind is Entity.METRIC else "")
    elif name in target.attributes:
        field = Field(Entity.ATTRIBUTE, target.attributes[name].name)
    else:
        known = ", ".join(dict.fromkeys(attribute.name for attribute in target.attributes.values()))
        message = f"Invalid order by field name {shown(name)}: it is one of {known} or metrics.<key>."
        raise Unacceptable(message, field="order_by")
    if digest and not dataset:
        message = "dataset_digest in order_by needs dataset_name."
        raise Unacceptable(message, field="order_by")
    return Sort(field, ascending is False, OnDataset(dataset, digest) if dataset else None)
