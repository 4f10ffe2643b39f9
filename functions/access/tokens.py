"""Access tokens: `rh_` and 256 random bits, shown once, stored as a hash.

A token belongs to a user and mostly to one team, in which an owner makes and revokes it. It ends with its
user's membership there.
"""

import re
import secrets
from contextlib import suppress

from functions import table
from functions.access import items, members
from functions.access.grants import Grant, beyond_logging, grant
from functions.access.memory import MEMORY
from functions.access.policy import Action, Role, Scope
from functions.access.policy import role as role_meant
from functions.access.policy import scope as scope_meant
from functions.access.principal import Principal
from functions.errors import HouseError, NotAllowed, NotFound, Unacceptable
from functions.ids import now_ms, shown
from functions.limits import int64, text
from runhaven.wire import tokens as wire

PREFIX, SHOWN = "rh_", 9
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
PAGE = 100

_SECRET = re.compile(r"rh_[A-Za-z0-9_-]{43}", re.ASCII)
_ID = re.compile(r"[0-9a-f]{24}", re.ASCII)


def create(
    who: Principal,
    *,
    name: str,
    user: str | None = None,
    scope: str = "all",
    role: str | None = None,
    expires_in_days: int = wire.DEFAULT_DAYS,
) -> wire.MintedToken:
    """A new token of the request's team for one of its members.

    Args:
        who: an owner of the team.
        name: what the token is for, 1 to 100 characters.
        user: whose token it is; None means the caller's own.
        scope: `all`, `read` or `log`.
        role: as which role it acts at the most; None acts as its user's.
        expires_in_days: 1 to 1,095.

    Raises:
        NotFound: the user is no member.
        Unacceptable: a value is out of range.
    """
    g = grant(who, Action.MANAGE)
    cap = None if role is None else role_meant(role)
    made, secret = _minted(who, name, scope_meant(scope), expires_in_days)
    seat = members.seat(g, who.sub if user is None else user)
    made.user, made.team, made.since = seat.user, g.team, seat.since
    made.role = None if cap is None else cap.word
    card = _listed(items.card(g, made.token_id), made, secret)
    new = items.Token.PK.does_not_exist()
    try:
        table.transact(table.Put(made, new), table.Put(card), members.still_member(g, seat))
    except table.Lost:
        raise NotFound(f"No member with id {shown(seat.user)} is in team '{g.team}'.", field="user") from None
    return wire.MintedToken(_on_the_wire(made), secret)


def personal(
    who: Principal, *, name: str, scope: str = "all", expires_in_days: int = wire.DEFAULT_DAYS
) -> wire.MintedToken:
    """A new token of no team, for the caller himself: it works in all of his teams.

    Raises:
        NotAllowed: the caller's own credential is narrowed to a team or a scope.
        Unacceptable: a value is out of range.
    """
    beyond_logging(who)
    if who.bound or who.scope is not Scope.ALL:
        raise NotAllowed("A narrowed token may not create a wider one.")
    made, secret = _minted(who, name, scope_meant(scope), expires_in_days)
    card = _listed(items.own_card(who.sub, made.token_id), made, secret)
    table.transact(table.Put(made, items.Token.PK.does_not_exist()), table.Put(card))
    return wire.MintedToken(_on_the_wire(made), secret)


def listing(who: Principal, *, after: str | None = None, limit: int = PAGE) -> wire.Tokens:
    """The tokens of the request's team, the newest first, without their secrets.

    Raises:
        Unacceptable: *after* is no token's id, or *limit* is not 1 to 100.
    """
    g = grant(who, Action.MANAGE)
    limit = members.checked_limit(limit, PAGE)
    if after is not None and not _ID.fullmatch(after):
        raise Unacceptable(f"Invalid value {shown(after)} for 'after': it is no token's id.", field="after")
    behind = None if after is None else items.card(g, after).sk
    rows = table.query(*items.card(g), after=behind, limit=limit + 1, backwards=True)
    cards, more = members.page((items.TokenCard.from_raw_data(row) for row in rows), limit)
    found = table.get_many(items.Token, [items.token(card.digest) for card in cards])
    ordered = sorted((_on_the_wire(each) for each in found), key=lambda each: each.id, reverse=True)
    return wire.Tokens(ordered, cards[-1].SK.removeprefix("K#") if more else None)


def revoke(who: Principal, token_id: str) -> None:
    """End a token: at once in this process, within a minute everywhere.

    Raises:
        NotFound: the team has no token with that id.
    """
    g = grant(who, Action.MANAGE)
    card = table.get(items.TokenCard, items.card(g, token_id)) if _ID.fullmatch(token_id) else None
    if card is None:
        raise NotFound(f"No token with id {shown(token_id)} is in team '{g.team}'.", field="id")
    table.transact(table.Delete(items.token(card.digest)), table.Delete(items.card(g, token_id)))
    MEMORY.forget()


def end_with_seat(g: Grant, user: str) -> None:
    """Remove the tokens of a member who has left the team. They are already without effect."""
    rows = (items.TokenCard.from_raw_data(row) for row in table.query(*items.card(g)))
    ended = [card for card in rows if card.user == user]
    table.delete_many([items.token(card.digest) for card in ended])
    table.delete_many([items.card(g, card.SK.removeprefix("K#")) for card in ended])
    MEMORY.forget()


def known(secret: str) -> items.Token | None:
    """The token behind a secret, also when it has expired; None if there is none."""
    return table.get(items.Token, items.token(items.digest(secret))) if _SECRET.fullmatch(secret) else None


def used(token: items.Token) -> None:
    """Write down that a token was used, at most once an hour. It is no harm to a request if that fails."""
    now, before = now_ms(), token.last_used_at
    if before is not None and now - before < HOUR_MS:
        return
    seen = items.Token.last_used_at
    unchanged = seen.does_not_exist() if before is None else seen == before
    token.last_used_at = now
    with suppress(table.Lost, HouseError):
        table.put(token, items.Token.PK.exists() & unchanged)


def _minted(who: Principal, name: str, scope: Scope, days: int) -> tuple[items.Token, str]:
    label = text(name, "name", wire.LABEL_LENGTH, shortest=1)
    if int64(days, "expires_in_days", least=1) > wire.LONGEST_DAYS:
        why = f"Invalid value {shown(days)} for 'expires_in_days': use 1 to {wire.LONGEST_DAYS}."
        raise Unacceptable(why, field="expires_in_days")
    now = now_ms()
    secret = PREFIX + secrets.token_urlsafe(32)
    pk, sk = items.token(items.digest(secret))
    made = items.Token(
        PK=pk,
        SK=sk,
        token_id=f"{now:012x}{secrets.randbits(48):012x}",
        name=label,
        prefix=secret[:SHOWN],
        user=who.sub,
        scope=scope.value,
        created_at=now,
        created_by=who.name,
        expires_at=now + days * DAY_MS,
    )
    return made, secret


def _listed(key: table.Key, made: items.Token, secret: str) -> items.TokenCard:
    return items.TokenCard(PK=key.pk, SK=key.sk, digest=items.digest(secret), user=made.user)


def _on_the_wire(token: items.Token) -> wire.Token:
    return wire.Token(
        id=token.token_id,
        name=token.name,
        prefix=token.prefix,
        user=token.user,
        team=token.team,
        scope=Scope(token.scope).value,
        role=None if token.role is None else Role[token.role.upper()].word,
        created_at=int(token.created_at),
        created_by=token.created_by,
        expires_at=int(token.expires_at),
        last_used_at=None if token.last_used_at is None else int(token.last_used_at),
    )
