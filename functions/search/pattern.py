"""LIKE and ILIKE: `%` is any text, `_` one character, nothing is escaped, as in MLflow's SQL store.

A pattern is cut at its `%` into chunks of fixed length, which are searched from left to right, each once.
So no pattern backtracks. Chunks without `_` take time linear in the text, those with it at worst the
product of the two lengths, in C.
"""

import re
from collections.abc import Callable

Find = Callable[[str, int], int]


def like(pattern: str) -> Callable[[str], bool]:
    """Whether a text matches the pattern, letter for letter."""
    if "%" not in pattern:
        return pattern.__eq__ if "_" not in pattern else _whole(pattern)
    head, *middle, tail = pattern.split("%")
    chunks = [(_finder(chunk), len(chunk)) for chunk in middle if chunk]
    starts, ends = _matcher(head), _matcher(tail)
    shortest = len(pattern) - pattern.count("%")

    def matches(text: str) -> bool:
        size = len(text)
        if size < shortest or not starts(text, 0) or not ends(text, size - len(tail)):
            return False
        position = len(head)
        for find, length in chunks:
            position = find(text, position)
            if position < 0:
                return False
            position += length
        return position <= size - len(tail)

    return matches


def ilike(pattern: str) -> Callable[[str], bool]:
    """Whether a text matches the pattern, capitals or not."""
    matches = like(folded(pattern))
    return lambda text: matches(folded(text))


def folded(text: str) -> str:
    """The text without capitals, character by character, so that `_` still stands for one."""
    if text.isascii():
        return text.lower()
    return "".join(fold if len(fold := character.casefold()) == 1 else character for character in text)


def _whole(pattern: str) -> Callable[[str], bool]:
    matches = _matcher(pattern)
    return lambda text: len(text) == len(pattern) and matches(text, 0)


def _matcher(chunk: str) -> Callable[[str, int], bool]:
    if "_" not in chunk:
        return lambda text, position: text.startswith(chunk, position)
    compiled = _compiled(chunk)
    return lambda text, position: compiled.match(text, position) is not None


def _finder(chunk: str) -> Find:
    if "_" not in chunk:
        return lambda text, position: text.find(chunk, position)
    compiled = _compiled(chunk)

    def find(text: str, position: int) -> int:
        found = compiled.search(text, position)
        return -1 if found is None else found.start()

    return find


def _compiled(chunk: str) -> re.Pattern[str]:
    return re.compile(
        "".join("." if character == "_" else re.escape(character) for character in chunk), re.DOTALL
    )
