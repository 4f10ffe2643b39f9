"""The only maker of Grant. A storage key is built from one, so another team's data cannot even be spelled."""

from dataclasses import dataclass

from functions.access.policy import Action, Scope, Verdict, decide, may_found, may_write
from functions.access.principal import Principal
from functions.errors import NotAllowed, Unacceptable


@dataclass(frozen=True, slots=True)
class Grant:
    """The right to do one action in one team. Made by this module only."""

    team: str
    action: Action


def grant(who: Principal, action: Action) -> Grant:
    """The right of *who* to do *action* in the team of the request.

    Raises:
        Unacceptable: the request names no team and the caller has several, or none.
        NotAllowed: the role or the token's scope is too small.
    """
    if who.team is None:
        message = "Name a team: by the path prefix /t/<team>/ or the header X-MLFLOW-WORKSPACE."
        raise Unacceptable(message, field="team")
    _hold(decide(who, action))
    return Grant(who.team, action)


def own(who: Principal, made_by_token: str | None) -> None:
    """Demand that a `log` token touches only runs that it created itself.

    Raises:
        NotAllowed: the run was created with another credential.
    """
    if who.scope is Scope.LOG and who.token != made_by_token:
        message = "A token of scope 'log' may only touch runs that it created."
        raise NotAllowed(message)


def for_new_team(who: Principal, team: str) -> Grant:
    """The right to write the first items of a team that does not exist yet.

    Raises:
        NotAllowed: the caller is no deployment admin, or the token's scope is narrowed.
    """
    _hold(may_found(who))
    return Grant(team, Action.MANAGE)


def for_job(team: str) -> Grant:
    """The right of the house's own jobs (folding, compaction) in the team of the item they work on."""
    return Grant(team, Action.LOG)


def for_card(team: str) -> Grant:
    """The right to see that a team exists and what stands on its card.

    The door needs it before the caller's role is known, and a list of teams for each team that was found in
    the caller's own memberships or in an admin's overview.
    """
    return Grant(team, Action.READ)


def beyond_logging(who: Principal) -> None:
    """Demand a credential that is not for logging only, such as for the caller's own account and teams.

    Raises:
        NotAllowed: the token is of scope `log`.
    """
    if who.scope is Scope.LOG:
        raise NotAllowed("A token of scope 'log' may do nothing but log to runs that it creates.")


def to_write(who: Principal, *, beside_teams: bool) -> None:
    """Demand that *who* may change anything at all, as every route that writes does before its body is read.

    Args:
        who: the caller.
        beside_teams: the route belongs to no team, so that it creates one.

    Raises:
        NotAllowed: the role or the token's scope is too small.
    """
    _hold(may_found(who) if beside_teams else may_write(who))


def _hold(verdict: Verdict) -> None:
    if not verdict.allowed:
        raise NotAllowed(verdict.reason)
