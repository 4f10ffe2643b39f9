"""Runs that outgrow an item, and runs that are full."""

import pytest

from functions import table
from functions.access import grants
from functions.errors import Unacceptable
from functions.ids import parse_run_id
from functions.metrics import service as metrics
from functions.runs import items, service, store
from tests.functions.runs.noise import noise, params


def held(ann, run_id):
    """What the table holds of a run: how many overflow items, and whether the run reads whole."""
    stored = service.read(grants.for_job(ann.team), parse_run_id(run_id))
    return int(stored.head.nx), len(stored.blob)


def test_a_run_overflows_and_shrinks(ann, run_id):
    """Params beyond one item lie in overflow items; removed tags free them again; nothing else changes."""
    given = params(50)
    service.amend(ann, run_id, params=given, tags={"big": noise(8000)})
    assert held(ann, run_id)[0] == 1
    metrics.log_batch(ann, run_id, points=[("loss", 0.5, 1, 1)], params={"small": "1"})
    run = service.get(ann, run_id)
    assert run.params == given | {"small": "1"}
    assert run.metrics["loss"].last == 0.5
    tags = {f"t{number}": noise(8000) for number in range(30)}
    service.amend(ann, run_id, tags=tags)
    assert held(ann, run_id)[0] == 3
    service.amend(ann, run_id, tags=dict.fromkeys(tags, ""))
    assert held(ann, run_id)[0] == 1
    assert service.get(ann, run_id).params == given | {"small": "1"}


@pytest.fixture
def full(ann, run_id):
    """A run that takes no further param, the params that it has, and the first one that it refused."""
    metrics.log_batch(ann, run_id, points=[("loss", 0.5, 1, 1)])
    taken = params(150)
    service.amend(ann, run_id, params=taken)
    while True:
        more = params(10, len(taken))
        try:
            service.amend(ann, run_id, params=more)
        except Unacceptable:
            return run_id, taken
        taken |= more


def test_a_full_run_stays_usable(ann, full):
    """A run that is full of params refuses more of them whole, and everything else about it still works."""
    run_id, taken = full
    size = sum(len(key) + len(value.encode()) for key, value in taken.items())
    assert store.TEXTS_BYTES * 0.9 < size <= store.TEXTS_BYTES
    with pytest.raises(Unacceptable, match="is full"):
        service.amend(ann, run_id, params=params(40, 1000))
    run = service.get(ann, run_id)
    assert run.params == taken
    for step in range(4):
        metrics.log_batch(
            ann, run_id, points=[("loss", 1 / (step + 1), step, step), (f"new/{step}", 1.0, 0, 0)]
        )
    run = service.update(ann, run_id, status="FINISHED", name="full")
    assert (run.metrics["loss"].last_step, len(run.metrics)) == (3, 5)
    assert metrics.upkeep.settle(ann.team, run_id)
    assert service.get(ann, run_id).params == taken
    service.delete(ann, run_id)
    assert service.get(ann, run_id).lifecycle == "deleted"


def test_new_metric_names_are_refused_before_they_are_written(ann, full):
    """A batch for whose metric names the head has no room is refused, and the tail stays foldable."""
    run_id, taken = full
    for call in range(8):
        names = [noise(250) for _ in range(1000)]
        points = [(name, 1.0, call, call) for name in names]
        try:
            metrics.log_batch(ann, run_id, points=points)
        except Unacceptable:
            break
    assert 0 < call < 7
    assert not set(names) & service.get(ann, run_id).metrics.keys()
    before = len(service.get(ann, run_id).metrics)
    metrics.log_batch(ann, run_id, points=[("loss", 9.0, 9, 9)])
    service.update(ann, run_id, status="FAILED")
    assert metrics.upkeep.settle(ann.team, run_id)
    run = service.get(ann, run_id)
    assert (len(run.metrics), run.metrics["loss"].last, run.params) == (before, 9.0, taken)


def test_first_tags_beyond_an_item_are_refused(ann, experiment):
    """A run cannot be created with more tags than one item holds."""
    with pytest.raises(Unacceptable) as refused:
        service.create(ann, experiment_id=experiment.id, tags={f"t{n}": noise(8000) for n in range(30)})
    assert refused.value.field == "tags"


def test_a_tail_without_a_head_belongs_to_nobody(ann, experiment):
    """A tail item that was left behind by a purged run is not read into the next run."""
    made = sorted(service.create(ann, experiment_id=experiment.id, start=9).run_id for _ in range(12))
    shard = {}
    for run_id in made:
        shard.setdefault(parse_run_id(run_id).shard, []).append(run_id)
    first, second, *_ = max(shard.values(), key=len)
    for run_id in (first, second):
        metrics.log_batch(ann, run_id, points=[(f"of/{run_id}", 1.0, 1, 1)])
    table.delete(items.head_key(grants.for_job(ann.team), parse_run_id(first)))
    runs = {run.run_id: run for run in service.listing(ann, [experiment.id])[0]}
    assert first not in runs
    assert list(runs[second].metrics) == [f"of/{second}"]


def test_readers_see_an_overflowing_run_whole(back_end, ann, run_id):
    """While an overflowing run is rewritten again and again, every reader finds one of its states."""
    service.amend(ann, run_id, params=params(40))
    tags = [{f"t{number}": str(state) for number in range(40)} for state in range(6)]

    def act(number):
        if number == 0:
            for state in tags:
                service.amend(ann, run_id, tags=state)
            return None
        return [service.get(ann, run_id) for _ in range(4)]

    _, *seen = back_end.at_once(act, range(3))
    for run in [run for some in seen for run in some]:
        assert len(run.params) == 40
        values = {value for key, value in run.tags.items() if key != "mlflow.runName"}
        assert len(values) <= 1
