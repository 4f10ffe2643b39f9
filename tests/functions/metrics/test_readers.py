"""Readers while points move: from the tail into blocks, from blocks into segments, under a line."""

import pytest

from functions.metrics import service as metrics
from functions.metrics import upkeep
from functions.metrics.downsample import downsampled
from functions.runs import service
from tests.functions.metrics.interruptions import at_read, at_write
from tests.functions.metrics.scene import marked
from tests.functions.runs.naive import exact, told


def filled(scene, blocks=3):
    """Points in a segment, in blocks and in the tail."""
    for number in range(2 * blocks):
        points = [("loss", 100 / (step + 1), step, step) for step in range(600 * number, 600 * number + 600)]
        scene.log(points, {}, {})
        if number < 2 * blocks - 1:
            scene.fold()
        if number == blocks:
            scene.compact()


def settled(scene):
    """Let the run end and the job come by."""
    scene.end()
    assert upkeep.settle(scene.who.team, scene.run_id)


def everything(scene):
    """All that moves points, one after the other."""
    scene.fold()
    scene.compact()
    settled(scene)


def right_line(scene):
    """The line of the loss, which is that of its whole history."""
    line = metrics.line(scene.who, scene.run_id, "loss")
    expected = downsampled(metrics.history(scene.who, scene.run_id, "loss")[0])
    assert [pair for pair in zip(line, expected, strict=True) if pair[0] != pair[1]] == []
    return line


MOVERS = {"fold": lambda scene: scene.fold(), "compact": lambda scene: scene.compact(), "all": everything}


@pytest.mark.parametrize("mover", MOVERS)
@pytest.mark.parametrize("number", range(3))
def test_points_that_move_between_two_reads_are_not_missed(scene, mover, number):
    """Whatever moves while a reader is between two of its reads, it finds every point exactly once."""
    filled(scene)
    with at_read(number, lambda: MOVERS[mover](scene)):
        found, _ = metrics.history(scene.who, scene.run_id, "loss")
    assert len(found) == len(scene.tried)
    assert marked(found) == marked(scene.tried)


@pytest.mark.parametrize("mover", MOVERS)
def test_a_line_is_whole_while_points_move(scene, mover):
    """A line that is read while points move has the extremes and the end of all points."""
    for number in range(4):
        filled(scene)
        with at_read(number, lambda: MOVERS[mover](scene)):
            line = metrics.line(scene.who, scene.run_id, "loss")
        values = told(scene.tried)["loss"]
        assert min(bucket.min for bucket in line) == values[1]
        assert max(bucket.max for bucket in line) == values[2]
        assert (line[-1].last, line[-1].last_step) == (values[0], values[4])


@pytest.mark.parametrize("number", range(2))
def test_a_run_is_whole_while_it_is_folded(scene, number):
    """A reader between whose reads the tail is folded knows every metric as if nothing had moved."""
    filled(scene, 1)
    with at_read(number, scene.fold):
        run = service.get(scene.who, scene.run_id)
    assert exact(run.metrics) == exact(told(scene.tried))


def test_lines_are_the_downsampled_history(scene):
    """The line of a live run, of a settled one, and after late points is what the whole history gives."""
    filled(scene)
    for change in (
        lambda: None,
        lambda: settled(scene),
        lambda: scene.log([("loss", -1.0, 9**9, 1800)], {}, {}),
    ):
        change()
        assert len(right_line(scene)) == 900
    assert metrics.line(scene.who, scene.run_id, "other") == []


@pytest.mark.parametrize(
    "times", [[50, 1799, 10**14, 10**18, 10**14], [10**18, 10**14, 2**63 - 1], [1800, 1801, 1800]]
)
def test_segments_that_a_line_does_not_cover_are_found(scene, times):
    """A line that is older than the last compactions is completed by their segments, of whatever times."""
    scene.log([("loss", float(step), step, step) for step in range(1800)], {}, {})
    scene.fold()
    scene.compact()
    for number, time in enumerate(times):
        scene.log([("loss", -float(number), time, 5000 + number)], {}, {})
        scene.fold()
        scene.compact()
        right_line(scene)
    settled(scene)
    scene.is_exact()


def test_late_points_after_the_end_are_kept(scene):
    """A settled run still takes points; they are seen at once, and counted exactly when it settles again."""
    filled(scene, 1)
    settled(scene)
    scene.log([("loss", -5.0, 7, 9000), ("late", 1.0, 7, 7)], {"late": "1"}, {})
    scene.look(counted=True)
    settled(scene)
    scene.is_exact()


def test_two_jobs_at_once_do_no_harm(scene):
    """A job that starts while another one is half done ends the work, and the other one too."""
    filled(scene, 1)
    scene.end()
    outcomes = []
    with at_write(4, lambda: outcomes.append(upkeep.settle(scene.who.team, scene.run_id))):
        upkeep.settle(scene.who.team, scene.run_id)
    assert outcomes == [True]
    scene.is_exact()


def test_a_run_that_changes_while_it_is_settled_stays_due(scene):
    """A job during which points are folded leaves counts alone and the run due, and the next one ends it."""
    filled(scene, 1)
    scene.end()

    def other():
        scene.log([("loss", -1.0, 1, 7000), ("new", 1.0, 1, 1)], {}, {})
        scene.fold()

    with at_write(4, other):
        assert not upkeep.settle(scene.who.team, scene.run_id)
    assert service.read(scene.grant, scene.run).head.due is not None
    scene.look(counted=True)
    assert upkeep.settle(scene.who.team, scene.run_id)
    scene.is_exact()
