"""Access tokens: long-lived credentials for programs."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le, Len

from runhaven.wire.teams import RoleName

LABEL_LENGTH, LONGEST_DAYS, DEFAULT_DAYS = 100, 1_095, 365

#: All that the user may, reading only, or only what a client needs to log its own runs.
ScopeName = Literal["all", "read", "log"]


@dataclass(frozen=True, slots=True)
class NewToken:
    """What creates a token.

    Attributes:
        name: what it is for, to recognise it by.
        user: whose token it is, a member of the team; left out, the caller's.
        scope: what it may do at the most.
        role: as which role it acts at the most, whatever the user's own; left out, the user's.
        expires_in_days: how long it lives.
    """

    name: Annotated[str, Len(1, LABEL_LENGTH)]
    user: str | None = None
    scope: ScopeName = "all"
    role: RoleName | None = None
    expires_in_days: Annotated[int, Ge(1), Le(LONGEST_DAYS)] = DEFAULT_DAYS


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret. Times are milliseconds since 1970 UTC.

    Attributes:
        id: by which it is revoked.
        name: what it is for.
        prefix: the first characters of the secret, to recognise it by.
        user: whose token it is.
        team: the one team in which it works; None works in all of its user's teams.
        scope: what it may do at the most.
        role: as which role it acts at the most; None acts as the user's.
        created_at: when it was created.
        created_by: who created it.
        expires_at: when it ends.
        last_used_at: when it was last used, to the hour; None if never.
    """

    id: str
    name: str
    prefix: str
    user: str
    team: str | None
    scope: ScopeName
    role: RoleName | None
    created_at: int
    created_by: str
    expires_at: int
    last_used_at: int | None = None


@dataclass(frozen=True, slots=True)
class MintedToken:
    """A new token with its secret, which is shown this once and stored nowhere."""

    token: Token
    secret: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """A page of tokens, the newest first; `next` is what to send as `after` for the following page."""

    tokens: list[Token]
    next: str | None = None
