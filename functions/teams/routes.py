"""The native API of teams and their members. A team in the path is the team of the request."""

from typing import Annotated

from fastapi import APIRouter, Depends

from functions.access.caller import READS, Who
from functions.access.principal import Principal
from functions.errors import NotFound
from functions.ids import shown
from functions.teams import service
from runhaven.wire.teams import Invitation, Member, Members, NewTeam, RoleChange, Team, TeamChange, Teams


async def _of_team(who: Who, team: str) -> Principal:
    if who.team != team:
        raise NotFound(f"No team {shown(team)} exists.", field="team")
    return who


OfTeam = Annotated[Principal, Depends(_of_team)]


def router(founding: service.Founding) -> APIRouter:
    """The routes; *founding* is what a new team holds from the start."""
    routes = APIRouter(tags=["teams"])

    @routes.get("/teams")
    async def list_teams(who: Who, after: str | None = None, limit: int = service.PAGE) -> Teams:
        """Your teams; a deployment admin sees all teams, and how much they hold."""
        return service.listing(who, after=after, limit=limit, usage=True)

    @routes.post("/teams", status_code=201)
    async def create_team(who: Who, new: NewTeam) -> Team:
        """Create a team and become its owner. Takes a deployment admin."""
        return service.create(who, new.name, founding, description=new.description)

    routes.routes += inside.routes
    return routes


inside = APIRouter(prefix="/teams/{team}", tags=["teams"])


@inside.get("")
async def get_team(who: OfTeam) -> Team:
    """One team."""
    return service.get(who)


@inside.patch("", openapi_extra=READS)
async def change_team(who: OfTeam, change: TeamChange) -> Team:
    """Change the team's description (an owner), or make it your primary team."""
    return service.update(who, description=change.description, primary=change.primary)


@inside.get("/members")
async def list_members(who: OfTeam, after: str | None = None, limit: int = service.PAGE) -> Members:
    """Who is in the team."""
    return service.list_members(who, after=after, limit=limit)


@inside.post("/members", status_code=201)
async def invite_member(who: OfTeam, invitation: Invitation) -> Member:
    """Make the user with an e-mail address a member; who has no account is invited. Takes an owner."""
    return service.invite(who, invitation.email, invitation.role)


@inside.patch("/members/{user}")
async def change_role(who: OfTeam, user: str, change: RoleChange) -> Member:
    """Give a member another role; a team keeps at least one owner. Takes an owner."""
    return service.change_role(who, user, change.role)


@inside.delete("/members/{user}", status_code=204)
async def remove_member(who: OfTeam, user: str) -> None:
    """Take a member out of the team; his tokens there end with it. Takes an owner."""
    service.remove(who, user)
