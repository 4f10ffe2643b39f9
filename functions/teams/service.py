"""What can be done with teams and their members. Every verb asks for a grant first."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from functions import revision, table, tenancy
from functions.access import directory, members, tokens
from functions.access.grants import Grant, beyond_logging, for_card, for_new_team, grant
from functions.access.members import Seat
from functions.access.memory import MEMORY
from functions.access.policy import Action, Deployment, Role, Scope
from functions.access.policy import role as role_meant
from functions.access.principal import Principal
from functions.errors import Aborted, AlreadyExists, NotAllowed, NotFound, Unacceptable
from functions.ids import now_ms, shown
from functions.limits import text
from functions.parallel import together
from functions.settings import settings
from functions.teams import items
from runhaven.wire import teams as wire

#: What a new team holds from the start: writes that go into the team's own transaction.
Founding = Callable[[Grant, int], Sequence[table.Put]]

AnswerT = TypeVar("AnswerT")

PAGE = 100
_TRIES = 8


def create(who: Principal, name: str, founding: Founding, *, description: str = "") -> wire.Team:
    """A new team with the caller as its owner, and with what every team holds, in one transaction.

    Args:
        who: a deployment admin.
        name: 1 to 63 lower-case letters, digits and inner hyphens.
        founding: what the team holds from the start.
        description: up to 2,000 characters.

    Raises:
        NotAllowed: the caller is no deployment admin.
        Unacceptable: the name or the description cannot be taken.
        AlreadyExists: there is a team of that name.
    """
    g = for_new_team(who, name)
    if not members.is_team_name(name):
        why = "use 1 to 63 lower-case letters and digits, with hyphens inside."
        raise Unacceptable(f"Invalid value {shown(name)} for 'name': {why}", field="name")
    now, (pk, sk) = now_ms(), items.team(g)
    about = text(description, "description", wire.DESCRIPTION_LENGTH)
    made = items.TeamItem(PK=pk, SK=sk, description=about, created_at=now, created_by=who.name)
    pk, sk = items.entry(g)
    seat = members.seat_for(who.sub, Role.OWNER, now, who.name)
    writes = [table.Put(items.Entry(PK=pk, SK=sk)), *members.taken(g, seat), *founding(g, now)]
    with tenancy.inside(name):
        try:
            table.transact(table.Put(made, items.TeamItem.PK.does_not_exist()), *writes)
        except (table.Lost, Aborted) as lost:
            if table.get(items.TeamItem, items.team(g)) is None:
                raise Aborted(f"Team {shown(name)} is being created; try again.", retry_after=1) from lost
            raise AlreadyExists(f"Team {shown(name)} already exists.", field="name") from lost
    MEMORY.forget()
    return _on_the_wire(name, made, Role.OWNER)


def get(who: Principal) -> wire.Team:
    """The team of the request.

    Raises:
        NotFound: it does not exist.
    """
    g = grant(who, Action.READ)
    found = table.get(items.TeamItem, items.team(g))
    if found is None:
        raise NotFound(f"No team {shown(g.team)} exists.", field="team")
    return _on_the_wire(g.team, found, who.role, primary=members.primary_of(who.sub) == g.team)


def listing(
    who: Principal, *, after: str | None = None, limit: int = PAGE, usage: bool = False
) -> wire.Teams:
    """The caller's teams by name; a deployment admin's list has all teams.

    Args:
        who: the caller; a token of one team sees that team only.
        after: the name behind which the page begins.
        limit: 1 to 100.
        usage: whether an admin's list says how much each team holds.

    Raises:
        Unacceptable: *after* is no team's name, or *limit* is out of range.
    """
    beyond_logging(who)
    limit = members.checked_limit(limit, PAGE)
    if after is not None and not members.is_team_name(after):
        raise Unacceptable(f"Invalid value {shown(after)} for 'after': it is no team's name.", field="after")
    admin = Deployment.ADMIN in who.deployment
    if who.bound:
        names, more = [who.team] if who.team is not None and (after or "") < who.team else [], False
    elif admin:
        behind = None if after is None else items.entry(for_card(after)).sk
        rows = table.query(items.ALL, after=behind, limit=limit + 1)
        names, more = members.page((row["SK"]["S"].removeprefix("T#") for row in rows), limit)
    else:
        mine = members.teams_of(who.sub, after, limit + 1)
        names, more = members.page((name for name, _, _ in mine), limit)
    return wire.Teams(_cards(who, names, usage=usage and admin), names[-1] if more else None)


def update(who: Principal, *, description: str | None = None, primary: bool | None = None) -> wire.Team:
    """Change the team of the request: its description (an owner), or whether it is the caller's primary one.

    Raises:
        NotFound: it does not exist.
        Unacceptable: the description is too long.
        NotAllowed: the credential is narrowed, so it cannot change what is the user's own.
    """
    g = grant(who, Action.MANAGE if description is not None or primary is None else Action.READ)
    if primary is not None and (who.role is None or who.bound or who.scope is not Scope.ALL):
        raise NotAllowed("Only a member with a credential of his own chooses his primary team.")
    if description is not None:
        about = text(description, "description", wire.DESCRIPTION_LENGTH)

        def alter(team: items.TeamItem) -> bool:
            changed, team.description = team.description != about, about
            return changed

        gone = NotFound(f"No team {shown(g.team)} exists.", field="team")
        revision.change(items.TeamItem, items.team(g), alter, gone)
    if primary is not None and primary != (members.primary_of(who.sub) == g.team):
        members.enrol(who.sub, primary=g.team if primary else "")
        MEMORY.forget()
    return get(who)


def list_members(who: Principal, *, after: str | None = None, limit: int = PAGE) -> wire.Members:
    """Who is in the team of the request, in the order of the users' ids.

    Raises:
        Unacceptable: *after* is no user's id, or *limit* is not 1 to 100.
    """
    g = grant(who, Action.READ)
    limit = members.checked_limit(limit, PAGE)
    if after is not None and not members.is_user_id(after):
        raise Unacceptable(f"Invalid value {shown(after)} for 'after': it is no user's id.", field="after")
    seats, more = members.page(members.seats(g, after, limit + 1), limit)
    return wire.Members([seat.on_the_wire() for seat in seats], seats[-1].user if more else None)


def invite(who: Principal, email: str, role: str = "contributor") -> wire.Member:
    """Make the user with an e-mail address a member; who has no account is invited to make one.

    Who was invited before and has not come gets another mail, also as a member.

    Raises:
        Unacceptable: it is no e-mail address, no role, or this deployment has no user pool.
        AlreadyExists: that user is a member.
    """
    g = grant(who, Action.MANAGE)
    wanted, plain = role_meant(role), directory.address(email)
    return _admit(g, directory.invited(plain), wanted)


def admit(who: Principal, user: str, role: str) -> wire.Member:
    """Make a user a member whose id is known.

    Raises:
        Unacceptable: it can be no user's id, or it is no role.
        AlreadyExists: that user is a member.
    """
    g = grant(who, Action.MANAGE)
    if not members.is_user_id(user):
        raise Unacceptable(f"Invalid value {shown(user)} for 'user': it is no user's id.", field="user")
    return _admit(g, user, role_meant(role))


def change_role(who: Principal, user: str, role: str) -> wire.Member:
    """Give a member another role.

    Raises:
        NotFound: that user is no member.
        Unacceptable: it is no role, or the team would be without an owner.
        Aborted: others keep changing the same member.
    """
    g = grant(who, Action.MANAGE)
    wanted = role_meant(role)
    seat = _replace(g, user, lambda seat: [] if seat.role is wanted else members.changed(g, seat, wanted))
    return Seat(seat.user, seat.name, seat.email, wanted, seat.since).on_the_wire()


def remove(who: Principal, user: str) -> None:
    """Take a member out of the team; his tokens there end with it.

    Raises:
        NotFound: that user is no member.
        Unacceptable: the team would be without an owner.
        Aborted: others keep changing the same member.
    """
    g = grant(who, Action.MANAGE)
    _replace(g, user, lambda seat: members.left(g, seat))
    tokens.end_with_seat(g, user)


def _admit(g: Grant, user: str, role: Role) -> wire.Member:
    seat = members.seat_for(user, role, now_ms())
    try:
        table.transact(*members.taken(g, seat))
    except table.Lost:
        raise AlreadyExists(f"{shown(seat.email or user)} is a member of team '{g.team}' already.") from None
    MEMORY.forget()
    return seat.on_the_wire()


def _replace(
    g: Grant, user: str, writes: Callable[[Seat], Sequence[table.Put] | Sequence[table.Delete]]
) -> Seat:
    """Write to a member's seat; to an owner's only together with the proof that another one stays."""
    for attempt in range(_TRIES):
        seat = members.seat(g, user)
        wanted = writes(seat)
        if not wanted:
            return seat
        proof = [members.stays(g, _other_owner(g, user))] if seat.role is Role.OWNER else []
        try:
            table.transact(*wanted, *proof)
        except table.Lost:
            table.retry_after_lost(attempt)
        else:
            MEMORY.forget()
            return seat
    raise Aborted("The team's members are being changed by others; try again.", retry_after=1)


def _other_owner(g: Grant, user: str) -> Seat:
    for seat in members.seats(g):
        if seat.role is Role.OWNER and seat.user != user:
            return seat
    raise Unacceptable("A team keeps at least one owner: make somebody else owner first.", field="user")


def _cards(who: Principal, names: Sequence[str], *, usage: bool) -> list[wire.Team]:
    grants = [for_card(name) for name in names]
    found, roles, primary = together(
        lambda: _teams(grants),
        lambda: members.roles_in(who.sub, names),
        lambda: members.primary_of(who.sub),
    )
    held = together(*(partial(_within, g, members.usage) for g in grants)) if usage and grants else []
    uses = dict(zip(names, held, strict=False))
    by_name = {team.PK.removeprefix("T#"): team for team in found}
    return [
        _on_the_wire(name, by_name[name], roles.get(name), primary=name == primary, usage=uses.get(name))
        for name in names
        if name in by_name
    ]


def _teams(grants: Sequence[Grant]) -> list[items.TeamItem]:
    """Several teams' own items: one reading for all, or one for each where each takes a role of its own."""
    if not settings().data_role:
        return table.get_many(items.TeamItem, [items.team(g) for g in grants])
    found = together(*(partial(_within, g, _team) for g in grants)) if grants else []
    return [team for team in found if team is not None]


def _team(g: Grant) -> items.TeamItem | None:
    return table.get(items.TeamItem, items.team(g))


def _within(g: Grant, look: Callable[[Grant], AnswerT]) -> AnswerT:
    with tenancy.inside(g.team):
        return look(g)


def _on_the_wire(
    name: str,
    team: items.TeamItem,
    role: Role | None,
    *,
    primary: bool = False,
    usage: wire.Usage | None = None,
) -> wire.Team:
    word = None if role is None else role.word
    return wire.Team(name, team.description, int(team.created_at), team.created_by, word, primary, usage)
