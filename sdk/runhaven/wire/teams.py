"""Teams, their members, and the caller."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Len

NAME_LENGTH, DESCRIPTION_LENGTH, EMAIL_LENGTH = 63, 2_000, 254

#: Lower-case letters, digits and inner hyphens: a team's name stands in paths and headers.
TeamName = Annotated[str, Len(1, NAME_LENGTH)]
Description = Annotated[str, Len(0, DESCRIPTION_LENGTH)]
#: What a member may do: read; log and edit; delete and register; manage members, tokens and the team.
RoleName = Literal["viewer", "contributor", "maintainer", "owner"]


@dataclass(frozen=True, slots=True)
class Usage:
    """How much a team holds."""

    members: Annotated[int, Ge(0)]
    tokens: Annotated[int, Ge(0)]


@dataclass(frozen=True, slots=True)
class Team:
    """A team as the caller sees it. Times are milliseconds since 1970 UTC.

    Attributes:
        name: unique in the deployment; never changes.
        description: what the team is for.
        created_at: when it was created.
        created_by: who created it.
        role: what the caller is in it; None for who is no member.
        primary: whether it is the team of the caller's requests that name none.
        usage: how much it holds; only in a deployment admin's list.
    """

    name: str
    description: str
    created_at: int
    created_by: str
    role: RoleName | None = None
    primary: bool = False
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Teams:
    """A page of teams; `next` is what to send as `after` for the following page."""

    teams: list[Team]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class NewTeam:
    """What creates a team."""

    name: TeamName
    description: Description = ""


@dataclass(frozen=True, slots=True)
class TeamChange:
    """What changes a team; what is left out stays.

    Attributes:
        description: for everybody; takes an owner.
        primary: for the caller alone: whether his requests that name no team are for this one.
    """

    description: Description | None = None
    primary: bool | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a team.

    Attributes:
        user: the user's lasting id.
        name: what the user is called.
        email: the address by which the user was invited; empty where there was none.
        role: what the user is in the team.
        since: milliseconds since 1970 UTC when the user joined.
    """

    user: str
    name: str
    email: str
    role: RoleName
    since: int


@dataclass(frozen=True, slots=True)
class Members:
    """A page of members; `next` is what to send as `after` for the following page."""

    members: list[Member]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """What makes a user a member, known by an e-mail address."""

    email: Annotated[str, Len(3, EMAIL_LENGTH)]
    role: RoleName = "contributor"


@dataclass(frozen=True, slots=True)
class RoleChange:
    """What gives a member another role."""

    role: RoleName


@dataclass(frozen=True, slots=True)
class Me:
    """The caller as the house sees him in this request.

    Attributes:
        user: the caller's lasting id.
        name: what is stamped on what the caller makes.
        team: the team that the request is for, if it is for one.
        role: the role in that team.
        scope: what the credential may do at the most.
        deployment: what the caller may do beside the teams: `admin`, `reader`.
        token: the id of the token that was shown, if it was one.
        teams: the names of the first teams that the caller is in.
    """

    user: str
    name: str
    team: str | None
    role: RoleName | None
    scope: Literal["all", "read", "log"]
    deployment: list[Literal["admin", "reader"]] = field(default_factory=list)
    token: str | None = None
    teams: list[str] = field(default_factory=list)
