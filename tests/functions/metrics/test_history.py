"""Histories: exact, paged, at chosen steps, of long names and many points."""

import math

import pytest

from functions.errors import NotFound, Unacceptable
from functions.metrics import service as metrics
from functions.metrics import upkeep
from functions.runs import service
from tests.functions.metrics.scene import marked
from tests.functions.runs.naive import history
from tests.functions.runs.noise import noise
from tests.functions.runs.strategies import exactly

HARD = [math.nan, math.inf, -math.inf, 0.1, 0.0, -0.0, 1e308, -1e308, 5e-324, 2.0**53 + 1]


def pages(scene, key, limit):
    """A history page by page."""
    after, found = None, []
    while True:
        page, more = metrics.history(scene.who, scene.run_id, key, after=after, limit=limit)
        assert len(page) == limit or not more
        found += page
        if not more:
            return found
        after = page[-1]


def settled(scene):
    """Let the run end and the job come by."""
    scene.end()
    assert upkeep.settle(scene.who.team, scene.run_id)


def test_hard_numbers_come_back_as_they_were(scene):
    """NaN, infinities, both zeros, the largest, the least and int64's ends stay as sent, live and settled."""
    points = [
        ("loss", value, time, step)
        for value in HARD
        for time, step in [(0, -(2**63)), (2**63 - 1, 2**63 - 1)]
    ]
    scene.log(points, {}, {})
    for change in (scene.fold, scene.compact, lambda: settled(scene)):
        found, _ = metrics.history(scene.who, scene.run_id, "loss")
        assert exactly(found) == exactly(history(points, "loss"))
        assert exactly(pages(scene, "loss", 3)) == exactly(found)
        change()
    scene.is_exact()
    summary = service.get(scene.who, scene.run_id).metrics["loss"]
    assert (summary.min, summary.max, summary.count) == (-math.inf, math.inf, 20)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        *(("key", (key, 1.0, 1, 1)) for key in ("", "a" * 251, "a#b", 7, ["a"])),
        *(("value", ("a", value, 1, 1)) for value in ("1", None, True, 10**400)),
        *(("timestamp", ("a", 1.0, time, 1)) for time in (-1, 2**63, "1", 1.5, None)),
        *(("step", ("a", 1.0, 1, step)) for step in (2**63, -(2**63) - 1, math.nan, 2.5, "1")),
    ],
)
def test_what_is_no_point_is_refused_whole(scene, field, wrong):
    """A bad key, value, timestamp or step is refused with its place in the batch, and nothing is written."""
    with pytest.raises(Unacceptable) as refused:
        metrics.log_batch(scene.who, scene.run_id, points=[("good", 1.0, 1, 1), wrong], params={"a": "1"})
    assert refused.value.field == f"metrics[1].{field}"
    run = service.get(scene.who, scene.run_id)
    assert (dict(run.metrics), run.params) == ({}, {})


def test_a_point_that_comes_again_is_one_point(scene):
    """Identical (key, value, timestamp, step) are one point, in one call or in several."""
    point = ("loss", 0.5, 10, 1)
    scene.log([point, point, ("loss", 0.5, 10, 2)], {}, {})
    scene.fold()
    scene.log([point], {}, {})
    assert metrics.history(scene.who, scene.run_id, "loss") == ([point, ("loss", 0.5, 10, 2)], False)
    settled(scene)
    scene.is_exact()


def test_a_metric_that_was_never_logged_is_empty(scene):
    """An unknown metric has no history; an unknown run does not exist."""
    scene.log([("loss", 0.5, 10, 1)], {}, {})
    assert metrics.history(scene.who, scene.run_id, "acc") == ([], False)
    for verb in (metrics.history, metrics.line):
        with pytest.raises(NotFound):
            verb(scene.who, "0" * 32, "loss")


def test_full_batches_of_the_longest_names(back_end, scene):
    """1,000 metrics of 250 characters of three bytes each are split over items, and all come back."""
    names = [noise(250) for _ in range(1000)]
    for step in range(3):
        points = [(name, step / 7, step, step) for name in names]
        with back_end.trips() as trips:
            scene.log(points, {}, {})
        assert trips[0] == "Query"
        assert trips.count("PutItem") > 1
        if step == 1:
            scene.fold()
    settled(scene)
    scene.acknowledged = scene.tried
    run = service.get(scene.who, scene.run_id)
    assert sorted(run.metrics) == sorted(names)
    assert {(metric.last, metric.count) for metric in run.metrics.values()} == {(2 / 7, 3)}
    for name in names[::333]:
        assert len(metrics.history(scene.who, scene.run_id, name)[0]) == 3


def test_100_000_points_page_exactly_once(scene):
    """A history of 100,000 points, in blocks and in segments, pages through each exactly once, in order."""
    for call in range(10):
        first = 10_000 * call
        points = [("loss", math.sin(step), step // 3, step % 1000) for step in range(first, first + 10_000)]
        metrics.log_batch(scene.who, scene.run_id, points=points)
        scene.tried += points
    expected = history(scene.tried, "loss")
    assert pages(scene, "loss", 30_000) == expected
    scene.end()
    scene.compact()
    assert upkeep.settle(scene.who.team, scene.run_id)
    assert pages(scene, "loss", 25_000) == expected
    assert pages(scene, "loss", len(expected)) == expected
    assert service.get(scene.who, scene.run_id).metrics["loss"].count == 100_000


def test_an_interval_shows_several_runs_at_the_same_steps(ann, experiment, scene):
    """Of many steps at most so many are chosen, evenly, and every run keeps its own first and last one."""
    other = service.create(ann, experiment_id=experiment.id).run_id
    metrics.log_batch(ann, scene.run_id, points=[("loss", float(step), step, step) for step in range(1000)])
    metrics.log_batch(ann, other, points=[("loss", -float(step), step, step) for step in range(333, 700)])
    found = metrics.interval(ann, [scene.run_id, other], "loss", steps=None, most=11)
    mine = [point[3] for run_id, point in found if run_id == scene.run_id]
    theirs = [point[3] for run_id, point in found if run_id == other]
    assert {0, 100, 200, 999, 333, 699} <= set(mine)
    assert len(mine) <= 13
    assert (theirs[0], theirs[-1]) == (333, 699)
    assert set(theirs) == {step for step in mine if 333 <= step <= 699}
    few = metrics.interval(ann, [scene.run_id], "loss", steps=(10, 12), most=100)
    assert [point[3] for _, point in few] == [10, 11, 12]
    assert metrics.interval(ann, [other], "nothing", steps=None, most=10) == []


def test_every_point_at_a_step_is_in_the_interval(scene):
    """All values of a chosen step are shown, in the order of their times."""
    points = [("loss", value, time, 5) for time, value in enumerate([3.0, 1.0, 2.0])]
    scene.log(points, {}, {})
    assert [
        point for _, point in metrics.interval(scene.who, [scene.run_id], "loss", steps=None, most=1)
    ] == points
    assert marked(points) == marked(scene.tried)
