"""The tail holds: whatever happens between two writes, nothing that was acknowledged is missed or lost."""

from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.experiments import service as experiments
from tests.functions.metrics.interruptions import READS, WRITES, at_write, crash
from tests.functions.metrics.scene import Scene
from tests.functions.runs.strategies import TYING

WRITERS = ["a" * 32, "b" * 32]
MANY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# Which batch, or which piece of which writer's records, or which piece of upkeep; and what comes between it.
MOVES = st.one_of(
    st.tuples(st.just("log"), st.integers(0, 3)),
    st.tuples(st.just("send"), st.sampled_from([0, 1]), st.integers(0, 9), st.integers(1, 10)),
    st.tuples(st.sampled_from(["fold", "fold", "compact", "settle", "end", "resume"])),
)
INTERRUPTIONS = st.tuples(
    st.integers(0, 4),
    st.booleans(),
    st.sampled_from([WRITES, WRITES, READS]),
    st.just(("crash",)) | st.just(("look",)) | MOVES,
)
STORIES = st.lists(st.tuples(MOVES, st.none() | INTERRUPTIONS), min_size=3, max_size=14)
BATCHES = st.lists(st.lists(TYING, max_size=4), min_size=4, max_size=4)
RECORDS = st.lists(st.sampled_from(["metric", "metric", "param", "tag"]), min_size=10, max_size=10)


@pytest.fixture
def experiment(back_end):
    """An experiment that wants a low loss."""
    return experiments.create(back_end.who(), "e", {"runhaven.goal.loss": "min", "runhaven.primary": "loss"})


def records(writer, kinds):
    """What a writer has logged: every record differs from every other one."""
    made = {
        "metric": lambda number: ("metric", f"sdk{writer}", number / 7, number, number),
        "param": lambda number: ("param", f"p{writer}.{number}", str(number)),
        "tag": lambda number: ("tag", f"t{writer}.{number}", str(number)),
    }
    return [made[kind](number) for number, kind in enumerate(kinds)]


def move(scene, batches, logs, kind, *which):
    """Make one move."""
    if kind == "log":
        (number,) = which
        marker = (f"with{number}", 1.0, number, number)
        texts = {marker[0]: "set"} if number % 2 else {}
        points = [*batches[number], marker] if texts else batches[number]
        scene.log(points, texts, texts)
    elif kind == "send":
        writer, first, count = which
        scene.send(WRITERS[writer], logs[writer], first, count)
    elif kind == "crash":
        crash()
    elif kind == "look":
        scene.look()
    else:
        scene.work(getattr(scene, kind))


@MANY
@given(batches=BATCHES, kinds=RECORDS, story=STORIES)
def test_any_story_gives_the_same_run(back_end, experiment, batches, kinds, story):
    """Log calls in any order, repeated, re-split, interleaved, folded and crashed, end in one run."""
    scene = Scene(back_end.who(), experiment)
    logs = [records(writer, kinds) for writer in (0, 1)]
    act = partial(move, scene, batches, logs)
    for planned, interruption in story:
        if interruption is None:
            act(*planned)
        else:
            number, applied, calls, other = interruption
            with at_write(number, partial(act, *other), applied=applied, calls=calls):
                act(*planned)
        scene.look()
    scene.finish()
    scene.is_exact()
    scene.look()
