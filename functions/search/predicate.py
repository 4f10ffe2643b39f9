"""Whether a record matches a tree: the one place where filters are evaluated.

Logic has two values. A clause on a key that the record does not have is false whatever the operator, `!=`
and NOT IN included; only IS NULL is true. So NOT of such a clause is true: NOT params.lr = '1' finds the
runs without lr, params.lr != '1' does not. A metric that is NaN satisfies `!=` and no other operator. A
dataset clause asks whether some input of the run satisfies it; two clauses may be satisfied by two
different inputs.
"""

import operator
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from functions.search.fields import Entity, Target
from functions.search.pattern import ilike, like
from functions.search.readers import Named, OnDataset, Read, dataset_values, reader
from functions.search.tree import And, Clause, Node, Not, Or

Predicate = Callable[[Any], bool]

# partial(f, wanted)(found) is f(wanted, found): hence the mirrored signs.
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.gt,
    "<=": operator.ge,
    ">": operator.lt,
    ">=": operator.le,
}


def predicate(
    tree: Node | None,
    target: Target,
    *,
    datasets: Mapping[str, Named] | None = None,
    on: Collection[OnDataset] = (),
) -> Predicate:
    """A function that says whether a record matches.

    Args:
        tree: what `grammar.parse` gave; None matches everything.
        target: the kind of the records.
        datasets: the datasets of runs' inputs by id; an input whose id is not there has no name or digest.
        on: logged models must have a metric on one of these datasets, and only such metrics are looked at.
    """
    matches = _everything if tree is None else _node(tree, target, datasets or {}, on)
    if not on:
        return matches
    return lambda model: (
        any(dataset.covers(row) for row in model.metrics for dataset in on) and matches(model)
    )


def _everything(_: Any) -> bool:
    return True


def _node(node: Node, target: Target, datasets: Mapping[str, Named], on: Collection[OnDataset]) -> Predicate:
    match node:
        case And(parts):
            return _every([_node(part, target, datasets, on) for part in parts])
        case Or(parts):
            return _some([_node(part, target, datasets, on) for part in parts])
        case Not(part):
            inner = _node(part, target, datasets, on)
            return lambda record: not inner(record)
        case Clause(field) if field.entity is Entity.DATASET:
            return _any_input(dataset_values(field.key, datasets), _test(node))
        case Clause(field):
            return _clause(node, reader(field, target, on))


def _every(parts: list[Predicate]) -> Predicate:
    def matches(record: Any) -> bool:
        for part in parts:  # noqa: SIM110  (a third of the time of all() with a generator)
            if not part(record):
                return False
        return True

    return matches


def _some(parts: list[Predicate]) -> Predicate:
    def matches(record: Any) -> bool:
        for part in parts:  # noqa: SIM110  (as above)
            if part(record):
                return True
        return False

    return matches


def _any_input(values: Callable[[Any], Any], test: Callable[[Any], bool]) -> Predicate:
    return lambda run: any(map(test, values(run)))


def _clause(clause: Clause, read: Read) -> Predicate:
    if clause.operator == "IS NULL":
        return lambda record: read(record) is None
    if clause.operator == "IS NOT NULL":
        return lambda record: read(record) is not None
    test = _test(clause)

    def matches(record: Any) -> bool:
        found = read(record)
        return found is not None and test(found)

    return matches


def _test(clause: Clause) -> Callable[[Any], bool]:
    value = clause.value
    if clause.operator in _SIGNS:
        return partial(_SIGNS[clause.operator], value)
    if isinstance(value, tuple):
        values = frozenset(value)
        return values.__contains__ if clause.operator == "IN" else lambda found: found not in values
    pattern = str(value)
    return like(pattern) if clause.operator == "LIKE" else ilike(pattern)
