"""From a header to a principal: which credentials are taken, and which team a request is for."""

import base64
import time

import pytest

from functions import settings, table
from functions.access import credentials, items, members
from functions.access.memory import MEMORY
from functions.access.policy import Deployment, Role
from functions.errors import NotFound, Unacceptable, Unauthenticated
from functions.teams import service
from tests.functions import people


@pytest.fixture
def ann(engine):
    """The owner of a new team."""
    return people.found()


def basic(text):
    """A header of basic authentication."""
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("form", [
    "Bearer {}", "bearer {}", "BEARER   {}", " Bearer {} ",
])  # fmt: skip
def test_a_token_is_sent_as_bearer(ann, form):
    """The scheme's case and spaces around the token do not matter."""
    assert credentials.identify(form.format(people.token(ann))).sub == ann.sub


@pytest.mark.parametrize("user", ["", "anything", "ann@example.org", "日本語"])
def test_a_token_is_sent_as_a_password(ann, user):
    """Basic authentication takes any user name and the token as its password."""
    assert credentials.identify(basic(f"{user}:{people.token(ann)}")).sub == ann.sub


NEVER = "rh_" + "A" * 43


@pytest.mark.parametrize("header", [
    "", " ", "Bearer", "Bearer ", "Basic", "Basic ", "Basic !!!", "Basic " + "=" * 9, basic(""), basic("a"),
    basic("a:"), basic("a:b"), basic(NEVER), basic(f"{NEVER}:"), basic("a:b:" + NEVER), basic("a:" + NEVER),
    "Digest x", "Token " + NEVER, NEVER, "Bearer " + NEVER, "Bearer rh_", "Bearer rh_" + "A" * 42,
    "Bearer rh_" + "A" * 44, "Bearer " + NEVER + "=", "Bearer " + NEVER.upper(), "Bearer rh_" + "é" * 43,
    "Bearer rh_" + "\0" * 43, "Bearer rh_" + "A" * 10_240, "Bearer " + "a.b.c" * 2_000, "Bearer ..",
    "Bearer a.b.c", "Bearer e30.e30.", "Bearer \ud800", "Basic \xff\xff", basic("é:" + NEVER[:-1] + "é"),
    "Basic " + base64.b64encode(b"\xff\xfe:" + NEVER.encode()).decode(), "\0", "Bearer\t" + NEVER,
])  # fmt: skip
def test_what_is_no_credential_is_refused_in_the_same_words(engine, header):
    """Malformed, unknown, too long or of a foreign kind: 401, and the answer does not say which."""
    with pytest.raises(Unauthenticated) as refused:
        credentials.identify(header)
    assert refused.value.message == "This credential is not valid, or no longer."


def test_a_changed_character_is_another_token(ann):
    """No character of a token is without meaning, also not to a process that remembers the right one."""
    secret = people.token(ann)
    people.enter(secret)
    for place in (3, 20, len(secret) - 1):
        other = "B" if secret[place] != "B" else "C"
        with pytest.raises(Unauthenticated):
            people.enter(secret[:place] + other + secret[place + 1 :])


def test_no_credential_is_told_how_to_send_one(engine):
    """Where credentials are needed, a caller without one is 401 with a hint."""
    with pytest.raises(Unauthenticated) as refused:
        credentials.identify(None)
    assert "Authorization: Bearer" in refused.value.message


def test_on_a_laptop_a_caller_without_a_credential_is_its_user(ann):
    """With a local user set, no credential means that user; a wrong one is still refused."""
    before = settings.settings()
    settings.use(settings.Settings(before.table, before.region, before.dynamodb_url, local_user=ann.sub))
    try:
        who = credentials.enter(credentials.identify(None), None)
        with pytest.raises(Unauthenticated):
            credentials.identify("Bearer " + NEVER)
    finally:
        settings.use(before)
    assert (who.sub, who.team, who.role, who.token) == (ann.sub, ann.team, Role.OWNER, None)


def test_a_bound_token_s_team_is_the_request_s(ann):
    """Named or not, it is the token's team; another one does not exist for it, though its user is in it."""
    other = people.found()
    people.join(other, "owner", ann.sub)
    secret = people.token(ann)
    assert people.enter(secret).team == people.enter(secret, ann.team).team == ann.team
    with pytest.raises(NotFound) as missing:
        people.enter(secret, other.team)
    assert missing.value.field == "team"


def test_the_only_team_need_not_be_named(ann):
    """A user of one team is in it."""
    assert people.enter(people.personal(ann.sub)).team == ann.team


def test_of_several_teams_one_must_be_named(ann):
    """Without a primary team the answer is 400 and lists them."""
    other = people.found()
    bob = people.join(ann)
    people.join(other, "viewer", bob)
    secret = people.personal(bob)
    with pytest.raises(Unacceptable) as unclear:
        people.enter(secret)
    assert all(team in unclear.value.message for team in (ann.team, other.team))
    assert people.enter(secret, other.team).role is Role.VIEWER
    assert people.enter(secret, needs_team=False).team is None


def test_the_primary_team_is_the_request_s_unless_another_is_named(ann):
    """A primary team is chosen among several; when it is no longer the user's, there is none."""
    other = people.found()
    bob = people.join(ann)
    people.join(other, "viewer", bob)
    third = people.join(people.found(), user=bob)
    secret = people.personal(bob)
    service.update(people.enter(secret, other.team), primary=True)
    assert people.enter(secret).team == other.team
    assert people.enter(secret, ann.team).team == ann.team
    service.remove(other, third)
    with pytest.raises(Unacceptable):
        people.enter(secret)


@pytest.mark.parametrize("named", [
    "nobody-s", "", "Red", "red#", "T#red", "../red", "é", "a" * 64, "a" * 5_000, "-a", "a-", "a b",
    "a\0", "META",
])  # fmt: skip
def test_a_team_that_is_not_the_caller_s_does_not_exist(ann, named):
    """Foreign, unknown or unspeakable names are the same 404."""
    if named == "nobody-s":
        named = people.found().team
    with pytest.raises(NotFound):
        people.enter(people.personal(ann.sub), named or "x")


def test_who_is_in_no_team_is_told_so(engine):
    """A user without a team gets 400 where one is needed, and his account where none is."""
    secret = people.personal(people.fresh("loner"))
    with pytest.raises(Unacceptable) as lonely:
        people.enter(secret)
    assert "no team" in lonely.value.message
    assert people.enter(secret, needs_team=False).team is None


def test_a_removed_member_is_out_at_once(ann):
    """In the process that removes him, the very next request of a member is 404."""
    bob = people.join(ann)
    secret = people.personal(bob)
    assert people.enter(secret, ann.team).role is Role.CONTRIBUTOR
    service.remove(ann, bob)
    with pytest.raises(NotFound):
        people.enter(secret, ann.team)


def test_a_deployment_reader_enters_every_team_that_exists(ann):
    """He is in it without a role; a team that does not exist is 404 for him too."""
    reader = people.fresh("reader")
    members.enrol(reader, deployment=[Deployment.READER])
    secret = people.personal(reader, scope="read")
    who = people.enter(secret, ann.team)
    assert (who.team, who.role, who.deployment) == (ann.team, None, {Deployment.READER})
    with pytest.raises(NotFound):
        people.enter(secret, people.fresh("team"))


def test_a_deployment_admin_is_a_stranger_in_teams(ann):
    """An admin who is no member does not enter a team."""
    boss = people.fresh("boss")
    members.enrol(boss, deployment=[Deployment.ADMIN])
    with pytest.raises(NotFound):
        people.enter(people.personal(boss), ann.team)


def test_narrowed_tokens_carry_nothing_beside_the_teams(ann):
    """A token of one team, of a role or for logging makes no admin and no reader."""
    members.enrol(ann.sub, deployment=list(Deployment))
    other = people.found()
    whole, log = people.personal(ann.sub), people.personal(ann.sub, scope="log")
    assert people.enter(whole).deployment == set(Deployment)
    for secret in (people.token(ann), people.token(ann, role="owner"), log):
        assert people.enter(secret).deployment == set()
        with pytest.raises(NotFound):
            people.enter(secret, other.team)


def test_the_name_that_is_stamped_is_the_address(ann):
    """What a user makes carries his e-mail address, or his name, or at least his id."""
    plain, called, addressed = (people.join(ann) for _ in range(3))
    members.enrol(called, name="CI")
    members.enrol(addressed, name="Eve", email="eve@example.org")
    names = [people.enter(people.token(ann, user=user)).name for user in (plain, called, addressed)]
    assert names == [plain, "CI", "eve@example.org"]


def test_a_cold_credential_is_two_round_trips_and_a_warm_one_none(ann, back_end):
    """The token is one reading; the user and the membership, read side by side, are the other."""
    secret = people.token(ann)
    people.enter(secret)
    MEMORY.forget()
    with back_end.trips() as cold:
        people.enter(secret)
    with back_end.trips() as warm:
        people.enter(secret)
    assert sorted(cold) == ["GetItem"] * 4  # the last three in one round
    assert warm == []


def test_a_thousand_teams_do_not_slow_a_request(engine, back_end):
    """Neither naming one of them nor having a primary one reads the others."""
    user = people.fresh("busy")
    rows = [items.membership(user, f"team-{number:04}") for number in range(1_000)]
    table.put_many([items.Membership(PK=key.pk, SK=key.sk, role="viewer", since=1) for key in rows])
    members.enrol(user, primary="team-0777")
    secret = people.personal(user)
    people.enter(secret)
    MEMORY.forget()
    with back_end.trips() as trips:
        assert people.enter(secret).team == "team-0777"
        assert people.enter(secret, "team-0999").team == "team-0999"
    assert len(trips) <= 8
    assert trips.count("Query") == 1
    members.enrol(user, primary="")
    MEMORY.forget()
    with pytest.raises(Unacceptable) as unclear:
        people.enter(secret)
    assert "team-0019, …" in unclear.value.message
    assert len(unclear.value.message) < 500


def test_a_warm_credential_costs_microseconds(ann):
    """A remembered caller is found in less than 0.1 ms of CPU."""
    secret = people.token(ann)
    people.enter(secret)
    start = time.process_time()
    for _ in range(200):
        people.enter(secret)
    assert (time.process_time() - start) / 200 < 0.000_1
