"""Inside which team the house works at this moment, and as whom it therefore touches that team's data.

The team is bound once, where a request's caller or a job's item has told it, never by the key that is asked
for. With the setting `data_role` that is more than order: team data is read and written as that role with the
team for its session tag, so that a key of another team, which only a bug can spell, is refused by IAM.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from functions import roles
from functions.roles import Actor, Kept
from functions.settings import settings

# What the partitions of teams begin with. The others are global: credentials, users, claims.
OF_TEAMS = "T#"
# A tag becomes part of a pattern in a policy: nothing in it may be one.
_TAG = re.compile(r"[a-z0-9-]{1,63}", re.ASCII)
_MOST_TEAMS = 512


@contextmanager
def inside(team: str | None) -> Iterator[None]:
    """Work in this team until the context ends; None is in none."""
    mark = _team.set(team)
    try:
        yield
    finally:
        _team.reset(mark)


def actor(partitions: Iterable[str]) -> Actor | None:
    """As whom a call to the table is made that touches these partitions; None is the function itself.

    Raises:
        RuntimeError: team data is asked for outside of any team, which is a bug.
        Unavailable: the role cannot be assumed right now.
    """
    if not settings().data_role or not any(each.startswith(OF_TEAMS) for each in partitions):
        return None
    team = _team.get()
    if team is None or not _TAG.fullmatch(team):
        message = "team data was asked for outside of any team"
        raise RuntimeError(message)
    return _actors.get((settings().data_role, team))


def ended(held: Actor) -> None:
    """Take credentials out of use that AWS has ended early."""
    _actors.ended((settings().data_role, _team.get() or ""), held)


def forget() -> None:
    """Drop all sessions (other settings, a fork)."""
    _actors.forget()


def _entered(key: tuple[str, str]) -> Actor:
    role, team = key
    return Actor(roles.assumed(role, f"runhaven-{team}", Tags=[{"Key": "team", "Value": team}]))


_team: ContextVar[str | None] = ContextVar("team", default=None)
_actors: Kept[tuple[str, str], Actor] = Kept(
    _entered, lambda key, refused: roles.own_fault("The table", key[0], refused), _MOST_TEAMS
)
