"""Teams: how they begin, who sees them, and what may be changed."""

from dataclasses import replace

import pytest

from functions import table
from functions.access import grants, members
from functions.access.policy import Action, Deployment, Role, Scope
from functions.errors import AlreadyExists, NotAllowed, NotFound, Unacceptable
from functions.experiments import service as experiments
from functions.teams import service
from tests.functions import people


@pytest.fixture
def ann(engine):
    """The owner of a new team."""
    return people.found()


def test_a_new_team_has_an_owner_and_what_every_team_holds(engine):
    """Whoever creates it owns it, and its Default experiment is there from the first moment."""
    boss = people.admin()
    made = service.create(boss, people.fresh("team"), experiments.founding, description="We try.")
    assert (made.role, made.description, made.created_by) == ("owner", "We try.", boss.name)
    inside = replace(boss, team=made.name, role=Role.OWNER)
    assert [each.user for each in service.list_members(inside).members] == [boss.sub]
    assert experiments.get(inside, "0").name == "Default"
    assert service.get(inside) == made


def test_a_team_that_fails_half_way_does_not_exist(engine):
    """If what it holds cannot be written, nothing of it is."""
    boss, name = people.admin(), people.fresh("team")

    def broken(grant, now):
        writes = experiments.founding(grant, now)
        return [*writes, writes[0]]  # DynamoDB refuses two writes to one item

    with pytest.raises(Exception):  # noqa: B017, PT011  (whatever the engine says)
        service.create(boss, name, broken)
    grant = grants.for_card(name)
    assert list(table.query(f"T#{grant.team}")) == []
    service.create(boss, name, experiments.founding)


@pytest.mark.parametrize("name", [
    "", "A", "Red", "a_b", "a.b", "-a", "a-", "a" * 64, "a b", "a/b", "a#b", "é", "\uff41", "a\n",
    "a\0", "..", "\ud800",
])  # fmt: skip
def test_a_team_s_name_is_a_slug(engine, name):
    """What could not stand in a path, a header and a key is no name."""
    with pytest.raises(Unacceptable) as refused:
        service.create(people.admin(), name, people.nothing)
    assert refused.value.field == "name"


@pytest.mark.parametrize("length", [1, 2, 63])
def test_a_short_or_long_slug_is_a_name(engine, length):
    """One to 63 characters make a name."""
    name = people.fresh("t").replace("-", "")[:length].ljust(length, "0")
    try:
        assert service.create(people.admin(), name, people.nothing).name == name
    except AlreadyExists:  # there are 36 names of one character
        assert length < 3


def test_a_name_is_taken_once(ann):
    """The second creator is told so, and the team stays as it is."""
    with pytest.raises(AlreadyExists) as taken:
        service.create(people.admin(), ann.team, people.nothing)
    assert taken.value.field == "name"
    assert [each.user for each in service.list_members(ann).members] == [ann.sub]


@pytest.mark.parametrize("changes", [
    {"deployment": frozenset()}, {"deployment": frozenset({Deployment.READER})}, {"scope": Scope.READ},
    {"scope": Scope.LOG},
])  # fmt: skip
def test_only_a_deployment_admin_creates_teams(engine, changes):
    """Nobody else does, nor an admin with a narrowed credential."""
    with pytest.raises(NotAllowed):
        service.create(replace(people.admin(), **changes), people.fresh("team"), people.nothing)


def test_everybody_lists_his_own_teams(ann):
    """The list has the caller's teams with his roles, by name, and no other team."""
    bob = people.join(ann, "viewer")
    other = people.found()
    people.join(other, "maintainer", bob)
    people.found()
    seen = service.listing(people.enter(people.personal(bob), ann.team)).teams
    assert {each.name: each.role for each in seen} == {ann.team: "viewer", other.team: "maintainer"}
    assert [each.name for each in seen] == sorted(each.name for each in seen)
    assert all(each.usage is None for each in seen)


def test_a_token_of_one_team_sees_that_team_only(ann):
    """Its user's other teams do not exist for it."""
    people.join(people.found(), "owner", ann.sub)
    who = people.enter(people.token(ann))
    assert [each.name for each in service.listing(who).teams] == [ann.team]
    assert members.me(who).teams == [ann.team]


def test_a_log_token_sees_no_list(ann):
    """A token for logging lists no teams and sees no account."""
    who = people.enter(people.token(ann, scope="log"))
    for verb in (service.listing, members.me, service.get, service.list_members):
        with pytest.raises(NotAllowed):
            verb(who)


def test_an_admin_lists_all_teams_and_how_much_they_hold(ann):
    """A deployment admin sees every team's name and usage, but not his role in teams where he has none."""
    people.join(ann)
    people.token(ann)
    boss, seen, after = people.admin(), {}, None
    while True:
        page = service.listing(boss, after=after, limit=7, usage=True)
        seen |= {each.name: each for each in page.teams}
        if (after := page.next) is None:
            break
    assert (seen[ann.team].usage.members, seen[ann.team].usage.tokens) == (2, 1)
    assert seen[ann.team].role is None


def test_lists_come_in_pages(engine):
    """Pages hold every team once, in the order of their names."""
    user = people.fresh("user")
    names = sorted(people.found().team for _ in range(5))
    for name in names:
        owner = replace(people.admin(), team=name, role=Role.OWNER)
        people.join(owner, "viewer", user)
    who = people.enter(people.personal(user), names[0])
    first = service.listing(who, limit=2)
    second = service.listing(who, after=first.next, limit=2)
    third = service.listing(who, after=second.next, limit=2)
    assert [each.name for page in (first, second, third) for each in page.teams] == names
    assert third.next is None


@pytest.mark.parametrize(("after", "limit"), [("A", 5), ("a#", 5), ("", 5), (None, 0), (None, 101)])
def test_a_bad_page_is_refused(ann, after, limit):
    """A place that is no team's name, or a page that is too small or large, is 400."""
    with pytest.raises(Unacceptable):
        service.listing(ann, after=after, limit=limit)


def test_an_owner_describes_the_team(ann):
    """Everybody in the team reads the description that an owner has written."""
    service.update(ann, description="Weather.")
    viewer = replace(ann, sub=people.join(ann, "viewer"), role=Role.VIEWER)
    assert service.get(viewer).description == "Weather."
    for who in (viewer, replace(ann, role=Role.MAINTAINER), replace(ann, scope=Scope.READ)):
        with pytest.raises(NotAllowed):
            service.update(who, description="Mine.")
        with pytest.raises(NotAllowed):
            service.update(who)
    with pytest.raises(Unacceptable):
        service.update(ann, description="x" * 2_001)


def test_a_member_chooses_a_primary_team(ann):
    """Each member chooses for himself, and unchooses; a narrowed credential chooses nothing."""
    viewer = people.join(ann, "viewer")
    who = people.enter(people.personal(viewer))
    assert service.update(who, primary=True).primary
    assert not service.get(ann).primary
    assert [each.primary for each in service.listing(who).teams] == [True]
    assert not service.update(who, primary=False).primary
    for narrow in (people.token(ann, user=viewer), people.personal(viewer, scope="read")):
        with pytest.raises(NotAllowed):
            service.update(people.enter(narrow), primary=True)


def test_unchoosing_another_team_keeps_the_primary_one(ann):
    """That one team is not the primary one does not change which one is."""
    bob = people.join(ann)
    other = people.found()
    people.join(other, "viewer", bob)
    secret = people.personal(bob)
    service.update(people.enter(secret, ann.team), primary=True)
    service.update(people.enter(secret, other.team), primary=False)
    assert people.enter(secret).team == ann.team


def test_a_reader_reads_a_team(ann):
    """A deployment reader sees a team's card and members without being one, and changes nothing."""
    reader = people.fresh("reader")
    members.enrol(reader, deployment=[Deployment.READER])
    who = people.enter(people.personal(reader), ann.team)
    assert (service.get(who).name, service.get(who).role) == (ann.team, None)
    assert len(service.list_members(who).members) == 1
    for verb in (lambda: service.update(who, description="x"), lambda: service.update(who, primary=True)):
        with pytest.raises(NotAllowed):
            verb()


def test_a_team_that_does_not_exist_is_not_there(engine):
    """Its card is 404, also for who would have a role in it."""
    ghost = replace(people.admin(), team=people.fresh("team"), role=Role.OWNER)
    assert grants.grant(ghost, Action.READ).team == ghost.team
    with pytest.raises(NotFound):
        service.get(ghost)
    with pytest.raises(NotFound):
        service.update(ghost, description="x")
