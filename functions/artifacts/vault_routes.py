"""A team's vault over native HTTP, in the order in which a platform engineer meets it. It takes an owner."""

from fastapi import APIRouter

from functions.access.caller import Who
from functions.artifacts import registering
from runhaven.wire.vaults import VaultPlace, VaultReport, VaultState, VaultVariables

router = APIRouter(prefix="/vault", tags=["vault"])


@router.get("")
async def get_vault(who: Who) -> VaultState:
    """How far the team's vault is, and whether it can be entered right now."""
    return registering.state(who)


@router.post("/new")
async def new_vault(who: Who) -> VaultVariables:
    """Make the team's ExternalId, once; the answer is what the module of the team's account takes."""
    return registering.new(who)


@router.post("/check")
async def check_vault(who: Who, place: VaultPlace) -> VaultReport:
    """Prove that the vault is what it must be, and use it from now on if every step holds."""
    return registering.check(who, place)
