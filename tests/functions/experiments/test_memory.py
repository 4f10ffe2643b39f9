"""What a process remembers of the table."""

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from functions.experiments.memory import Memory

KEEPS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(0, 30), st.integers(0, 3)))


@given(KEEPS)
def test_it_stays_within_its_weight(keeps):
    """Whatever is kept, its weight is the sum of what is remembered and never more than the most."""
    memory = Memory(20)
    for key, value, weight, rank in keeps:
        memory.keep(key, value, weight=weight, rank=rank)
        assert memory.weight == sum(weight for _, weight, _ in memory._entries.values()) <= 20


@given(KEEPS)
def test_it_gives_what_was_kept_with_the_highest_rank(keeps):
    """While there is room, a key gives the last value of those with its highest rank."""
    memory, best = Memory(10_000), {}
    for key, value, weight, rank in keeps:
        memory.keep(key, value, weight=weight, rank=rank)
        if rank >= best.get(key, (0, None))[0]:
            best[key] = rank, value
    assert {key: memory.get(key) for key in range(6)} == {
        key: best.get(key, (0, None))[1] for key in range(6)
    }


def test_the_least_used_goes_first():
    """When room is needed, what was asked for lately stays."""
    memory = Memory(2)
    memory.keep("a", 1)
    memory.keep("b", 2)
    memory.get("a")
    memory.keep("c", 3)
    assert [memory.get(key) for key in "abc"] == [1, None, 3]
    memory.forget()
    assert (memory.get("a"), memory.weight) == (None, 0)


def test_threads_do_not_disturb_each_other():
    """Many threads that keep, get and push each other out leave it whole."""
    memory = Memory(50)

    def work(seed):
        for number in range(2000):
            memory.keep((seed * number) % 97, number, weight=number % 7)
            memory.get(number % 97)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(1, 9)))
    assert memory.weight == sum(weight for _, weight, _ in memory._entries.values()) <= 50
