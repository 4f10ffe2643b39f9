"""Who is in a team: joining, roles, leaving, and the owner who always stays."""

from dataclasses import replace

import pytest

from functions import table
from functions.access import items, members
from functions.access.policy import Role, Scope
from functions.errors import AlreadyExists, HouseError, NotAllowed, NotFound, Unacceptable
from functions.teams import service
from tests.functions import people


@pytest.fixture
def ann(engine):
    """The owner of a new team."""
    return people.found()


def roles(who):
    """Each member with his role."""
    return {each.user: each.role for each in service.list_members(who).members}


def pairs_agree(team, users):
    """Whether each membership is the same, or absent, seen from the team and from the user."""
    from functions.access.grants import for_card

    for user in users:
        seen = table.get(items.Member, items.member(for_card(team), user))
        mine = table.get(items.Membership, items.membership(user, team))
        if (seen and (seen.role, seen.since)) != (mine and (mine.role, mine.since)):
            return False
    return True


def test_members_have_roles(ann):
    """The list names everybody with his role, and each role is effective."""
    made = {people.join(ann, role): role for role in ("viewer", "contributor", "maintainer", "owner")}
    assert roles(ann) == {ann.sub: "owner", **made}
    assert pairs_agree(ann.team, made)
    for user, role in made.items():
        assert people.enter(people.personal(user)).role is Role[role.upper()]


def test_nobody_joins_twice(ann):
    """Who is a member already is told so, and keeps his role."""
    bob = people.join(ann, "viewer")
    with pytest.raises(AlreadyExists):
        people.join(ann, "owner", bob)
    assert roles(ann)[bob] == "viewer"


@pytest.mark.parametrize("user", ["", "#", "a#b", "é", "a b", "x" * 129, "a\0", "/", "\ud800"])
def test_what_can_be_no_user_is_refused(ann, user):
    """Joining is 400, anything else 404, and none of it reaches the table."""
    with pytest.raises(Unacceptable):
        people.join(ann, user=user or "#")
    with pytest.raises(NotFound):
        service.change_role(ann, user, "viewer")
    with pytest.raises(NotFound):
        service.remove(ann, user)


@pytest.mark.parametrize("role", ["", "Owner", "admin", None, 3, []])
def test_an_unknown_role_is_refused(ann, role):
    """It is 400, names the field, and changes nothing."""
    bob = people.join(ann)
    for verb in (service.admit, service.change_role):
        with pytest.raises(Unacceptable) as refused:
            verb(ann, bob, role)
        assert refused.value.field == "role"
    assert roles(ann)[bob] == "contributor"


def test_a_role_changes(ann):
    """The new role is effective at once, and the same role again is no error."""
    bob = people.join(ann, "viewer")
    secret = people.personal(bob)
    people.enter(secret)
    for _ in range(2):
        assert service.change_role(ann, bob, "owner").role == "owner"
    assert people.enter(secret).role is Role.OWNER
    assert pairs_agree(ann.team, [bob])


def test_who_leaves_is_gone(ann):
    """No trace of the membership stays on either side, and leaving again is 404."""
    bob = people.join(ann)
    service.remove(ann, bob)
    assert bob not in roles(ann)
    assert list(members.teams_of(bob)) == []
    with pytest.raises(NotFound):
        service.remove(ann, bob)
    with pytest.raises(NotFound):
        service.change_role(ann, bob, "viewer")


@pytest.mark.parametrize("role", ["viewer", "contributor", "maintainer", None])
def test_only_owners_manage_members(ann, role):
    """A smaller role, and an owner's narrowed token, change no member."""
    bob = people.join(ann)
    who = replace(ann, role=Role[role.upper()]) if role else replace(ann, scope=Scope.READ)
    for verb in (
        lambda: service.admit(who, "eve", "viewer"),
        lambda: service.invite(who, "eve@example.org", "viewer"),
        lambda: service.change_role(who, bob, "owner"),
        lambda: service.remove(who, bob),
    ):
        with pytest.raises(NotAllowed):
            verb()
    assert roles(ann) == {ann.sub: "owner", bob: "contributor"}


def test_the_last_owner_stays(ann):
    """Neither demoted nor removed, by himself or another; with a second owner both work."""
    people.join(ann, "maintainer")
    for role in ("viewer", "maintainer"):
        with pytest.raises(Unacceptable):
            service.change_role(ann, ann.sub, role)
    with pytest.raises(Unacceptable):
        service.remove(ann, ann.sub)
    service.change_role(ann, ann.sub, "owner")
    bob = people.join(ann, "owner")
    service.remove(ann, ann.sub)
    assert roles(replace(ann, sub=bob))[bob] == "owner"


def test_members_come_in_pages(ann):
    """Pages hold everybody once, in the order of their ids."""
    everybody = sorted([ann.sub, *(people.join(ann) for _ in range(6))])
    seen, after = [], None
    while True:
        page = service.list_members(ann, after=after, limit=3)
        seen += [each.user for each in page.members]
        if (after := page.next) is None:
            break
    assert seen == everybody
    for bad in ({"after": "#"}, {"after": ""}, {"limit": 0}, {"limit": 101}):
        with pytest.raises(Unacceptable):
            service.list_members(ann, **bad)


def test_another_team_s_members_are_unspellable(ann):
    """A user of another team is no member here, whatever is done with his id."""
    eve = people.found()
    with pytest.raises(NotFound):
        service.remove(ann, eve.sub)
    with pytest.raises(NotFound):
        service.change_role(ann, eve.sub, "viewer")
    assert roles(eve) == {eve.sub: "owner"}


def test_one_of_many_creators_wins(engine, back_end):
    """Of 32 that create a team of one name at once exactly one does; the others are told that it exists."""
    name, bosses = people.fresh("team"), [people.admin() for _ in range(32)]
    outcomes = back_end.at_once(lambda boss: service.create(boss, name, people.nothing), bosses)
    made = [each for each in outcomes if not isinstance(each, Exception)]
    assert len(made) == 1
    assert sum(isinstance(each, AlreadyExists) for each in outcomes) == 31
    owner = next(boss for boss, each in zip(bosses, outcomes, strict=True) if not isinstance(each, Exception))
    assert roles(replace(owner, team=name, role=Role.OWNER)) == {owner.sub: "owner"}
    assert pairs_agree(name, [boss.sub for boss in bosses])


def test_an_owner_stays_whoever_acts_at_once(ann, back_end):
    """Eight owners who remove and demote each other at once, in any order, leave at least one."""
    for _ in range(3):
        owners = [seat.user for seat in members.seats(grant_of(ann)) if seat.role is Role.OWNER]
        owners += [people.join(ann, "owner") for _ in range(8 - len(owners))]
        acts = [
            (lambda user=user: service.remove(ann, user))
            if number % 2
            else (lambda user=user: service.change_role(ann, user, "viewer"))
            for number, user in enumerate(owners)
        ]
        outcomes = back_end.at_once(lambda act: act(), acts)
        assert "owner" in roles(ann).values()
        assert all(isinstance(each, HouseError) for each in outcomes if isinstance(each, Exception))
        assert pairs_agree(ann.team, owners)


def grant_of(who):
    from functions.access.grants import for_card

    return for_card(who.team)


def test_a_member_who_joins_and_leaves_at_once_is_whole(ann, back_end):
    """Whatever wins, both sides of a membership agree."""
    bob = people.fresh("user")
    acts = [
        lambda: people.join(ann, "viewer", bob),
        lambda: service.change_role(ann, bob, "owner"),
        lambda: service.remove(ann, bob),
    ] * 4
    for _ in range(3):
        outcomes = back_end.at_once(lambda act: act(), acts)
        assert all(isinstance(each, HouseError) for each in outcomes if isinstance(each, Exception))
        assert pairs_agree(ann.team, [bob])


def test_a_lost_answer_is_no_second_deed(ann, back_end):
    """An invitation and a removal whose answers are lost, and which are sent again, are done once."""
    bob = people.fresh("user")
    with back_end.answer_lost("TransactWriteItems"):
        people.join(ann, "viewer", bob)
    assert roles(ann)[bob] == "viewer"
    with back_end.answer_lost("TransactWriteItems"):
        service.remove(ann, bob)
    assert bob not in roles(ann)
