"""Who is asking: the verified caller, already bound to the team that the request names."""

from dataclasses import dataclass, field

from functions.access.policy import Deployment, Role, Scope


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller in one request.

    Attributes:
        sub: the user's lasting id.
        name: what is stamped on what the caller makes (`created_by`): an e-mail address or a service's name.
        team: the team of the request; None on routes that belong to no team.
        role: the role in that team; None for a deployment reader who is no member.
        scope: what the credential may do at the most.
        deployment: what the caller may do beside the teams.
        token: id of the Runhaven token that was shown, if it was one.
        bound: whether that token belongs to one team: nothing beyond that team exists for it.
    """

    sub: str
    name: str
    team: str | None
    role: Role | None
    scope: Scope = Scope.ALL
    deployment: frozenset[Deployment] = field(default_factory=frozenset)
    token: str | None = None
    bound: bool = False
