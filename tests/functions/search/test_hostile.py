"""Filters that are meant to hurt."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.errors import Unacceptable
from functions.search.fields import EXPERIMENTS, LOGGED_MODELS, RUNS
from functions.search.grammar import DEEPEST, LONGEST, MOST_CLAUSES, parse


def refusal(text, target=RUNS):
    """The message with which a filter is refused."""
    with pytest.raises(Unacceptable) as caught:
        parse(text, target)
    assert caught.value.field == "filter"
    return caught.value.message


def test_length():
    """A filter of up to 65,536 characters is read."""
    text = "tags.a = '{}'"
    room = LONGEST - len(text) + 2
    assert parse(text.format("x" * room), RUNS).value == "x" * room
    assert "at most 65536" in refusal(text.format("x" * (room + 1)))


@pytest.mark.parametrize("opening", ["(", "NOT ", "NOT ("])
def test_depth(opening):
    """NOT and parentheses nest up to 100 deep, so that no filter exhausts the stack."""
    levels = DEEPEST // (2 if len(opening) > 4 else 1)
    closing = ")" if "(" in opening else ""
    assert parse(opening * levels + "tags.a = '1'" + closing * levels, RUNS)
    assert "100 deep" in refusal(opening * (levels + 1) + "tags.a = '1'" + closing * (levels + 1))
    assert "100 deep" in refusal(opening * (60_000 // len(opening)))
    assert parse(" OR ".join([f"{opening}tags.a = '1'{closing}"] * (DEEPEST + 1)), RUNS)


def test_clauses():
    """A filter has at most 500 clauses, whatever joins them."""
    assert len(parse(" OR ".join(["name=''"] * MOST_CLAUSES), EXPERIMENTS).parts) == MOST_CLAUSES
    assert "at most 500 clauses" in refusal(" AND ".join(["name=''"] * (MOST_CLAUSES + 1)), EXPERIMENTS)


@pytest.mark.parametrize(
    ("piece", "times"),
    [
        ("1", 65_000),
        ("'", 65_001),
        ('"', 65_001),
        ("`", 65_001),
        (" ", 65_000),
        ("<", 65_000),
        ("(", 65_000),
        ("metrics.", 8_000),
        ("1.", 32_000),
        ("a.", 32_000),
        ('"a".', 16_000),
        ("not ", 16_000),
        ("''", 32_000),
        ("tags.a='1' or ", 4_500),
        ("tags.a in ('a',", 4_000),
        ("1e", 32_000),
        ("é`", 32_000),
    ],
)
def test_hostile_text_takes_linear_time(piece, times):
    """No text of 64 KB costs more than a moment."""
    started = time.process_time()
    refusal("metrics.a > " + piece * times + "x")
    refusal(piece * times + "x")
    assert time.process_time() - started < 2


WORDS = st.sampled_from(
    "metrics params tags attributes datasets status run_id start_time name loss min best . . . NOT AND or "
    "IS NULL = != < >= LIKE ilike IN ( ) , ' \" ` 'x' \"y\" 1 -2.5 1e400 nan inf % ; \\ \0 é".split(" ")
)


@settings(max_examples=300, deadline=None)
@given(text=st.one_of(st.text(), st.lists(WORDS).map(" ".join), st.lists(WORDS).map("".join)))
@pytest.mark.parametrize("target", [RUNS, EXPERIMENTS, LOGGED_MODELS], ids=lambda target: target.name)
def test_any_text_is_a_tree_or_refused(target, text):
    """No text, however broken, raises anything but Unacceptable."""
    try:
        refused = None if parse(text, target) or not text.strip() else "it is neither"
    except Unacceptable as error:
        refused = error
    assert refused is None or (refused.field, refused.status, bool(refused.message.encode())) == (
        "filter",
        400,
        True,
    )
