"""Crashes and readers at every single write."""

import itertools

import pytest

from functions import table
from functions.metrics import upkeep
from functions.runs import items, service
from tests.functions.metrics.interruptions import Crash, at_write, crash
from tests.functions.metrics.scene import Scene


def test_a_log_call_writes_in_this_order(scene):
    """A call with params that folds writes head, tail, block, head, and then removes the tail."""
    scene.lengthen()
    with at_write(None, lambda: None) as seen:
        scene.step(20, texts=True)
    assert seen == [5, 5]
    scene.look()


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("applied", [False, True])
def test_a_crash_in_a_log_call_leaves_what_a_retry_completes(scene, number, applied):
    """Whichever write a log call dies before or after, readers stay right and its retry has one effect."""
    scene.lengthen()
    with at_write(number, crash, applied=applied):
        scene.step(20, texts=True)
    assert len(scene.pending) == 1
    scene.look(counted=True)
    scene.step(21, texts=True)
    scene.look(counted=True)
    scene.finish()
    scene.is_exact()


def test_a_crash_in_the_job_leaves_what_the_next_one_completes(ann, experiment):
    """Whichever write the settling job dies before, readers stay right and the next job ends its work."""
    for number in itertools.count():
        scene = Scene(ann, experiment)
        scene.end_in_blocks()
        with at_write(number, crash):
            try:
                settled = upkeep.settle(ann.team, scene.run_id)
            except Crash:
                settled = False
        scene.look()
        if settled:
            break
        scene.finish()
        scene.is_exact()
    assert number > 6


def test_readers_are_right_at_every_write(scene):
    """Before and after every write of log calls, folds and jobs a reader sees all that was acknowledged."""
    with at_write(None, scene.look) as seen:
        scene.lengthen()
        scene.step(20, texts=True)
        scene.end_in_blocks()
        assert upkeep.settle(scene.who.team, scene.run_id)
    assert seen[0] > 40
    scene.is_exact()


def test_two_folds_at_once_count_no_point_twice(scene):
    """A fold that was outrun by one that died half-way counts no point twice, and ends that work too."""

    def other():
        scene.step(2)
        with at_write(2, crash), pytest.raises(Crash):
            scene.fold()

    scene.step(1)
    with at_write(1, other):
        scene.fold()
    assert service.read(scene.grant, scene.run).tails == []
    scene.look(counted=True)


def test_two_folds_of_the_same_keys_lose_nothing(scene):
    """A fold of tail items of which one was folded before keeps the points of both in the history."""

    def broken_fold(gone):
        """Fold, but die when only one of the tail items has been removed."""
        with at_write(2, crash), pytest.raises(Crash):
            scene.fold()
        places = [
            items.tail_key(scene.grant, scene.run, key)
            for key, _ in service.read(scene.grant, scene.run).tails
        ]
        table.delete(next(place for place in places if place.sk.split("#t#")[1].startswith(f"{gone:019d}")))

    scene.step(1)
    scene.step(2)
    broken_fold(1)
    scene.step(3)
    broken_fold(3)
    scene.step(1)
    scene.fold()
    scene.look()
    scene.finish()
    scene.is_exact()
