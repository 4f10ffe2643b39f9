"""LIKE and ILIKE."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from functions.search.pattern import ilike, like
from tests.functions.search import naive

LETTERS = st.text("ab.\n", max_size=10)


@settings(max_examples=500, deadline=None)
@example(pattern="%ab%b", text="xab")
@example(pattern="%a%a%", text="ab")
@example(pattern="ab%ba", text="aba")
@given(pattern=st.text("ab.%_", max_size=8), text=LETTERS | st.text("ab", max_size=6))
def test_like_is_what_the_textbook_says(pattern, text):
    """`%` stands for any text, also none and also lines, `_` for one character, anything else for itself."""
    assert like(pattern)(text) is naive.like(pattern, text)


@settings(deadline=None)
@given(chunks=st.lists(LETTERS, max_size=4), between=LETTERS)
def test_like_finds_its_own_parts(chunks, between):
    """A pattern matches every text that is made by filling its gaps."""
    assert like("%".join(chunks))(between.join(chunks)) or len(chunks) == 0


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("ABC", "abc", True),
        ("%É%", "caf\u00e9s", True),
        ("%\u03c3", "ΟΔΟΣ", True),
        ("\u03c2%", "ΣΑ", True),
        ("_", "ß", True),
        ("__", "ß", False),
        ("_", "İ", True),
        ("a_C", "AbC", True),
        ("%b", "abc", False),
        ("100\\%", "100%", False),
    ],
)
def test_ilike_ignores_capitals(pattern, text, matches):
    """ILIKE is LIKE without capitals, in any script, and `_` stays one character; nothing is escaped."""
    assert ilike(pattern)(text) is matches


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("%a" * 4000 + "b", "a" * 8000),
        ("%" * 60_000 + "b", "a" * 8000),
        ("%_a" * 2000 + "b", "a" * 8000),
        ("%" + "_" * 4000 + "b%", "a" * 8000),
        ("%" + "a_" * 2000 + "b%", "a" * 8000),
        ("%" + "a" * 2000 + "_" + "a" * 2000 + "b%", "a" * 8000),
        ("a%" * 30_000, "a" * 65_000),
    ],
)
def test_no_pattern_backtracks(pattern, text):
    """The worst pattern on the longest tag takes a moment, and so does reading it."""
    started = time.process_time()
    like(pattern)(text)
    assert time.process_time() - started < 2
