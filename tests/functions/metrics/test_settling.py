"""Settling through the stream's door: whatever breaks, the record that comes again ends the work."""

import pytest

from functions.errors import Unacceptable
from functions.experiments import service as experiments
from functions.handlers import stream
from functions.metrics import items, upkeep
from functions.metrics import service as metrics
from functions.runs import service as runs
from tests.functions.metrics.interruptions import at_write, crash, refused


def due_record(scene):
    """The record that the stream has for a run that has become due."""
    head = runs.read(scene.grant, scene.run).raw
    return {"Records": [{"eventName": "MODIFY", "dynamodb": {"NewImage": head, "SequenceNumber": "1"}}]}


@pytest.mark.parametrize("fault", [crash, refused("ThrottlingException")], ids=["crash", "throttled"])
@pytest.mark.parametrize("at", range(8))
def test_a_broken_settling_is_done_when_its_record_comes_again(scene, at, fault):
    """A job that dies or is throttled at any write leaves a run that the same record settles exactly."""
    scene.end_in_blocks()
    record = due_record(scene)
    with at_write(at, fault) as seen:
        said = stream.handler(record, None)
    assert said["batchItemFailures"] or seen[0] <= at
    assert stream.handler(record, None) == {"batchItemFailures": []}
    scene.is_exact()


def test_an_older_line_does_not_replace_a_newer_one(scene):
    """Of two jobs at once, the one that saw fewer points leaves the other one's line alone."""
    points = [("loss", float(step), step + 1, step) for step in range(2000)]
    upkeep._write_line(scene.grant, scene.run, "loss", points)
    upkeep._write_line(scene.grant, scene.run, "loss", points[:1500])
    place = items.line_key(scene.grant, scene.run, "loss")
    assert upkeep.table.get(items.Line, place).n == len(points)


def test_a_fold_that_was_outrun_counts_no_point_twice(scene):
    """While one fold is half done another one folds the same tail and more: every point counts once."""
    scene.lengthen()
    stale = runs.read(scene.grant, scene.run)

    def others():
        scene.fold()
        for number in range(100, 100 + upkeep.TAIL_ITEMS):
            scene.step(number)
        scene.fold()

    with at_write(1, others):
        upkeep.fold(scene.grant, scene.run, stale, runs.goals_of(scene.experiment))
    scene.look(counted=True)


def test_at_best_follows_a_best_that_was_folded_before_the_goal_was_known(ann, scene):
    """What a head kept for an older best step is not shown for a newer one."""
    scene.step(0)
    scene.fold()
    experiments.delete_tag(ann, scene.experiment.id, "runhaven.primary")
    scene.step(5)
    scene.fold()
    experiments.set_tag(ann, scene.experiment.id, "runhaven.primary", "loss")
    assert runs.get(ann, scene.run_id).at_best == {"loss": 1 / 6, "acc": 5 / 7}


def test_a_full_run_takes_neither_points_nor_params(ann, scene, monkeypatch):
    """A batch whose metrics find no room is refused before its params are written."""
    monkeypatch.setattr("functions.runs.store.NAMES_ROOM", 300)
    points = [(f"metric {number}", float(number), 1, 1) for number in range(200)]
    with pytest.raises(Unacceptable, match="full"):
        metrics.log_batch(ann, scene.run_id, points=points, params={"lr": "1"})
    assert runs.get(ann, scene.run_id).params == {}
