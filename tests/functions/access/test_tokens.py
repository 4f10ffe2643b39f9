"""The life of an access token."""

import re
from dataclasses import asdict, replace

import pytest

from functions import table
from functions.access import credentials, items, tokens
from functions.access.policy import Action, Role, Scope
from functions.errors import NotAllowed, NotFound, Unacceptable, Unauthenticated
from functions.ids import now_ms
from functions.teams import service
from tests.functions import people

DAY_MS = 86_400_000


@pytest.fixture
def ann(engine):
    """The owner of a new team."""
    return people.found()


def refusal(secret):
    """How a secret is refused."""
    with pytest.raises(Unauthenticated) as refused:
        credentials.identify(f"Bearer {secret}")
    return refused.value.message


def stored(secret):
    """A token as it is stored."""
    return table.get(items.Token, items.token(items.digest(secret)))


def test_a_token_is_random_and_recognised_by_its_beginning(ann):
    """It begins with rh_, carries 256 random bits, and its card shows the first characters."""
    one, other = tokens.create(ann, name="a"), tokens.create(ann, name="b")
    assert re.fullmatch(r"rh_[\w-]{43}", one.secret)
    assert one.secret != other.secret
    assert one.secret.startswith(one.token.prefix)
    assert len(one.token.prefix) == 9


def test_a_token_is_shown_once_and_stored_as_a_hash(ann):
    """Neither the list nor anything in the table holds the secret."""
    minted = tokens.create(ann, name="laptop")
    kept = [
        *table.query(f"T#{ann.team}"),
        *table.query(f"USER#{ann.sub}"),
        *table.query(items.token(items.digest(minted.secret)).pk),
    ]
    assert len(kept) > 3
    assert minted.secret[12:] not in repr(kept)
    assert minted.secret[12:] not in repr(tokens.listing(ann))


def test_a_token_acts_as_its_user_in_its_team(ann):
    """A member's token is that member, with his role, in the team where it was made."""
    bob = people.join(ann, "maintainer")
    who = people.enter(people.token(ann, user=bob))
    assert (who.sub, who.team, who.role, who.scope, who.bound) == (
        bob,
        ann.team,
        Role.MAINTAINER,
        Scope.ALL,
        True,
    )


@pytest.mark.parametrize(("scope", "role", "may"), [
    ("all", None, {Action.READ, Action.LOG, Action.MANAGE}),
    ("all", "contributor", {Action.READ, Action.LOG}),
    ("read", None, {Action.READ}),
    ("log", None, {Action.LOG}),
    ("log", "viewer", set()),
])  # fmt: skip
def test_a_token_may_be_narrowed(ann, scope, role, may):
    """A scope and a role are upper bounds to what an owner's token may do."""
    who = people.enter(people.token(ann, scope=scope, role=role))
    assert {action for action in (Action.READ, Action.LOG, Action.MANAGE) if allowed(who, action)} == may


def allowed(who, action):
    from functions.access.policy import decide

    return decide(who, action).allowed


def test_a_role_cap_gives_nothing(ann):
    """A viewer's token with the cap `owner` is a viewer's."""
    bob = people.join(ann, "viewer")
    assert people.enter(people.token(ann, user=bob, role="owner")).role is Role.VIEWER


@pytest.mark.parametrize("scope", ["read", "log"])
def test_a_narrowed_token_makes_no_tokens(ann, scope):
    """Only an owner with his whole role makes, lists or revokes tokens."""
    who = people.enter(people.token(ann, scope=scope))
    for verb in (
        lambda: tokens.create(who, name="x"),
        lambda: tokens.listing(who),
        lambda: tokens.revoke(who, "0"),
    ):
        with pytest.raises(NotAllowed):
            verb()


@pytest.mark.parametrize("role", ["viewer", "contributor", "maintainer"])
def test_smaller_roles_make_no_tokens(ann, role):
    """Who is no owner makes no token, not even his own."""
    who = replace(ann, sub=people.join(ann, role), role=Role[role.upper()])
    with pytest.raises(NotAllowed):
        tokens.create(who, name="x")


@pytest.mark.parametrize("user", ["nobody", "", "a#b", "é", "x" * 2_000])
def test_a_token_is_for_members(ann, user):
    """A token for somebody who is not in the team is 404."""
    with pytest.raises(NotFound) as missing:
        tokens.create(ann, name="x", user=user)
    assert missing.value.field == "user"


@pytest.mark.parametrize(("field", "value"), [
    ("name", ""), ("name", "x" * 101), ("name", "\ud800"), ("scope", "promote"), ("role", "boss"),
    ("expires_in_days", 0), ("expires_in_days", 1_096), ("expires_in_days", True), ("expires_in_days", 1.5),
])  # fmt: skip
def test_bad_wishes_are_refused(ann, field, value):
    """Each bad value is 400 and names its field, and no token is made."""
    with pytest.raises(Unacceptable) as refused:
        tokens.create(ann, **{"name": "x", field: value})
    assert refused.value.field == field
    assert tokens.listing(ann).tokens == []


def test_a_token_ends(ann):
    """After its last moment it is refused, in the same words as one that never was."""
    minted = tokens.create(ann, name="x", expires_in_days=2)
    assert abs(minted.token.expires_at - now_ms() - 2 * DAY_MS) < 60_000
    people.enter(minted.secret)
    kept = stored(minted.secret)
    kept.expires_at = now_ms() - 1
    table.put(kept)
    credentials.MEMORY.forget()
    assert refusal(minted.secret) == refusal("rh_" + "x" * 43)


def test_a_remembered_token_ends_on_time(ann):
    """The minute for which a credential is known does not prolong it."""
    secret = people.token(ann)
    kept = stored(secret)
    kept.expires_at = now_ms() + 200
    table.put(kept)
    who = credentials.identify(f"Bearer {secret}")
    while now_ms() <= who.expires_at:
        pass
    refusal(secret)


def test_a_revoked_token_is_dead_at_once(ann):
    """In the process that revokes it the next request is refused, in the same words as an invented one."""
    minted = tokens.create(ann, name="x")
    people.enter(minted.secret)
    tokens.revoke(ann, minted.token.id)
    assert refusal(minted.secret) == refusal("rh_" + "x" * 43)
    assert stored(minted.secret) is None
    assert tokens.listing(ann).tokens == []
    with pytest.raises(NotFound):
        tokens.revoke(ann, minted.token.id)


def test_another_team_s_token_is_not_there(ann):
    """An owner cannot revoke or see the token of another team, even if he knows its id."""
    minted = tokens.create(people.found(), name="x")
    with pytest.raises(NotFound):
        tokens.revoke(ann, minted.token.id)
    assert tokens.listing(ann).tokens == []
    people.enter(minted.secret)


@pytest.mark.parametrize("token_id", ["", "x", "#", "0" * 2_000, "é", "0" * 24])
def test_an_id_that_is_none_is_not_there(ann, token_id):
    """Whatever is revoked that does not exist is 404."""
    with pytest.raises(NotFound):
        tokens.revoke(ann, token_id)


def test_tokens_are_listed_by_pages_the_newest_first(ann):
    """Pages hold every token once, the newest first, with what it is for and whose it is."""
    bob = people.join(ann)
    made = [tokens.create(ann, name=f"t{number}", user=bob, scope="read").token for number in range(5)]
    first = tokens.listing(ann, limit=3)
    second = tokens.listing(ann, after=first.next, limit=3)
    assert {each.id for each in made} == {each.id for each in [*first.tokens, *second.tokens]}
    ids = [each.id for each in [*first.tokens, *second.tokens]]
    assert ids == sorted(ids, reverse=True)
    assert second.next is None
    assert asdict(first.tokens[0]).items() >= {"user": bob, "scope": "read", "created_by": ann.name}.items()


@pytest.mark.parametrize(("after", "limit"), [("x", 10), ("K#", 10), (None, 0), (None, 101), (None, -1)])
def test_a_bad_page_is_refused(ann, after, limit):
    """A place that is no token's id, or a page that is too small or large, is 400."""
    with pytest.raises(Unacceptable):
        tokens.listing(ann, after=after, limit=limit)


def test_last_use_is_written_at_most_hourly(ann, back_end):
    """The first use is written down, the next within an hour is not, one after an hour is again."""
    secret = people.token(ann)
    assert stored(secret).last_used_at is None
    people.enter(secret)
    first = stored(secret).last_used_at
    assert abs(first - now_ms()) < 60_000
    credentials.MEMORY.forget()
    with back_end.trips() as trips:
        people.enter(secret)
    assert "PutItem" not in trips
    kept = stored(secret)
    kept.last_used_at = first - tokens.HOUR_MS
    table.put(kept)
    credentials.MEMORY.forget()
    people.enter(secret)
    assert stored(secret).last_used_at >= first
    assert tokens.listing(ann).tokens[0].last_used_at == stored(secret).last_used_at


def test_last_use_does_not_revive_a_revoked_token(ann):
    """A use that is written down after the token was revoked leaves it revoked."""
    minted = tokens.create(ann, name="x")
    kept = stored(minted.secret)
    tokens.revoke(ann, minted.token.id)
    tokens.used(kept)
    assert stored(minted.secret) is None


def test_last_use_never_fails_a_request(ann, back_end):
    """If it cannot be written, the request goes on."""
    secret = people.token(ann)
    kept = stored(secret)
    kept.last_used_at = now_ms() - 2 * tokens.HOUR_MS
    stale = stored(secret)
    table.put(kept)
    tokens.used(stale)
    assert people.enter(secret).sub == ann.sub


def test_a_member_s_tokens_end_with_the_membership(ann):
    """Who is removed has no token left in the team, and others keep theirs."""
    bob, eve = people.join(ann), people.join(ann)
    bobs, eves = people.token(ann, user=bob), people.token(ann, user=eve)
    people.enter(bobs)
    service.remove(ann, bob)
    refusal(bobs)
    assert [each.user for each in tokens.listing(ann).tokens] == [eve]
    people.enter(eves)


def test_who_comes_back_comes_back_without_tokens(ann):
    """A token that a crash left behind after a removal is dead also after a new invitation."""
    bob = people.join(ann)
    secret = people.token(ann, user=bob)
    kept, card = stored(secret), next(table.query(f"T#{ann.team}", "K#"))
    service.remove(ann, bob)
    people.join(ann, user=bob)
    table.put(kept)
    table.put(items.TokenCard.from_raw_data(card))
    with pytest.raises(Unauthenticated):
        people.enter(secret)


def test_a_token_keeps_working_in_another_role(ann):
    """A change of role changes what a token may do, at once, and does not end it."""
    bob = people.join(ann, "viewer")
    secret = people.token(ann, user=bob)
    assert people.enter(secret).role is Role.VIEWER
    service.change_role(ann, bob, "maintainer")
    assert people.enter(secret).role is Role.MAINTAINER


def test_a_token_of_no_team_works_in_all_of_its_user_s_teams(ann):
    """A personal token has its user's role in each team."""
    bob = people.join(ann, "viewer")
    other = people.found()
    people.join(other, "contributor", bob)
    secret = people.personal(bob)
    assert people.enter(secret, ann.team).role is Role.VIEWER
    assert people.enter(secret, other.team).role is Role.CONTRIBUTOR
    assert people.enter(secret, other.team).bound is False


def test_a_narrowed_token_makes_no_personal_one(ann):
    """A token of one team, or of a scope, cannot make one that may more."""
    bound = people.enter(people.token(ann))
    read = people.enter(people.personal(ann.sub, scope="read"))
    log = people.enter(people.personal(ann.sub, scope="log"))
    for who in (bound, read, log):
        with pytest.raises(NotAllowed):
            tokens.personal(who, name="x")
