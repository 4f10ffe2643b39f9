"""Users and their memberships, as the rooms above need them. What may be done with them is decided there."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from functions import revision, table
from functions.access import items
from functions.access.grants import Grant, beyond_logging
from functions.access.policy import Deployment, Role
from functions.access.principal import Principal
from functions.errors import NotFound, Unacceptable
from functions.ids import shown
from runhaven.wire import teams as wire

RowT = TypeVar("RowT")

# How many of a user's teams GET /me lists.
SHOWN_TEAMS = 20

_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@:+-]{0,127}", re.ASCII)
_TEAM = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Seat:
    """A membership: who sits in a team, as what, and since when (ms)."""

    user: str
    name: str
    email: str
    role: Role
    since: int

    def on_the_wire(self) -> wire.Member:
        """The membership as clients see it."""
        return wire.Member(self.user, self.name, self.email, self.role.word, self.since)


def me(who: Principal) -> wire.Me:
    """The caller, and the first of his teams; a token of one team sees that team only."""
    beyond_logging(who)
    if who.bound:
        names = [who.team] if who.team else []
    else:
        names = [name for name, _, _ in islice(teams_of(who.sub, limit=SHOWN_TEAMS), SHOWN_TEAMS)]
    return wire.Me(
        user=who.sub,
        name=who.name,
        team=who.team,
        role=None if who.role is None else who.role.word,
        scope=who.scope.value,
        deployment=sorted(each.value for each in who.deployment),
        token=who.token,
        teams=names,
    )


def is_team_name(text: str) -> bool:
    """Whether a text can be a team's name: 1 to 63 lower-case letters, digits and inner hyphens."""
    return _TEAM.fullmatch(text) is not None


def is_user_id(text: str) -> bool:
    """Whether a text can be a user's id."""
    return _USER.fullmatch(text) is not None


def enrol(
    user_id: str,
    *,
    name: str | None = None,
    email: str | None = None,
    primary: str | None = None,
    deployment: Iterable[Deployment] | None = None,
) -> None:
    """Write a user down, or change what is given of one that is known."""
    given: dict[str, Any] = {"name": name, "email": email, "primary": primary}
    if deployment is not None:
        given["deployment"] = " ".join(sorted(each.value for each in deployment))
    given = {field: value for field, value in given.items() if value is not None}

    def alter(user: items.User) -> bool:
        changed = [field for field, value in given.items() if getattr(user, field) != value]
        for field in changed:
            setattr(user, field, given[field])
        return bool(changed)

    pk, sk = items.user(user_id)
    try:
        table.put(items.User(PK=pk, SK=sk, **given), items.User.PK.does_not_exist())
    except table.Lost:
        gone = NotFound(f"No user with id {shown(user_id)} exists.")
        revision.change(items.User, items.user(user_id), alter, gone)


def seat_for(user_id: str, role: Role, since: int, called: str = "") -> Seat:
    """A seat that is not taken yet, with the name and address under which the user is known."""
    user = table.get(items.User, items.user(user_id))
    name, email = (user.name, user.email) if user else ("", "")
    return Seat(user_id, name or called or email, email, role, since)


def seat(grant: Grant, user_id: str) -> Seat:
    """A member's seat.

    Raises:
        NotFound: nobody with that id is a member.
    """
    found = table.get(items.Member, items.member(grant, user_id)) if is_user_id(user_id) else None
    if found is None:
        raise NotFound(f"No member with id {shown(user_id)} is in team '{grant.team}'.", field="user")
    return _seat(found)


def seats(grant: Grant, after: str | None = None, limit: int = 1_000) -> Iterable[Seat]:
    """A team's seats in the order of the users' ids, as many as are asked for."""
    pk, prefix = items.member(grant)
    behind = None if after is None else items.member(grant, after).sk
    rows = table.query(pk, prefix, after=behind, limit=limit)
    return (_seat(items.Member.from_raw_data(row)) for row in rows)


def teams_of(user_id: str, after: str | None = None, limit: int = 1_000) -> Iterable[tuple[str, Role, int]]:
    """A user's teams by name, each with the role and since when (ms), as many as are asked for."""
    pk, prefix = items.membership(user_id)
    behind = None if after is None else items.membership(user_id, after).sk
    for row in table.query(pk, prefix, after=behind, limit=limit):
        found = items.Membership.from_raw_data(row)
        yield found.SK.removeprefix(prefix), Role[found.role.upper()], int(found.since)


def roles_in(user_id: str, teams: Sequence[str]) -> dict[str, Role]:
    """The roles that a user has in those of the teams in which he is a member."""
    found = table.get_many(items.Membership, [items.membership(user_id, team) for team in teams])
    return {each.SK.removeprefix("T#"): Role[each.role.upper()] for each in found}


def primary_of(user_id: str) -> str | None:
    """The team of a user's requests that name none."""
    user = table.get(items.User, items.user(user_id))
    return user.primary if user else None


def usage(grant: Grant) -> wire.Usage:
    """How many members and tokens a team has."""
    pk, prefix = items.member(grant)
    cards = items.card(grant)
    tokens = sum(1 for _ in table.query(cards.pk, cards.sk))
    return wire.Usage(members=sum(1 for _ in table.query(pk, prefix)), tokens=tokens)


def taken(grant: Grant, seat: Seat) -> list[table.Put]:
    """The two writes that give a user a seat, if he has none in the team."""
    return _pair(grant, seat, items.Member.PK.does_not_exist())


def changed(grant: Grant, seat: Seat, role: Role) -> list[table.Put]:
    """The two writes that give a member another role, if the seat is still as it was read."""
    new = Seat(seat.user, seat.name, seat.email, role, seat.since)
    return _pair(grant, new, _unchanged(seat))


def left(grant: Grant, seat: Seat) -> list[table.Delete]:
    """The two writes that take a seat away, if it is still as it was read."""
    return [
        table.Delete(items.member(grant, seat.user), _unchanged(seat)),
        table.Delete(items.membership(seat.user, grant.team)),
    ]


def stays(grant: Grant, seat: Seat) -> table.Check:
    """The demand that a seat is still as it was read, as a part of a transaction."""
    return table.Check(items.member(grant, seat.user), _unchanged(seat))


def still_member(grant: Grant, seat: Seat) -> table.Check:
    """The demand that the member did not leave since the seat was read, whatever his role is now."""
    return table.Check(items.member(grant, seat.user), items.Member.since == seat.since)


def page(rows: Iterable[RowT], limit: int) -> tuple[list[RowT], bool]:
    """The first rows, and whether there are more."""
    found = list(islice(rows, limit + 1))
    return found[:limit], len(found) > limit


def checked_limit(limit: int, most: int) -> int:
    """How many entries a page may have.

    Raises:
        Unacceptable: fewer than one, or more than *most*.
    """
    if not 1 <= limit <= most:
        raise Unacceptable(f"Invalid value {shown(limit)} for 'limit': use 1 to {most}.", field="limit")
    return limit


def _pair(grant: Grant, seat: Seat, condition: Any) -> list[table.Put]:
    pk, sk = items.member(grant, seat.user)
    word = seat.role.word
    member = items.Member(PK=pk, SK=sk, role=word, since=seat.since, email=seat.email, name=seat.name)
    pk, sk = items.membership(seat.user, grant.team)
    return [
        table.Put(member, condition),
        table.Put(items.Membership(PK=pk, SK=sk, role=word, since=seat.since)),
    ]


def _unchanged(seat: Seat) -> Any:
    return (items.Member.role == seat.role.word) & (items.Member.since == seat.since)


def _seat(found: items.Member) -> Seat:
    return Seat(
        found.SK.removeprefix("U#"), found.name, found.email, Role[found.role.upper()], int(found.since)
    )
