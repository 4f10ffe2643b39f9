"""A search, planned: what it asks for, which parts of a record that needs, and how it goes page by page."""

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

from functions.search.fields import AT_BEST, BEST, Entity, Target
from functions.search.grammar import parse
from functions.search.order import Ordering, Scalar, Sort, parse_order
from functions.search.pages import decode, encode, fingerprint
from functions.search.predicate import predicate
from functions.search.readers import Aims, Named, OnDataset, demand_goals
from functions.search.tree import And, Clause, Field, Node, Not, Or

# Which parts of a record an entity is read from; attributes are plain.
_PARTS = {Entity.METRIC: "metrics", Entity.PARAM: "params", Entity.TAG: "tags", Entity.DATASET: "inputs"}


@dataclass(frozen=True)
class Plan:
    """What a caller asked for, understood before anything is read.

    Attributes:
        target: the kind of the records.
        tree: the filter; None matches everything.
        order: all keys of the order, the record's id among them.
        search: a fingerprint that page tokens are bound to.
        on: a restriction of logged models to metrics of these datasets.
    """

    target: Target
    tree: Node | None
    order: tuple[Sort, ...]
    search: str
    on: tuple[OnDataset, ...] = ()

    @cached_property
    def plain(self) -> bool:
        """Whether everything matches in default order, so that only the page itself needs to be read."""
        return self.tree is None and not self.on and self.order == parse_order(None, self.target)

    @cached_property
    def needs(self) -> frozenset[str]:
        """The parts of a record that filter and order look at, beside its plain attributes.

        Some of `params`, `tags`, `metrics`, `inputs`, `at_best`; and `datasets` where a clause asks for the
        name or digest of an input's dataset.
        """
        parts = {"metrics"} if self.on else set()
        for field in self._fields():
            if field.statistic == AT_BEST:
                parts.add("at_best")
            elif field.entity in _PARTS:
                parts.add(_PARTS[field.entity])
            if field.entity is Entity.DATASET and field.key != "context":
                parts.add("datasets")
        return frozenset(parts)

    @cached_property
    def ordering(self) -> Ordering:
        """The order as keys that compare."""
        return Ordering(self.order, self.target, self.on)

    def after(self, page_token: str | None) -> Sequence[Scalar] | None:
        """Where the page before ended: a value for each key of `order`; None for the first page.

        Raises:
            Unacceptable: of field `page_token`: not a token of this search.
        """
        return decode(page_token, self.search, self.ordering.numeric) if page_token else None

    def token(self, record: Any) -> str:
        """The token of the page that begins after this record."""
        return encode(self.search, self.ordering.values(record))

    def page(
        self,
        records: Iterable[Any],
        limit: int,
        page_token: str | None = None,
        *,
        experiments: Collection[Aims] = (),
        datasets: Mapping[str, Named] | None = None,
    ) -> tuple[list[Any], str | None]:
        """The first *limit* matching records after the token, in order, and the next page's token if any.

        Args:
            records: all that may match, in any order.
            limit: at least 1.
            page_token: of the page before.
            experiments: those that are searched, for their goals.
            datasets: the datasets of the runs' inputs by id, where `needs` has `datasets`.

        Raises:
            Unacceptable: a token of another search, or a statistic without a goal.
        """
        self.demand_goals(experiments)
        matches = predicate(self.tree, self.target, datasets=datasets, on=self.on)
        values, key = self.ordering.values, self.ordering.key
        last = self.after(page_token)
        found = [(key(values(record)), record) for record in records if matches(record)]
        if last is not None:
            floor = key(last)
            found = [pair for pair in found if pair[0] > floor]
        first = [record for _, record in heapq.nsmallest(limit + 1, found, key=itemgetter(0))]
        return first[:limit], self.token(first[limit - 1]) if len(first) > limit else None

    def demand_goals(self, experiments: Collection[Aims]) -> None:
        """Refuse `best` and `at_best` where none of the searched experiments defines them.

        Raises:
            Unacceptable: it says which tag to set.
        """
        for field, blame in self._fields().items():
            if field.statistic in {BEST, AT_BEST}:
                demand_goals(field, experiments, blame)

    def _fields(self) -> dict[Field, str]:
        sorts = {sort.field: "order_by" for sort in self.order}
        return sorts | {clause.field: "filter" for clause in _clauses(self.tree)}


def plan(
    target: Target,
    scope: Collection[str],
    where: str | None = None,
    order_by: Sequence[str | Mapping[str, Any]] | None = None,
    *,
    view: str = "",
    on: Sequence[OnDataset] = (),
) -> Plan:
    """Understand a search.

    Args:
        target: the kind of the records.
        scope: the ids of what is searched, such as experiments, in any order.
        where: the filter.
        order_by: see `order.parse_order`.
        view: which lifecycles are looked at, as the request says it.
        on: for logged models, the datasets whose metrics count.

    Raises:
        Unacceptable: of field `filter` or `order_by`.
    """
    tree, order = parse(where, target), parse_order(order_by, target)
    keys = [(str(sort.field), sort.descending, sort.on) for sort in order]
    search = fingerprint(target.name, sorted(set(scope)), where if tree else "", keys, view, list(on))
    return Plan(target, tree, order, search, tuple(on))


def _clauses(node: Node | None) -> Iterable[Clause]:
    match node:
        case Clause():
            yield node
        case Not(part):
            yield from _clauses(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _clauses(part)
