"""What a process remembers of credentials."""

import pytest

from functions.access.memory import ENTRIES, Memory


class Clock:
    """A clock that is moved by hand."""

    now = 1_000.0

    def __call__(self):
        """The seconds that it shows."""
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def memory(clock):
    return Memory(clock)


def test_a_minute_is_the_longest(memory, clock):
    """What was read a minute ago is not known any more, however often it was asked for."""
    memory.keep(("a",), 1, memory.mark())
    clock.now += 59.9
    assert memory.recall(("a",)) == 1
    clock.now += 0.1
    assert memory.recall(("a",)) is None


def test_the_minute_begins_before_the_reading(memory, clock):
    """A slow reading does not prolong what it read."""
    mark = memory.mark()
    clock.now += 50
    memory.keep(("a",), 1, mark)
    clock.now += 10
    assert memory.recall(("a",)) is None


def test_a_clock_that_is_set_back_keeps_nothing_alive(memory, clock):
    """What seems to have been read in the future is not known."""
    memory.keep(("a",), 1, memory.mark())
    clock.now -= 1
    assert memory.recall(("a",)) is None


def test_forgetting_reaches_what_is_being_read(memory):
    """A reading that began before everything was forgotten is not kept."""
    mark = memory.mark()
    memory.forget()
    memory.keep(("a",), 1, mark)
    assert memory.recall(("a",)) is None


def test_it_is_bounded(memory):
    """Beyond its size the oldest go."""
    for number in range(ENTRIES + 10):
        memory.keep((str(number),), number, memory.mark())
    assert [memory.recall((str(number),)) for number in (0, 9, 10)] == [None, None, 10]
