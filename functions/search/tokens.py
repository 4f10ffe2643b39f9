"""Cuts the text of a filter or an order into tokens: pure, and linear in the length of the text."""

import re
from typing import NamedTuple

from functions.errors import Unacceptable
from functions.ids import shown

# Names may hold what keys of metrics hold (`train/loss`, `val-loss`), since the grammar knows no arithmetic.
# A backtick or quote takes any text; in a string a doubled quote is one quote and a backslash is itself.
_NUMBER = r"(?ai:[+-]?(?:(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:e[+-]?[0-9]++)?+|inf(?:inity)?|nan))"
_TOKEN = re.compile(
    rf"""
      (?P<space>\s++)
    | (?P<text>'[^']*+(?:''[^']*+)*+'|"[^"]*+(?:""[^"]*+)*+"(?!\.))
    | (?P<number>{_NUMBER}(?![\w.]))
    | (?P<name>(?:`[^`]++`|"[^"]++"|[^\W\d]\w*+)(?:\.(?:`[^`]++`|"[^"]++"|'[^']++'|[\w/:-]++))*+)
    | (?P<operator>[<>=!~]++)
    | (?P<mark>[(),])
    """,
    re.VERBOSE,
)
_PART = re.compile(r"""`([^`]+)`|"([^"]+)"|'([^']+)'|([\w/:-]+)""")

LONGEST_NUMBER = 400
KEYWORDS = frozenset({"AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "ILIKE"})


class Part(NamedTuple):
    """A piece of a name between dots."""

    text: str
    quoted: bool


class Token(NamedTuple):
    """A piece of the text.

    Attributes:
        kind: `text`, `number`, `name`, `keyword`, `operator`, `mark`, or `end` after the last one.
        value: a text without its quotes, a keyword in capitals, everything else as written.
        start: where it begins, from 0.
        written: as it was written.
    """

    kind: str
    value: str
    start: int
    written: str

    @property
    def parts(self) -> list[Part]:
        """A name's parts; a quoted text stands for a name of one part."""
        if self.kind == "text":
            return [Part(self.value, quoted=True)]
        found = [match.groups() for match in _PART.finditer(self.written)]
        return [
            Part(tick or double or single or plain, quoted=not plain) for tick, double, single, plain in found
        ]


class Refusal(NamedTuple):
    """How errors of one request field begin, so that each says what is wrong and where."""

    field: str
    opening: str

    def at(self, token: Token, reason: str) -> Unacceptable:
        """The text does not follow the grammar at this token."""
        where = (
            "at its end" if token.kind == "end" else f"{shown(token.written)} at character {token.start + 1}"
        )
        return Unacceptable(f"{self.opening}: {where}: {reason}.", field=self.field)

    def of(self, token: Token, wrong: str, right: str) -> Unacceptable:
        """The text follows the grammar, but asks for what is not there."""
        return Unacceptable(f"{wrong} at character {token.start + 1}: {right}.", field=self.field)


def tokens(text: str, refuse: Refusal) -> list[Token]:
    """The tokens of *text* and one of kind `end`.

    Raises:
        Unacceptable: some character starts no token, such as a quote that is never closed.
    """
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            quote = text[position] in "'\"`"
            reason = "this quote is never closed" if quote else "this is no key, operator or value"
            raise refuse.at(Token("", "", position, text[position:]), reason)
        if match.lastgroup != "space":
            found.append(_token(match.lastgroup, match.group(), position))
        position = match.end()
    found.append(Token("end", "", len(text), ""))
    return found


def _token(kind: str, written: str, start: int) -> Token:
    if kind == "text":
        quote = written[0]
        return Token(kind, written[1:-1].replace(quote * 2, quote), start, written)
    if kind == "name" and written.isascii() and written.upper() in KEYWORDS:
        return Token("keyword", written.upper(), start, written)
    return Token(kind, written, start, written)


def number(token: Token, refuse: Refusal) -> float:
    """The float64 that a number token stands for.

    Raises:
        Unacceptable: it is NaN, would be rounded to 0 or Infinity, or has more than 400 characters.
    """
    if len(token.value) > LONGEST_NUMBER:
        raise refuse.at(token, f"a number has at most {LONGEST_NUMBER} characters")
    value = float(token.value)
    word = token.value[-1].isalpha()
    if value != value:  # noqa: PLR0124  (NaN)
        raise refuse.at(token, "NaN equals nothing; a metric that is NaN matches != and no other operator")
    if value in {float("inf"), float("-inf")} and not word:
        raise refuse.at(
            token, "a 64-bit float cannot hold a number so large; Infinity is written as Infinity"
        )
    if value == 0 and token.value.lower().partition("e")[0].strip("+-0."):
        raise refuse.at(token, "a 64-bit float cannot hold a number so close to 0")
    return value
