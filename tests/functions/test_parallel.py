"""Several readings as one round trip."""

import threading
import time

import pytest

from functions.parallel import together


def test_calls_run_side_by_side():
    """Calls that wait for each other all come to their end, and their results keep their order."""
    meet = threading.Barrier(4, timeout=60)

    def call(number):
        meet.wait()
        return number

    assert together(*(lambda number=number: call(number) for number in range(4))) == [0, 1, 2, 3]


def test_calls_within_calls_end():
    """Many calls that each make several calls do not wait for one another's threads for ever."""

    def inner():
        return together(*(lambda: 1 for _ in range(4)))

    assert together(*[inner] * 40) == [[1] * 4] * 40


def test_a_failing_call_fails_the_round():
    """An exception of any call reaches the caller."""
    with pytest.raises(ZeroDivisionError):
        together(lambda: 1, lambda: 1 // 0)


def test_nothing_goes_on_behind_a_failure():
    """When one call fails the others are waited for, so that none runs beside whoever tries again."""
    ended = threading.Event()

    def slow():
        time.sleep(0.2)
        ended.set()

    with pytest.raises(ZeroDivisionError):
        together(lambda: 1 // 0, slow)
    assert ended.is_set()
