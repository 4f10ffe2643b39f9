"""Runs begin, are deleted and come back."""

import pytest

from functions import ids
from functions.access.policy import Role, Scope
from functions.errors import NotAllowed, NotFound, Unacceptable
from functions.experiments import service as experiments
from functions.runs import service
from functions.runs.limits import STATUSES


def lifecycles(who, *run_ids):
    """Whether runs are active or deleted."""
    return [service.get(who, run_id).lifecycle for run_id in run_ids]


def test_a_new_run_is_what_was_asked_for(ann, experiment):
    """A run has the name, start, user and tags of its creation, runs, and carries its verified creator."""
    made = service.create(
        ann, experiment_id=experiment.id, name="né", start=123, user_id="claimed", tags={"a": "b"}
    )
    for run in (made, service.get(ann, made.run_id)):
        assert (run.name, run.status, run.start_time, run.end_time) == ("né", "RUNNING", 123, None)
        assert (run.user_id, run.created_by) == ("claimed", ann.name)
        assert run.tags == {"a": "b", "mlflow.runName": "né"}
        assert (run.params, dict(run.metrics), run.inputs, run.outputs, run.at_best) == ({}, {}, [], [], {})
        assert (run.lifecycle, run.experiment_id) == ("active", experiment.id)


def test_a_run_always_has_a_name(ann, experiment):
    """The name comes from the name, from its tag, or is invented; a different name and tag are refused."""
    tag = {"mlflow.runName": "tagged"}
    assert service.create(ann, experiment_id=experiment.id, tags=tag).name == "tagged"
    assert service.create(ann, experiment_id=experiment.id, name="tagged", tags=tag).name == "tagged"
    assert service.create(ann, experiment_id=experiment.id).name.count("-") == 2
    with pytest.raises(Unacceptable) as refused:
        service.create(ann, experiment_id=experiment.id, name="other", tags=tag)
    assert refused.value.field == "run_name"


@pytest.mark.parametrize("start", [-1, 2**44])
def test_a_start_that_fits_no_id_is_refused(ann, experiment, start):
    """A start before 1970 or after 2527 is refused."""
    with pytest.raises(Unacceptable, match="start_time"):
        service.create(ann, experiment_id=experiment.id, start=start)


def test_a_client_key_makes_one_run(back_end, ann, experiment):
    """The same key, experiment and start are the same run, one after the other and all at once."""

    def create(key):
        return service.create(ann, experiment_id=experiment.id, start=5, key=key)

    first = create("kᅠey")
    assert create("kᅠey").run_id == first.run_id
    made = back_end.at_once(create, ["at once"] * 8)
    assert len({run.run_id for run in made}) == 1
    assert len({run.name for run in made}) == 1
    found, _ = service.listing(ann, [experiment.id])
    assert len(list(found)) == 2
    assert service.create(ann, experiment_id=experiment.id, start=6, key="at once").run_id != made[0].run_id


def test_a_log_token_cannot_take_over_a_run_by_its_key(back_end, ann, experiment):
    """A log token that sends another token's key is refused, and its own key gives its own run."""
    first, second = (back_end.who(scope=Scope.LOG, token=token) for token in ("one", "two"))
    made = service.create(first, experiment_id=experiment.id, start=5, key="k")
    assert service.create(first, experiment_id=experiment.id, start=5, key="k").run_id == made.run_id
    with pytest.raises(NotAllowed):
        service.create(second, experiment_id=experiment.id, start=5, key="k")
    with pytest.raises(NotAllowed):
        service.get(second, made.run_id)
    assert service.get(ann, made.run_id).token == "one"


def test_the_default_order_is_the_order_of_ids(ann, experiment):
    """Runs are listed with the latest start first, across all shards, which is ascending run ids."""
    starts = [500, 3, 2**44 - 1, 0, 77, 500, 500, 8, 1_700_000_000_000]
    made = [service.create(ann, experiment_id=experiment.id, start=start) for start in starts]
    found = list(service.listing(ann, [experiment.id])[0])
    assert [run.run_id for run in found] == sorted(run.run_id for run in made)
    assert [run.start_time for run in found] == sorted(starts, reverse=True)
    rest = service.listing(ann, [experiment.id], after=found[3].run_id, page=2)[0]
    assert [run.run_id for run in rest] == [run.run_id for run in found[4:]]
    assert {ids.parse_run_id(run.run_id).start_ms for run in made} == set(starts)


def test_deleting_hides_and_restoring_brings_back(ann, run_id):
    """Delete and restore are idempotent, and a deleted run takes no change."""
    for verb, expected in [(service.delete, "deleted")] * 2 + [(service.restore, "active")] * 2:
        verb(ann, run_id)
        assert lifecycles(ann, run_id) == [expected]
    service.delete(ann, run_id)
    changes = [
        lambda: service.update(ann, run_id, status="FINISHED"),
        lambda: service.amend(ann, run_id, tags={"a": "b"}),
        lambda: service.delete_tag(ann, run_id, "a"),
        lambda: service.log_outputs(ann, run_id, []),
    ]
    for change in changes:
        with pytest.raises(Unacceptable, match="active"):
            change()


def test_a_deleted_experiment_hides_its_runs(ann, experiment, run_id):
    """Runs are deleted with their experiment and come back with it, also those that were deleted before."""
    other = service.create(ann, experiment_id=experiment.id).run_id
    service.delete(ann, other)
    experiments.delete(ann, experiment.id)
    assert lifecycles(ann, run_id, other) == ["deleted", "deleted"]
    with pytest.raises(Unacceptable, match="restore it first"):
        service.restore(ann, other)
    with pytest.raises(Unacceptable, match="active"):
        service.create(ann, experiment_id=experiment.id)
    experiments.restore(ann, experiment.id)
    assert lifecycles(ann, run_id, other) == ["active", "active"]


def test_a_deletion_after_a_restore_counts_at_once(ann, experiment, run_id):
    """A run that is deleted in the same millisecond in which its experiment came back is deleted."""
    for _ in range(20):
        experiments.delete(ann, experiment.id)
        experiments.restore(ann, experiment.id)
        service.delete(ann, run_id)
        assert lifecycles(ann, run_id) == ["deleted"]


def test_status_end_and_name_change(ann, run_id):
    """What is given changes, what is missing stays, and a run that goes on again is no longer ended."""
    for status in STATUSES:
        assert service.update(ann, run_id, status=status).status == status
    run = service.update(ann, run_id, end_time=2**63 - 1, name="second")
    assert (run.status, run.end_time, run.name) == (STATUSES[-1], 2**63 - 1, "second")
    assert service.update(ann, run_id).name == "second"
    assert service.get(ann, run_id).tags["mlflow.runName"] == "second"
    for wrong in ({"status": "DONE"}, {"end_time": -1}, {"end_time": 2**63}, {"name": "n" * 501}):
        with pytest.raises(Unacceptable):
            service.update(ann, run_id, **wrong)


def test_what_is_not_there_is_not_found(back_end, ann, run_id):
    """An id that does not parse, of no run, or of another team's run does not exist for any verb."""
    stranger = back_end.who(team="other-team")
    verbs = [service.get, service.delete, service.restore, service.update, service.open_to_write]
    for verb in verbs:
        for who, missing in [(ann, "x"), (ann, run_id[:-1] + "g"), (ann, "0" * 32), (stranger, run_id)]:
            with pytest.raises(NotFound):
                verb(who, missing)


def test_a_viewer_reads_only(back_end, run_id):
    """A viewer sees a run and cannot change it; deleting takes a maintainer."""
    viewer, contributor = back_end.who(Role.VIEWER), back_end.who(Role.CONTRIBUTOR)
    assert service.get(viewer, run_id).name == "first"
    with pytest.raises(NotAllowed):
        service.update(viewer, run_id, name="no")
    with pytest.raises(NotAllowed):
        service.delete(contributor, run_id)
    assert service.update(contributor, run_id, name="yes").name == "yes"
