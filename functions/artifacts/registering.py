"""How a team gets its vault: an ExternalId is made, the team's account is set up with it, then it is proved.

Only an owner does that. A vault is in use from its check on. It may be checked again, for another role or
key; but what was logged stays where it is, so the bucket never changes.
"""

import re
import secrets

from pynamodb.expressions.condition import Condition

from functions import revision, table
from functions.access.grants import Grant, grant
from functions.access.memory import MEMORY
from functions.access.policy import Action
from functions.access.principal import Principal
from functions.artifacts import items, owners, proofs, sessions
from functions.artifacts.items import Claim, VaultItem
from functions.artifacts.sessions import Vault
from functions.errors import AlreadyExists, HouseError, NotBuilt, Unacceptable
from functions.ids import now_ms
from functions.limits import refused
from functions.settings import settings
from runhaven.wire import vaults as wire

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
# A name with dots does not match the certificate of S3's servers.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", re.ASCII)
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]{2,12}){1,3}-\d", re.ASCII)
_ROLE = re.compile(r"arn:aws(?:-[a-z]+)*:iam::(\d{12}):role/[\w+=,.@/-]{1,512}", re.ASCII)
_KEY = re.compile(r"arn:aws(?:-[a-z]+)*:kms:([a-z0-9-]+):(\d{12}):key/[\w-]{1,100}", re.ASCII)


def new(who: Principal) -> wire.VaultVariables:
    """Make the team's ExternalId, once, and tell what the module of the team's account needs to know.

    Args:
        who: an owner.

    Raises:
        NotBuilt: this deployment does not say as which role it enters vaults.
    """
    g = grant(who, Action.MANAGE)
    control = _ROLE.fullmatch(settings().control_role)
    if control is None:
        raise NotBuilt("This deployment enters no vaults: its operator has to set RUNHAVEN_CONTROL_ROLE.")
    fresh = _begun(g, who.name, f"runhaven-{secrets.token_hex(16)}", f"runhaven/{g.team}/")
    item = fresh if revision.create(fresh) else table.get(VaultItem, items.vault(g)) or fresh
    return wire.VaultVariables(g.team, control[0], control[1], item.external_id, item.prefix)


def check(who: Principal, place: wire.VaultPlace) -> wire.VaultReport:
    """Prove that a vault is what it must be, and use it from now on if it is.

    Args:
        who: an owner.
        place: what the module of the team's account has made.

    Raises:
        Unacceptable: a value cannot be right, no ExternalId was made yet, or the team's vault is elsewhere.
        Unavailable: AWS does not answer.
    """
    g = grant(who, Action.MANAGE)
    _plausible(place)
    item = table.get(VaultItem, items.vault(g))
    if item is None:
        raise _not_begun()
    _stays(item, place.account, place.bucket, place.region)
    vault = Vault(
        g.team, place.account, place.bucket, place.region, place.role_arn,
        item.external_id, item.prefix, place.kms_key,
    )  # fmt: skip
    steps = list(proofs.proved(vault))
    if not all(step.ok for step in steps):
        return wire.VaultReport(False, [*steps, wire.VaultStep("one_team", None)])
    try:
        _activate(g, vault, who.name)
    except AlreadyExists as taken:
        return wire.VaultReport(False, [*steps, wire.VaultStep("one_team", False, taken.message)])
    return wire.VaultReport(True, [*steps, wire.VaultStep("one_team", True)])


def state(who: Principal) -> wire.VaultState:
    """How far the team's vault is, and whether it can be entered right now. Takes an owner."""
    g = grant(who, Action.MANAGE)
    item = table.get(VaultItem, items.vault(g))
    if item is None:
        return wire.VaultState("none")
    if item.active_at is None:
        return wire.VaultState("new", item.external_id, item.prefix)
    trouble = None
    try:
        sessions.session(owners.vault_of(g))
    except HouseError as error:
        trouble = error.message
    place = wire.VaultPlace(item.account, item.bucket, item.region, item.role_arn, item.kms_key)
    since = int(item.active_at)
    return wire.VaultState("active", item.external_id, item.prefix, place, since, item.active_by, trouble)


def adopt(grant: Grant, vault: Vault) -> None:
    """Use a vault without proofs: the laptop's house makes its teams' vaults itself, and moto proves nothing.

    Raises:
        AlreadyExists: its bucket or its role serves another team.
    """
    revision.create(_begun(grant, "", vault.external_id, vault.prefix))
    _activate(grant, vault, "")


def _begun(grant: Grant, by: str, external_id: str, prefix: str) -> VaultItem:
    pk, sk = items.vault(grant)
    return VaultItem(PK=pk, SK=sk, external_id=external_id, prefix=prefix, created_at=now_ms(), created_by=by)


def _activate(grant: Grant, vault: Vault, by: str) -> None:
    """Put the vault and the claims of its bucket and its role into the table, all or nothing."""
    before = ""

    def alter(item: VaultItem) -> bool:
        nonlocal before
        _stays(item, vault.account, vault.bucket, vault.region)
        before, known = item.role_arn, (item.role_arn, item.external_id, item.prefix, item.kms_key)
        if item.active_at and known == (vault.role_arn, vault.external_id, vault.prefix, vault.kms_key):
            return False
        item.account, item.bucket, item.region = vault.account, vault.bucket, vault.region
        item.role_arn, item.kms_key = vault.role_arn, vault.kms_key
        item.external_id, item.prefix = vault.external_id, vault.prefix
        item.active_at, item.active_by = item.active_at or now_ms(), by
        return True

    def write(item: VaultItem, unchanged: Condition) -> None:
        mine = Claim.PK.does_not_exist() | (Claim.team == grant.team)
        claims = [items.bucket_claim(grant, vault.bucket), items.role_claim(grant, vault.role_arn)]
        writes = [table.Put(Claim(key.pk, key.sk, team=grant.team), mine) for key in claims]
        left = [before] if before not in {"", vault.role_arn} else []
        gone = [table.Delete(items.role_claim(grant, arn), Claim.team == grant.team) for arn in left]
        try:
            table.transact(table.Put(item, unchanged), *writes, *gone)
        except table.Lost as lost:
            if lost.items[0] is None:
                what, field = ("bucket", "bucket") if lost.items[1] is not None else ("role", "role_arn")
                why = f"The {what} serves another team already: give each team a {what} of its own."
                raise AlreadyExists(why, field=field) from lost
            raise

    revision.change(VaultItem, items.vault(grant), alter, _not_begun(), write=write)
    sessions.forget(vault)
    MEMORY.forget()


def _not_begun() -> Unacceptable:
    return Unacceptable("The team has no ExternalId yet: begin with POST /v1/vault/new.")


def _stays(item: VaultItem, account: str, bucket: str, region: str) -> None:
    if item.active_at and (item.account, item.bucket, item.region) != (account, bucket, region):
        where = f"bucket '{item.bucket}' of account {item.account} in {item.region}"
        raise Unacceptable(f"The team's artifacts lie in {where}; a vault does not move.", field="bucket")


def _plausible(place: wire.VaultPlace) -> None:
    """Refuse what no account, bucket, role or key can be called, and what belongs to another account."""
    if not _ACCOUNT.fullmatch(place.account):
        raise refused(place.account, "account", "an AWS account has 12 digits.")
    if not _BUCKET.fullmatch(place.bucket):
        why = (
            "use 3 to 63 lower-case letters, digits and inner hyphens; a bucket with dots has no certificate."
        )
        raise refused(place.bucket, "bucket", why)
    if not _REGION.fullmatch(place.region):
        raise refused(place.region, "region", "it is no AWS region, such as eu-central-1.")
    role = _ROLE.fullmatch(place.role_arn)
    if role is None or role[1] != place.account:
        why = f"use the ARN of a role of account {place.account}: arn:aws:iam::{place.account}:role/..."
        raise refused(place.role_arn, "role_arn", why)
    key = None if place.kms_key is None else _KEY.fullmatch(place.kms_key)
    if place.kms_key is not None and (key is None or key.groups() != (place.region, place.account)):
        why = f"use the ARN of a key: arn:aws:kms:{place.region}:{place.account}:key/..."
        raise refused(place.kms_key, "kms_key", why)
