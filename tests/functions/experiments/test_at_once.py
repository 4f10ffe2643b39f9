"""Many at once, and answers that get lost."""

import time

import pytest

from functions.access import grants
from functions.access.policy import Action
from functions.errors import AlreadyExists, NotFound
from functions.experiments import service


@pytest.fixture
def ann(back_end):
    """An owner of the team."""
    return back_end.who()


def test_one_of_many_creators_wins(back_end, ann):
    """Of 32 that create the same name at once exactly one succeeds; the others are told that it exists."""
    outcomes = back_end.at_once(lambda _: service.create(ann, "one"), range(32))
    made = [one for one in outcomes if isinstance(one, service.Experiment)]
    assert len(made) == 1
    assert sum(isinstance(one, AlreadyExists) for one in outcomes) == 31
    assert service.listing(ann) == made


def test_one_of_many_renamers_wins(back_end, ann):
    """Of eight experiments that want the same name at once one gets it, and no name is lost or doubled."""
    made = [service.create(ann, f"e{number}") for number in range(8)]
    outcomes = back_end.at_once(lambda one: service.rename(ann, one.id, "the one"), made)
    assert sum(isinstance(one, AlreadyExists) for one in outcomes) == 7
    found = service.listing(ann)
    assert len({one.name for one in found}) == 8
    assert all(service.by_name(ann, one.name) == one for one in found)


def test_no_tag_is_lost(back_end, ann):
    """Sixteen writers of different tags, five each, all find theirs afterwards."""
    made = service.create(ann, "one")

    def write(writer):
        for number in range(5):
            service.set_tag(ann, made.id, f"t{writer}.{number}", str(number))

    assert back_end.at_once(write, range(16)) == [None] * 16
    tags = {f"t{writer}.{number}": str(number) for writer in range(16) for number in range(5)}
    assert service.get(ann, made.id).tags == tags


def test_renames_deletes_and_tags_at_once_leave_one_whole_experiment(back_end, ann):
    """Whatever wins, the experiment has exactly one name, which leads to it."""
    made = service.create(ann, "one")
    verbs = [
        lambda: service.rename(ann, made.id, "two"),
        lambda: service.rename(ann, made.id, "three"),
        lambda: service.delete(ann, made.id),
        lambda: service.set_tag(ann, made.id, "a", "1"),
    ]
    back_end.at_once(lambda verb: verb(), verbs * 2)
    found = service.get(ann, made.id)
    names = {"one", "two", "three"}
    assert service.by_name(ann, found.name) == found
    for name in names - {found.name}:
        with pytest.raises(NotFound):
            service.by_name(ann, name)


@pytest.mark.parametrize("operation", ["TransactWriteItems", "PutItem"])
def test_a_lost_answer_is_no_failure(back_end, ann, operation):
    """A write that was applied and is sent again, because its answer was lost, succeeds and counts once."""
    made = service.create(ann, "one")
    if operation == "PutItem":
        with back_end.answer_lost(operation):
            assert service.delete(ann, made.id).lifecycle == "deleted"
        with back_end.answer_lost(operation):
            assert service.restore(ann, made.id).lifecycle == "active"
        service.set_tag(ann, made.id, "a", "1")
        with back_end.answer_lost(operation):
            assert service.delete_tag(ann, made.id, "a").tags == {}
        return
    with back_end.answer_lost(operation):
        two = service.create(ann, "two")
    with back_end.answer_lost(operation):
        assert service.rename(ann, two.id, "three").id == two.id
    assert {one.name for one in service.listing(ann)} == {"one", "three"}


def test_what_is_known_is_as_young_as_asked_for(back_end, ann):
    """A known experiment is given without a round trip, up to the age that the caller takes."""
    g = grants.grant(ann, Action.LOG)
    made = service.create(ann, "one")
    with back_end.trips() as trips:
        assert service.known(g, made.id) == made
        assert trips == []
        assert service.known(g, made.id, at_most=0) == made
        assert trips == ["GetItem"]
    service.forget()
    with back_end.trips() as trips:
        service.known(g, made.id)
        service.known(g, made.id)
    assert trips == ["GetItem"]
    time.sleep(0.02)
    with back_end.trips() as trips:
        service.known(g, made.id, at_most=0.01)
    assert trips == ["GetItem"]
    with pytest.raises(NotFound):
        service.known(g, "5")


def test_a_change_is_known_at_once(back_end, ann):
    """What this process wrote it knows, so a deleted experiment is not taken for an active one."""
    g = grants.grant(ann, Action.LOG)
    made = service.create(ann, "one")
    service.known(g, made.id)
    service.set_tag(ann, made.id, "runhaven.goal.loss", "min")
    assert service.known(g, made.id).goals == {"loss": "min"}
    service.delete(ann, made.id)
    assert service.known(g, made.id).lifecycle == "deleted"


def test_a_slow_reader_does_not_bring_back_the_past(back_end, ann):
    """What was read before a change and arrives after it does not replace what the change left."""
    g = grants.grant(ann, Action.LOG)
    made = service.create(ann, "one")
    waiting = [made.id]

    def change_meanwhile(**_):
        if waiting:
            service.delete(ann, waiting.pop())

    with back_end.on("after-call.dynamodb.GetItem", change_meanwhile):
        assert service.known(g, made.id, at_most=0) == made
    assert service.known(g, made.id).lifecycle == "deleted"


def test_another_teams_experiment_is_not_known(back_end, ann):
    """What is remembered is remembered for one team."""
    made = service.create(ann, "one")
    bob = back_end.who(team=f"{back_end.team}-2")
    with pytest.raises(NotFound):
        service.known(grants.grant(bob, Action.LOG), made.id)


def test_round_trips(back_end, ann):
    """Creating takes one round trip, reading one, by name two, and a change one more than the writing."""
    with back_end.trips() as trips:
        made = service.create(ann, "one")
        assert trips == ["TransactWriteItems"]
    for call, asked in [
        (lambda: service.get(ann, made.id), ["GetItem"]),
        (lambda: service.by_name(ann, "one"), ["GetItem", "GetItem"]),
        (lambda: service.set_tag(ann, made.id, "a", "1"), ["GetItem", "PutItem"]),
        (lambda: service.set_tag(ann, made.id, "a", "1"), ["GetItem"]),
        (lambda: service.rename(ann, made.id, "two"), ["GetItem", "TransactWriteItems"]),
        (lambda: service.delete(ann, made.id), ["GetItem", "PutItem"]),
        (lambda: service.restore(ann, made.id), ["GetItem", "PutItem"]),
        (lambda: service.listing(ann), ["Query"]),
    ]:
        with back_end.trips() as trips:
            call()
        assert trips == asked
