"""Who the house is in a team's vault: temporary credentials of the team's role, cut to the vault's prefix.

A session is known by the vault's every field, the team's full id among them. There is no other role and no
other bucket to fall back on.
"""

from __future__ import annotations

import hmac
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from functions import aws, roles
from functions.aws import OWN_FAULT, Refused
from functions.errors import HouseError, Unacceptable, Unavailable
from functions.roles import DOWN_SECONDS, Kept
from functions.settings import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_VAULTS = 512

_OBJECTS = [
    "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion",
    "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
]  # fmt: skip
# What a presigned URL may be for.
_URLS = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]


@dataclass(frozen=True)
class Vault:
    """Where a team's artifacts lie, and how they are reached.

    Attributes:
        team: the team's full id.
        account: 12 digits; bucket, role and key are this AWS account's.
        bucket: its name.
        region: where the bucket is.
        role_arn: the role that the house assumes.
        external_id: what the house shows when it does; minted by the house.
        prefix: what every key begins with; ends with '/'.
        kms_key: the key's ARN, or None where S3's own keys encrypt.
    """

    team: str
    account: str
    bucket: str
    region: str
    role_arn: str
    external_id: str
    prefix: str
    kms_key: str | None = None


def dns_suffix(region: str) -> str:
    """What the names of AWS's servers in a region end with."""
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def session_policy(
    vault: Vault, *, inspect: bool = False, aws: bool = True, only_from: Sequence[str] = ()
) -> str:
    """What a session may do at the most, whatever the role may: this prefix of this bucket of this account.

    Args:
        vault: the vault.
        inspect: for the check of a vault only: also ask the bucket whose it is and whether it keeps versions.
        aws: whether AWS judges; other servers have no accounts and refuse conditions that name them.
        only_from: the networks from which it may be used, and then only for what URLs are signed for: the
            house itself calls from elsewhere. S3's own calls to KMS come from no address.
    """
    bucket = f"arn:{vault.role_arn.split(':')[1]}:s3:::{vault.bucket}"
    owner: dict[str, Any] = {"StringEquals": {"s3:ResourceAccount": vault.account}} if aws else {}
    below = {"StringLike": {"s3:prefix": f"{vault.prefix}*"}}
    there = {"IpAddress": {"aws:SourceIp": list(only_from)}} if only_from else {}
    said: list[tuple[list[str], str, dict[str, Any]]] = [
        (_URLS if only_from else _OBJECTS, f"{bucket}/{vault.prefix}*", {**owner, **there})
    ]
    if not only_from:
        said.append((["s3:ListBucket", "s3:ListBucketVersions"], bucket, {**owner, **below}))
    if aws and vault.kms_key is not None:
        by_s3 = {"kms:ViaService": f"s3.{vault.region}.{dns_suffix(vault.region)}"}
        said.append((["kms:GenerateDataKey", "kms:Decrypt"], vault.kms_key, {"StringEquals": by_s3}))
    if inspect:
        said.append((["s3:ListBucket", "s3:GetBucketVersioning"], bucket, owner))
    rules = [
        {"Effect": "Allow", "Action": do, "Resource": to, **({"Condition": when} if when else {})}
        for do, to, when in said
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": rules}, separators=(",", ":"))


class Session:
    """Temporary credentials of a vault's role, what signing with them needs again and again, and a client."""

    def __init__(self, vault: Vault, given: dict[str, Any]) -> None:
        self.vault, self.ends = vault, given["Expiration"].timestamp()
        self.access_key, self._secret = given["AccessKeyId"], given["SecretAccessKey"]
        self._token = given["SessionToken"]
        self.quoted_token = quote(self._token, safe="")
        self._keys: dict[str, bytes] = {}
        self._client: Any = None

    def key_of(self, day: str, region: str) -> bytes:
        """The key that signs for S3 on a day: AWS Signature Version 4, deriving a signing key."""
        if day not in self._keys:
            key = b"AWS4" + self._secret.encode()
            for word in (day, region, "s3", "aws4_request"):
                key = hmac.digest(key, word.encode(), "sha256")
            self._keys[day] = key
        return self._keys[day]

    def left(self) -> float:
        """Seconds until the session ends."""
        return float(self.ends - time.time())

    def ask(self, operation: str, **asked: Any) -> Any:
        """Call S3 for the vault's bucket, which must be the vault's account's.

        Raises:
            Refused: S3 said no, or did not answer.
        """
        expected = {"Bucket": self.vault.bucket, "ExpectedBucketOwner": self.vault.account}
        return aws.asked(self.client(), operation, {**expected, **asked})

    def client(self) -> Any:
        """The S3 client of this session, made at the first call."""
        if self._client is None:
            url = settings().s3_url
            keys = {
                "aws_access_key_id": self.access_key,
                "aws_secret_access_key": self._secret,
                "aws_session_token": self._token,
            }
            self._client = aws.client(
                "s3",
                self.vault.region,
                url,
                keys,
                signature_version="s3v4",
                s3={"addressing_style": "path" if url else "virtual"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                connect_timeout=2,
                read_timeout=10,
                max_pool_connections=16,
                retries={"mode": "standard", "total_max_attempts": 3},
            )
        return self._client


def forget(vault: Vault | None = None) -> None:
    """Drop what is known of a vault; without one all sessions and clients (other settings, a fork)."""
    for kept in (_working, _signing):
        kept.forget(vault)
    if vault is None:
        roles.forget()
        aws.forget()


def ended(held: Session) -> None:
    """Take a session out of use that AWS has ended early, unless it was replaced meanwhile.

    What ended one ended the one for URLs too, which nobody calls with here.
    """
    _working.ended(held.vault, held)
    _signing.forget(held.vault)


def session(vault: Vault) -> Session:
    """The session in which the house itself works in a vault, with at least a minute left.

    Raises:
        Unacceptable: the team's role does not let the house in.
        Unavailable: STS does not answer.
    """
    return _working.get(vault)


def signer(vault: Vault) -> Session:
    """The session whose URLs others get: bound to where they may call from, if not everybody may.

    Raises as `session` does.
    """
    return (_signing if settings().allowed_cidrs else _working).get(vault)


def enter(
    vault: Vault,
    *,
    external_id: str | None = "",
    narrowed: bool = True,
    inspect: bool = False,
    only_from: Sequence[str] = (),
) -> Session:
    """A new session in the vault, past everything that is known of it. Only its check says more than *vault*.

    Args:
        vault: whose role is assumed.
        external_id: what is shown instead of the vault's own; None shows nothing.
        narrowed: whether `session_policy` cuts the session; otherwise it may what the role may.
        inspect: whether that policy is the check's.
        only_from: from which networks it may be used; none means from all.

    Raises:
        Refused: STS said no, or did not answer.
        Unavailable: the house may not take on the role as which it enters vaults.
    """
    asked: dict[str, Any] = {}
    if external_id is not None:
        asked["ExternalId"] = external_id or vault.external_id
    if narrowed:
        on_aws = not settings().sts_url
        asked["Policy"] = session_policy(vault, inspect=inspect, aws=on_aws, only_from=only_from)
    name, control = f"runhaven-{vault.team}", roles.control()
    try:
        given = roles.assumed(vault.role_arn, name, by=control, **asked)
    except Refused as refused:
        if refused.passing or (another := roles.control_again(control)) is None:
            raise
        given = roles.assumed(vault.role_arn, name, by=another, **asked)
    return Session(vault, given)


def _of_sts(vault: Vault, refused: Refused) -> HouseError:
    if refused.passing or refused.code in OWN_FAULT:
        return Unavailable("The vaults cannot be entered right now.", retry_after=DOWN_SECONDS)
    return closed(vault, f"STS answers {refused.code} for its role")


def closed(vault: Vault, why: str) -> Unacceptable:
    """The error of a vault that does not let the house in."""
    cure = "An owner of the team learns what to do from POST /v1/vault/check."
    return Unacceptable(f"The vault of team '{vault.team}' does not let the house in: {why}. {cure}")


_working: Kept[Vault, Session] = Kept(enter, _of_sts, _MOST_VAULTS)
_signing: Kept[Vault, Session] = Kept(
    lambda vault: enter(vault, only_from=settings().allowed_cidrs), _of_sts, _MOST_VAULTS
)
