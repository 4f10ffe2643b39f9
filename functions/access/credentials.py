"""From a request's credential to its Principal: who it is, then in which team; each known for a minute."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import NamedTuple

from functions import table
from functions.access import items, members, signatures, tokens
from functions.access.memory import MEMORY
from functions.access.policy import Deployment, Role, Scope
from functions.access.principal import Principal
from functions.errors import NotFound, Unacceptable, Unauthenticated
from functions.ids import now_ms, shown
from functions.parallel import together
from functions.settings import settings

# Cognito's access tokens have 1 to 3 KB; the most of a user's teams that a message or GET /me lists.
LONGEST, LISTED = 8_192, 20


@dataclass(frozen=True, slots=True)
class Identity:
    """A credential that verified, not yet bound to a team. Times are in ms.

    Attributes:
        digest: SHA-256 of the whole credential.
        sub: the user's id.
        called: what the user is called if he is not written down.
        expires_at: when the credential ends; None for the laptop's user.
        scope: what it may do at the most.
        token: the Runhaven token's id, if it is one.
        team: the team to which that token is bound, if any.
        since: when its user joined that team: the token ends with that membership.
        cap: as which role it acts at the most.
    """

    digest: str
    sub: str
    called: str
    expires_at: int | None
    scope: Scope = Scope.ALL
    token: str | None = None
    team: str | None = None
    since: int | None = None
    cap: Role | None = None


class _Standing(NamedTuple):
    """A user in a team, and beside the teams."""

    name: str
    deployment: frozenset[Deployment]
    team: str | None
    role: Role | None


def identify(authorization: str | None) -> Identity:
    """The user behind an Authorization header.

    Args:
        authorization: the header's value: `Bearer rh_…`, `Bearer <Cognito access token>`, or Basic with a
            Runhaven token as the password. None where there is none.

    Raises:
        Unauthenticated: there is no credential, or it does not verify; why not is not told.
        Unavailable: the pool's keys, or the table, cannot be read.
    """
    if authorization is None:
        return _nobody()
    secret = _secret(authorization)
    digest = items.digest(secret)
    known: Identity | None = MEMORY.recall(("who", digest))
    if known is None:
        mark = MEMORY.mark()
        known = _token(secret, digest) if secret.startswith(tokens.PREFIX) else _signed(secret, digest)
        if known is not None:
            MEMORY.keep(("who", digest), known, mark)
    if known is None or (known.expires_at is not None and known.expires_at <= now_ms()):
        raise _refused()
    return known


def enter(identity: Identity, named: str | None, *, needs_team: bool = True) -> Principal:
    """The caller in the request's team: the named one, else the token's, the only or the primary one.

    Args:
        identity: whose request it is.
        named: the team that the request names, if it names one.
        needs_team: whether the route belongs to a team; if not, there may be none.

    Raises:
        NotFound: the named team does not exist, or is not the caller's, or not his token's.
        Unacceptable: no team is named and the caller has several, or none.
        Unauthenticated: the token's user is no longer a member of its team.
    """
    if named is not None and (identity.team not in {None, named} or not members.is_team_name(named)):
        raise _no_team(named)
    key = ("in", identity.digest, named or "")
    standing: _Standing | None = MEMORY.recall(key)
    if standing is None:
        mark = MEMORY.mark()
        chosen = named or identity.team
        standing = _anywhere(identity, needs_team=needs_team) if chosen is None else _inside(identity, chosen)
        if standing.team is not None:
            MEMORY.keep(key, standing, mark)
    role = standing.role
    return Principal(
        sub=identity.sub,
        name=standing.name,
        team=standing.team,
        role=role if role is None or identity.cap is None else min(role, identity.cap),
        scope=identity.scope,
        deployment=standing.deployment if _is_whole(identity) else frozenset(),
        token=identity.token,
        bound=identity.team is not None,
    )


def _is_whole(identity: Identity) -> bool:
    """Whether the credential carries what its user may do beside the teams."""
    return identity.team is None and identity.cap is None and identity.scope is not Scope.LOG


def _secret(authorization: str) -> str:
    scheme, _, rest = authorization.strip().partition(" ")
    rest = rest.strip()
    if len(authorization) > LONGEST or not rest.isascii():
        raise _refused()
    if scheme.lower() == "bearer":
        return rest
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(rest, validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            raise _refused() from None
        password = pair.partition(":")[2]
        if password.startswith(tokens.PREFIX) and password.isascii():
            return password
    raise _refused()


def _nobody() -> Identity:
    sub = settings().local_user
    if not sub:
        message = "Send a token: 'Authorization: Bearer rh_…', or as the password of basic authentication."
        raise Unauthenticated(message)
    return Identity(digest=f"local {sub}", sub=sub, called=sub, expires_at=None)


def _token(secret: str, digest: str) -> Identity | None:
    found = tokens.known(secret)
    if found is None or found.expires_at <= now_ms():
        return None
    tokens.used(found)
    return Identity(
        digest=digest,
        sub=found.user,
        called=found.user,
        expires_at=int(found.expires_at),
        scope=Scope(found.scope),
        token=found.token_id,
        team=found.team,
        since=None if found.since is None else int(found.since),
        cap=None if found.role is None else Role[found.role.upper()],
    )


def _signed(secret: str, digest: str) -> Identity | None:
    said = signatures.claims(secret)
    return None if said is None else Identity(digest, said.sub, said.username, said.expires_at)


def _inside(identity: Identity, team: str) -> _Standing:
    """The user in one team. Three readings side by side are one round trip."""
    user, seat, card = together(
        partial(table.get, items.User, items.user(identity.sub)),
        partial(table.get, items.Membership, items.membership(identity.sub, team)),
        partial(table.get, table.Item, items.team(team)),
    )
    deployment = _deployment(user)
    if identity.team is not None and (seat is None or int(seat.since) != identity.since):
        raise _refused()
    if seat is None and (card is None or Deployment.READER not in deployment or not _is_whole(identity)):
        raise _no_team(team)
    role = None if seat is None else Role[seat.role.upper()]
    return _Standing(_name(user, identity), deployment, team, role)


def _anywhere(identity: Identity, *, needs_team: bool) -> _Standing:
    """The user in his only team, or in his primary one. A thousand teams are not read for that."""

    def first_teams() -> list[tuple[str, Role, int]]:
        return list(islice(members.teams_of(identity.sub, limit=LISTED + 1), LISTED + 1))

    user, found = together(partial(table.get, items.User, items.user(identity.sub)), first_teams)
    roles = {team: role for team, role, _ in found}
    name, deployment = _name(user, identity), _deployment(user)
    if len(roles) == 1:
        return _Standing(name, deployment, *roles.popitem())
    primary = user.primary if user else None
    if primary and primary not in roles and len(roles) > LISTED:
        roles |= members.roles_in(identity.sub, [primary])
    if primary and primary in roles:
        return _Standing(name, deployment, primary, roles[primary])
    if needs_team:
        raise _which(list(roles))
    return _Standing(name, deployment, None, None)


def _deployment(user: items.User | None) -> frozenset[Deployment]:
    return frozenset(Deployment(word) for word in user.deployment.split()) if user else frozenset()


def _name(user: items.User | None, identity: Identity) -> str:
    return (user.email or user.name) if user and (user.email or user.name) else identity.called


def _refused() -> Unauthenticated:
    return Unauthenticated("This credential is not valid, or no longer.")


def _no_team(named: str) -> NotFound:
    return NotFound(f"No team {shown(named)} exists.", field="team")


def _which(teams: Iterable[str]) -> Unacceptable:
    names = sorted(teams)
    how = "by the path prefix /t/<team>/ or the header X-MLFLOW-WORKSPACE."
    if not names:
        return Unacceptable(f"You are in no team yet. Name one {how}", field="team")
    listed = ", ".join(names[:LISTED]) + (", …" if len(names) > LISTED else "")
    return Unacceptable(f"You are in several teams ({listed}). Name one {how}", field="team")
