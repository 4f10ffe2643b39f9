"""The grammar of filters: text to a tree, pure. MLflow's grammar, and OR, NOT, parentheses and statistics.

    filter     = [ either ]                                blank text is no filter
    either     = both { OR both }
    both       = term { AND term }
    term       = NOT term | "(" either ")" | clause
    clause     = key operator value
               | key [NOT] IN "(" text { "," text } [","] ")"
               | key IS [NOT] NULL
    key        = [ entity "." ] name [ "." statistic ]     name plain, or in `...` or "..."
    operator   = "=" | "!=" | "<" | "<=" | ">" | ">=" | LIKE | ILIKE
    value      = '...' | "..." | number                    a doubled quote inside is one quote

Keywords are case-insensitive, entities and names are not. What follows the entity's dot is the key, dots
and all. The last part of a run metric's key is a statistic when it is unquoted and one of min, max, first,
last, best, at_best: metrics.loss.min, metrics.`val.loss`.min. A metric whose own key ends like that is
reached by quoting the whole key: metrics.`loss.min`.

Numbers are finite float64 or Infinity. One too large, too small or too long for that is refused, not
rounded to something else, and so is NaN, which equals nothing.
"""

from typing import NoReturn

from functions.errors import Unacceptable
from functions.ids import shown
from functions.search.fields import DATASET_KEYS, LAST, STATISTICS, Attribute, Entity, Kind, Target
from functions.search.tokens import Part, Refusal, Token, number, tokens
from functions.search.tree import And, Clause, Field, Node, Not, Or

LONGEST, DEEPEST, MOST_CLAUSES = 65_536, 100, 500


def parse(text: str | None, target: Target) -> Node | None:
    """The tree of a filter, or None where it is blank and everything matches.

    Raises:
        Unacceptable: of field `filter`: not the grammar; a key, operator or value that the target does not
            take; longer than 65,536 characters, nested deeper than 100, or more than 500 clauses.
    """
    if text is None or not text.strip():
        return None
    refuse = Refusal("filter", "Invalid clause(s) in filter string")
    if len(text) > LONGEST:
        message = f"The filter has {len(text)} characters; at most {LONGEST} are taken."
        raise Unacceptable(message, field="filter")
    return _Parser(tokens(text, refuse), target, refuse).tree()


def identify(token: Token, target: Target, refuse: Refusal) -> Field:
    """The field that a name stands for.

    Raises:
        Unacceptable: no such entity, attribute or dataset key, or the key is quoted in part only.
    """
    parts = token.parts
    if len(parts) == 1:
        entity, rest = Entity.ATTRIBUTE, parts
    else:
        spelling, rest = parts[0].text, parts[1:]
        if spelling not in target.entities:
            known = ", ".join(dict.fromkeys(entity.value for entity in target.entities.values()))
            wrong = f"Invalid entity type {shown(spelling)}"
            raise refuse.of(token, wrong, f"for {target.name} it is one of {known}")
        entity = target.entities[spelling]
    statistic = ""
    if entity is Entity.METRIC:
        rest, statistic = _statistic(rest, target)
    key = _key(rest, token, refuse)
    if entity is Entity.ATTRIBUTE:
        if key not in target.attributes:
            known = ", ".join(dict.fromkeys(attribute.name for attribute in target.attributes.values()))
            wrong = f"Invalid attribute key {shown(key)}"
            raise refuse.of(
                token, wrong, f"{target.name} have {known}; everything else needs its entity before a dot"
            )
        key = target.attributes[key].name
    elif entity is Entity.DATASET and key not in DATASET_KEYS:
        wrong = f"Invalid dataset key {shown(key)}"
        raise refuse.of(token, wrong, f"it is one of {', '.join(sorted(DATASET_KEYS))}")
    return Field(entity, key, statistic)


def _statistic(parts: list[Part], target: Target) -> tuple[list[Part], str]:
    last = parts[-1]
    if target.statistics and len(parts) > 1 and not last.quoted and last.text in STATISTICS:
        return parts[:-1], last.text
    return parts, LAST


def _key(parts: list[Part], token: Token, refuse: Refusal) -> str:
    if len(parts) > 1 and any(part.quoted for part in parts):
        raise refuse.at(token, "quote the whole key after the entity's dot, as in metrics.`val.loss`")
    return ".".join(part.text for part in parts)


class _Parser:
    """Recursive descent over the tokens; its depth and its clauses are counted."""

    def __init__(self, found: list[Token], target: Target, refuse: Refusal) -> None:
        self._tokens, self._target, self._refuse = found, target, refuse
        self._position = self._depth = self._clauses = 0

    def tree(self) -> Node:
        node = self._either()
        if self._here.kind != "end":
            self._fail("expected AND, OR or the end")
        return node

    @property
    def _here(self) -> Token:
        return self._tokens[self._position]

    def _fail(self, reason: str) -> NoReturn:
        raise self._refuse.at(self._here, reason)

    def _take(self, kind: str, *values: str) -> Token | None:
        token = self._here
        if token.kind != kind or (values and token.value not in values):
            return None
        self._position += 1
        return token

    def _either(self) -> Node:
        parts = [self._both()]
        while self._take("keyword", "OR"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _both(self) -> Node:
        parts = [self._term()]
        while self._take("keyword", "AND"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _term(self) -> Node:
        opened = self._take("keyword", "NOT") or self._take("mark", "(")
        if opened is None:
            return self._clause()
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._refuse.at(opened, f"NOT and parentheses nest at most {DEEPEST} deep")
        if opened.kind == "keyword":
            node: Node = Not(self._term())
        else:
            node = self._either()
            if not self._take("mark", ")"):
                self._fail("expected AND, OR or a closing parenthesis")
        self._depth -= 1
        return node

    def _clause(self) -> Clause:
        token = self._here
        if token.kind != "name" and not token.written.startswith('"'):
            self._fail("expected a key, such as metrics.loss, params.model or status")
        self._position += 1
        self._clauses += 1
        if self._clauses > MOST_CLAUSES:
            raise self._refuse.at(token, f"at most {MOST_CLAUSES} clauses are taken; IN takes a list of ids")
        field = identify(token, self._target, self._refuse)
        asked = self._here
        operator = self._operator()
        allowed = operators(field, self._target)
        if operator not in allowed:
            wrong = f"Invalid comparator {shown(operator)} for {shown(str(field))}"
            raise self._refuse.of(asked, wrong, f"it is one of {', '.join(allowed)}")
        if operator in {"IS NULL", "IS NOT NULL"}:
            return Clause(field, operator, None)
        attribute = self._target.attributes[field.key] if field.entity is Entity.ATTRIBUTE else None
        if operator in {"IN", "NOT IN"}:
            return Clause(field, operator, self._list(field, attribute))
        if field.entity is Entity.METRIC or (attribute is not None and attribute.kind is not Kind.TEXT):
            return Clause(field, operator, self._number(field, attribute))
        return Clause(field, operator, self._text(field, attribute))

    def _operator(self) -> str:
        symbol = self._take("operator") or self._take("keyword", "LIKE", "ILIKE", "IN")
        if symbol is not None:
            return symbol.value
        if self._take("keyword", "IS"):
            negated = self._take("keyword", "NOT")
            if not self._take("keyword", "NULL"):
                self._fail("expected NULL or NOT NULL after IS")
            return "IS NOT NULL" if negated else "IS NULL"
        if self._take("keyword", "NOT"):
            if not self._take("keyword", "IN"):
                self._fail(
                    "expected IN after NOT; any other clause is negated from the left: NOT key LIKE 'x'"
                )
            return "NOT IN"
        raise self._refuse.at(
            self._here, "expected an operator: = != < <= > >= LIKE ILIKE IN, NOT IN, IS [NOT] NULL"
        )

    def _list(self, field: Field, attribute: Attribute | None) -> tuple[str | int, ...]:
        if not self._take("mark", "("):
            self._fail("expected a list of quoted strings in parentheses")
        values = [self._text(field, attribute)]
        while self._take("mark", ","):
            if self._here.value == ")":
                break
            values.append(self._text(field, attribute))
        if not self._take("mark", ")"):
            self._fail("expected a comma or a closing parenthesis")
        return tuple(values)

    def _text(self, field: Field, attribute: Attribute | None) -> str | int:
        token = self._take("text")
        if token is None:
            self._fail(f"Expected a quoted string value for {shown(str(field))}, such as 'my-value'")
        if attribute is None or attribute.code is None:
            return token.value
        code = attribute.code(token.value)
        if code is None:
            raise self._refuse.of(
                token, f"Invalid {attribute.name} {shown(token.value)}", f"it is {attribute.expected}"
            )
        return code

    def _number(self, field: Field, attribute: Attribute | None) -> float:
        token = self._take("number")
        if token is None:
            entity = "metric" if attribute is None else "numeric attribute"
            self._fail(f"Expected numeric value type for {entity} {shown(str(field))}")
        value = number(token, self._refuse)
        whole = token.value.lstrip("+-").isdigit()
        if attribute is not None and attribute.kind is Kind.WHOLE and not whole:
            wrong = f"Invalid value for numeric attribute {attribute.name}"
            raise self._refuse.of(token, wrong, "it is a whole number of milliseconds since 1970")
        return int(token.value) if whole and attribute is not None else value


def operators(field: Field, target: Target) -> tuple[str, ...]:
    """What may be asked of a field."""
    if field.entity is Entity.ATTRIBUTE:
        return target.attributes[field.key].operators
    return target.operators[field.entity]
