"""The native API of the caller and his team's tokens."""

from fastapi import APIRouter

from functions.access import admins, members, tokens
from functions.access.caller import READS, Who
from runhaven.wire.teams import Me
from runhaven.wire.tokens import MintedToken, NewToken, Tokens

router = APIRouter(tags=["access"])


@router.get("/me")
async def me(who: Who) -> Me:
    """Who you are to the house, and which teams you are in."""
    return members.me(who)


@router.post("/admins/first", status_code=204, openapi_extra=READS)
async def become_first_admin(who: Who) -> None:
    """Become the deployment's first admin, once, as the account with the address that its settings name."""
    admins.become_first(who)


@router.get("/tokens")
async def list_tokens(who: Who, after: str | None = None, limit: int = tokens.PAGE) -> Tokens:
    """The team's tokens, the newest first, without their secrets. Takes an owner."""
    return tokens.listing(who, after=after, limit=limit)


@router.post("/tokens", status_code=201)
async def create_token(who: Who, new: NewToken) -> MintedToken:
    """Create a token of the team for one of its members; its secret is shown this once. Takes an owner."""
    return tokens.create(
        who,
        name=new.name,
        user=new.user,
        scope=new.scope,
        role=new.role,
        expires_in_days=new.expires_in_days,
    )


@router.delete("/tokens/{token}", status_code=204)
async def revoke_token(who: Who, token: str) -> None:
    """End a token, everywhere within a minute. Takes an owner."""
    tokens.revoke(who, token)
