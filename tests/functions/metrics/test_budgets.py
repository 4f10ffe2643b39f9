"""What a call may cost: round trips, write units, CPU."""

import random

import pytest

from functions.experiments import service as experiments
from functions.metrics import service as metrics
from functions.metrics import upkeep
from functions.runs import service
from tests.functions.metrics.meter import metered, side_by_side

CHANCE = random.Random(3)
ON_DYNOXIDE = pytest.mark.parametrize(
    "engine", [pytest.param("dynoxide", marks=pytest.mark.engine)], indirect=True
)


def row(step, count=1000, names=1000):
    """A batch of so many metrics at one step, of so many that there are."""
    first = step * count % names
    which = [(first + number) % names for number in range(count)]
    return [
        (f"layer{number}/weight/norm", CHANCE.random(), 1_700_000_000_000 + step, step) for number in which
    ]


def test_verbs_of_runs_make_few_round_trips(back_end, ann, experiment, scene):
    """Creating takes two round trips, reading one, and whatever changes the head two."""
    verbs = {
        ("GetItem", "PutItem"): lambda: service.create(ann, experiment_id=experiment.id),
        ("GetItem", "Query"): lambda: service.get(ann, scene.run_id),
        ("PutItem", "Query"): lambda: service.amend(ann, scene.run_id, params={"a": "1"}, tags={"b": "2"}),
        ("Query",): lambda: service.amend(ann, scene.run_id, params={"a": "1"}, tags={"b": "2"}),
        ("Query", ""): lambda: service.update(ann, scene.run_id, status="RUNNING"),
        ("PutItem", "Query", ""): lambda: service.update(ann, scene.run_id, status="FINISHED"),
        ("PutItem", "Query", "", ""): lambda: service.delete_tag(ann, scene.run_id, "b"),
        ("GetItem", "PutItem", "Query"): lambda: service.delete(ann, scene.run_id),
    }
    for expected, verb in verbs.items():
        with back_end.trips() as trips:
            verb()
        assert sorted(trips) == [name for name in expected if name]


def test_a_metric_call_makes_two_round_trips_and_three_more_when_it_folds(back_end, scene):
    """Of sixteen metric calls fifteen make two round trips, and the one that folds the tail three more."""
    counts = []
    for step in range(3 * upkeep.TAIL_ITEMS):
        with back_end.trips() as trips:
            metrics.log_batch(scene.who, scene.run_id, points=[("loss", 1.0, step, step)])
        counts.append(len(trips))
    assert counts == ([2] * (upkeep.TAIL_ITEMS - 1) + [5]) * 3


def test_a_full_batch_makes_three_round_trips(back_end, scene):
    """A batch of 1,000 metrics with params and tags makes three round trips: read, head, tail."""
    texts = {f"key{number}": "value" for number in range(100)}
    with back_end.trips() as trips:
        metrics.log_batch(scene.who, scene.run_id, points=row(0), params=texts, tags=texts)
    assert trips == ["Query", "PutItem", "PutItem"]


def test_reads_go_side_by_side(scene):
    """A run and its experiment are read in one round, and so are all shards of a listing."""
    with side_by_side("Query", "GetItem"):
        service.get(scene.who, scene.run_id)
    experiments.forget()
    with side_by_side("Query", "GetItem"):
        metrics.log_batch(scene.who, scene.run_id, points=row(0, 10))
    with side_by_side("BatchGetItem", *["Query"] * 4):
        found, _ = service.listing(scene.who, [scene.experiment.id], page=10)
        assert [run.run_id for run in found] == [scene.run_id]


@ON_DYNOXIDE
def test_write_units_of_single_points(scene):
    """In a run of 50 metrics a call with one point takes at most 2.6 write units."""
    calls = 20 * upkeep.TAIL_ITEMS
    metrics.log_batch(scene.who, scene.run_id, points=row(0, 50, 50))
    scene.fold()
    with metered() as bill:
        for step in range(calls):
            metrics.log_batch(scene.who, scene.run_id, points=row(step, 1, 50))
    assert bill.write / calls <= 2.6


@ON_DYNOXIDE
def test_write_units_of_full_batches(scene):
    """In a run of 1,500 metrics a batch of 1,000 points takes at most 60 write units."""
    calls = 30
    for step in range(4):
        metrics.log_batch(scene.who, scene.run_id, points=row(step, 1000, 1500))
    with metered() as bill:
        for step in range(calls):
            metrics.log_batch(scene.who, scene.run_id, points=row(step, 1000, 1500))
    assert bill.write / calls <= 60


@pytest.mark.slow
def test_cpu_of_a_full_batch(scene):
    """A batch of 1,000 metrics takes at most 6 ms of CPU beside the AWS calls, folds included on average."""
    rounds = []
    for number in range(8):
        costs = []
        for step in range(16 * number, 16 * number + 16):
            points = row(step)
            with metered() as bill:
                metrics.log_batch(scene.who, scene.run_id, points=points)
            costs.append(bill.cpu)
        rounds.append(sum(costs) / len(costs))
    assert min(rounds) <= 0.006
