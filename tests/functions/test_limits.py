"""What may be sent."""

import posixpath
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions import limits
from functions.errors import Unacceptable

SPELLED = st.text(alphabet=string.ascii_letters[:3] + "0_-. :/é学")


def taken(check, *args, **more):
    """Whether a check takes a value, which it must then give back."""
    try:
        assert check(*args, **more) == args[0]
    except Unacceptable:
        return False
    return True


@given(SPELLED)
def test_a_key_is_what_mlflow_takes_for_one(key):
    """A key of allowed characters is taken if it is a path that stays where it is."""
    same = posixpath.normpath(key) == key and key != "." and not key.startswith(("..", "/"))
    assert taken(limits.key, key) is same


@given(st.text(min_size=1, max_size=5) | st.text(alphabet="a#\\\n\t\0%?*<>|;'"))
def test_any_text_is_a_key_or_a_refusal(key):
    """No text makes the check fail otherwise, and what is taken holds no control or special character."""
    if taken(limits.key, key):
        assert not set(key) & set("#\\\n\t\0%?*<>|;'\"&$")


@pytest.mark.parametrize(
    "key", ["a" * 251, "", "a#b", "a\n", "a\0", "a\\b", "%2e", None, 3, b"a", "\ud800", "//a"]
)
def test_other_keys_are_refused(key):
    """A key is text of 1 to 250 letters, digits, spaces and _-.:/ and a refusal names the field."""
    with pytest.raises(Unacceptable) as refused:
        limits.key(key, "tags.key")
    assert refused.value.field == "tags.key"
    assert "'tags.key'" in refused.value.message
    assert len(refused.value.message) < 300
    refused.value.message.encode()


def test_text_keeps_its_length():
    """Text is counted in characters, from the shortest to the longest."""
    assert taken(limits.text, "学学", "name", 2, shortest=2)
    assert not taken(limits.text, "学学学", "name", 2)
    assert not taken(limits.text, "学", "name", 2, shortest=2)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 1.0, "1", True, None, float("nan")])
def test_what_is_no_int64_is_refused(value):
    """Floats, booleans, text and numbers beyond 64 bits are no whole numbers."""
    assert not taken(limits.int64, value, "step")


def test_an_int64_has_bounds():
    """The least and the greatest 64-bit numbers are taken, and a given least is kept."""
    assert taken(limits.int64, 2**63 - 1, "step")
    assert taken(limits.int64, -(2**63), "step")
    assert not taken(limits.int64, -1, "timestamp", least=0)


@given(st.floats(allow_nan=False) | st.integers(-(2**53), 2**53))
def test_numbers_are_float64(value):
    """Every float and every whole number that a float holds is taken as it is."""
    assert taken(limits.float64, value, "value")


@pytest.mark.parametrize("value", ["1", True, None, 10**400])
def test_what_is_no_number_is_refused(value):
    """Text, booleans and numbers beyond a float64 are refused."""
    assert not taken(limits.float64, value, "value")
