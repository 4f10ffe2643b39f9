"""What follows a change of a head."""

import pytest

from functions.errors import Busy
from functions.metrics import reactions
from functions.runs import service
from tests.functions.metrics.interruptions import at_write


@pytest.fixture
def heads(scene):
    """The raw head of a run, before and after a change."""

    def around(change):
        before = service.read(scene.grant, scene.run).raw
        change()
        return before, service.read(scene.grant, scene.run).raw

    return around


def test_a_run_that_ends_is_settled(scene, heads):
    """The change that ends a run makes its tail blocks and its counts exact; changes before it do nothing."""
    scene.step(1)
    reactions.on_change(*heads(lambda: service.amend(scene.who, scene.run_id, tags={"a": "1"})))
    scene.tags = {"a": "1"}
    assert service.read(scene.grant, scene.run).tails
    reactions.on_change(*heads(scene.end))
    scene.is_exact()


def test_a_run_that_changes_while_it_is_settled_must_come_again(scene, heads):
    """A change that could not be followed to the end raises, and is followed when it comes again."""
    scene.step(1)
    change = heads(scene.end)

    def other():
        scene.step(2)
        scene.fold()

    with at_write(3, other), pytest.raises(Busy):
        reactions.on_change(*change)
    reactions.on_change(*change)
    scene.is_exact()


def test_other_changes_call_no_job(scene, heads, back_end):
    """A head that goes, a change of a run that is due already, and another item's change read nothing."""
    scene.end()
    before, after = heads(lambda: service.amend(scene.who, scene.run_id, tags={"a": "1"}))
    other = {**after, "SK": {"S": "L#m-1"}}
    with back_end.trips() as trips:
        for change in [(before, after), (after, None), (None, other)]:
            reactions.on_change(*change)
    assert trips == []
