"""Who the house is in a team's vault: temporary credentials of the team's role, cut to the vault's prefix.

A session is known by the vault's every field, the team's full id among them. There is no other role and no
other bucket to fall back on.
"""

from __future__ import annotations

import hmac
import json
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from functions.errors import HouseError, Unacceptable, Unavailable
from functions.settings import settings

# Role chaining ends a session after an hour (AWS STS, AssumeRole).
SESSION_SECONDS, REFRESH_SECONDS = 3600, 20 * 60
# A session with less left than this signs nothing more.
LAST_SECONDS = 60
# How long a refusal is remembered, so that a broken vault asks STS no more than it must.
REFUSED_SECONDS, DOWN_SECONDS = 10, 2
_MOST_VAULTS = 512

_OBJECTS = [
    "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion",
    "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
]  # fmt: skip
# What STS says when the house's own credentials or clock are at fault, not the team's role.
_OWN_FAULT = frozenset({
    "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidClientTokenId",
    "RequestTimeTooSkewed", "SignatureDoesNotMatch", "UnrecognizedClientException",
})  # fmt: skip
_SLOWER = frozenset({
    "RequestLimitExceeded", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests",
    "TooManyRequestsException", "KMS.ThrottlingException",
})  # fmt: skip
_FAILED = frozenset({"InternalError", "InternalFailure", "RequestTimeout", "ServiceUnavailable"})


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


class Refused(Exception):
    """What AWS answered instead: its code, HTTP status (0 without an answer) and words."""

    def __init__(self, code: str, status: int, words: str) -> None:
        super().__init__(code)
        self.code, self.status, self.words = code, status, words

    @property
    def passing(self) -> bool:
        """Whether the same call may succeed later without anybody doing anything."""
        return not self.status or self.status >= 500 or self.slower or self.code in _FAILED

    @property
    def slower(self) -> bool:
        """Whether there were too many calls."""
        return self.code in _SLOWER


def dns_suffix(region: str) -> str:
    """What the names of AWS's servers in a region end with."""
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def session_policy(vault: Vault, *, inspect: bool = False, aws: bool = True) -> str:
    """What a session may do at the most, whatever the role may: this prefix of this bucket of this account.

    Args:
        vault: the vault.
        inspect: for the check of a vault only: also ask the bucket whose it is and whether it keeps versions.
        aws: whether AWS judges; other servers have no accounts and refuse conditions that name them.
    """
    bucket = f"arn:{vault.role_arn.split(':')[1]}:s3:::{vault.bucket}"
    owner = {"StringEquals": {"s3:ResourceAccount": vault.account}} if aws else {}
    below = {"StringLike": {"s3:prefix": f"{vault.prefix}*"}}
    said: list[tuple[list[str], str, dict[str, Any]]] = [
        (_OBJECTS, f"{bucket}/{vault.prefix}*", owner),
        (["s3:ListBucket", "s3:ListBucketVersions"], bucket, {**owner, **below}),
    ]
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
        if self._client is None:
            keys = {
                "aws_access_key_id": self.access_key,
                "aws_secret_access_key": self._secret,
                "aws_session_token": self._token,
            }
            self._client = _made("s3", self.vault.region, **keys)
        expected = {"Bucket": self.vault.bucket, "ExpectedBucketOwner": self.vault.account}
        return _asked(self._client, operation, {**expected, **asked})


@dataclass
class _Slot:
    """What this process knows of one vault."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    session: Session | None = None
    failure: HouseError | None = None
    until: float = 0


_slots: OrderedDict[Vault, _Slot] = OrderedDict()
_clients: dict[tuple[str, str], Any] = {}
_aws: list[Any] = []
_guard, _making = threading.Lock(), threading.Lock()


def forget(vault: Vault | None = None) -> None:
    """Drop what is known of a vault; without one all sessions and clients (other settings, a fork)."""
    with _guard:
        if vault is not None:
            _slots.pop(vault, None)
            return
        _slots.clear()
        _clients.clear()
        _aws.clear()


def ended(held: Session) -> None:
    """Take a session out of use that AWS has ended early, unless it was replaced meanwhile."""
    with _guard:
        slot = _slots.get(held.vault)
        if slot is not None and slot.session is held:
            slot.session = None


def session(vault: Vault) -> Session:
    """A session in the vault with at least a minute left, mostly one that is known already.

    It is renewed when less than 20 minutes remain. While STS does not answer, a known one goes on to its end;
    a refusal ends it at once, since the team has withdrawn its trust.

    Raises:
        Unacceptable: the team's role does not let the house in.
        Unavailable: STS does not answer.
    """
    with _guard:
        slot = _slots.setdefault(vault, _Slot())
        _slots.move_to_end(vault)
        while len(_slots) > _MOST_VAULTS:
            _slots.popitem(last=False)
    known = slot.session
    if known is not None and known.left() > REFRESH_SECONDS:
        return known
    usable = known is not None and known.left() > LAST_SECONDS
    if not slot.lock.acquire(blocking=not usable) and known is not None:
        return known  # somebody is renewing it
    try:
        return _renewed(vault, slot)
    finally:
        slot.lock.release()


def _renewed(vault: Vault, slot: _Slot) -> Session:
    known, now = slot.session, time.time()
    if known is not None and known.left() > REFRESH_SECONDS:
        return known
    if slot.failure is None or now >= slot.until:
        try:
            slot.session = enter(vault)
        except Refused as refused:
            slot.failure = _of_sts(vault, refused)
            down = isinstance(slot.failure, Unavailable)
            slot.until = now + (DOWN_SECONDS if down else REFUSED_SECONDS)
        else:
            slot.failure = None
            return slot.session
    if not isinstance(slot.failure, Unavailable):
        slot.session = None
    elif known is not None and known.left() > LAST_SECONDS:
        return known
    raise type(slot.failure)(slot.failure.message, retry_after=slot.failure.retry_after)


def enter(
    vault: Vault, *, external_id: str | None = "", narrowed: bool = True, inspect: bool = False
) -> Session:
    """A new session in the vault, past everything that is known of it. Only its check says more than *vault*.

    Args:
        vault: whose role is assumed.
        external_id: what is shown instead of the vault's own; None shows nothing.
        narrowed: whether `session_policy` cuts the session; otherwise it may what the role may.
        inspect: whether that policy is the check's.

    Raises:
        Refused: STS said no, or did not answer.
    """
    here = (settings().region, settings().sts_url)
    if here not in _clients:
        _clients[here] = _made("sts", settings().region)
    asked: dict[str, Any] = {
        "RoleArn": vault.role_arn,
        "RoleSessionName": f"runhaven-{vault.team}"[:64],
        "DurationSeconds": SESSION_SECONDS,
    }
    if external_id is not None:
        asked["ExternalId"] = external_id or vault.external_id
    if narrowed:
        asked["Policy"] = session_policy(vault, inspect=inspect, aws=not settings().sts_url)
    return Session(vault, _asked(_clients[here], "assume_role", asked)["Credentials"])


def _made(service: str, region: str, **keys: str) -> Any:
    """A client. Making one is not safe among threads, and the first of a service reads its whole model."""
    import botocore.config
    import botocore.session

    chosen = settings()
    url, own = _address(chosen.s3_url if service == "s3" else chosen.sts_url)
    config = botocore.config.Config(
        signature_version="s3v4" if service == "s3" else None,
        s3={"addressing_style": "path" if chosen.s3_url else "virtual"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=2,
        read_timeout=10 if service == "s3" else 5,
        max_pool_connections=16,
        retries={"mode": "standard", "total_max_attempts": 3 if service == "s3" else 2},
    )
    with _making:
        if not _aws:
            _aws.append(botocore.session.get_session())
        make = _aws[0].create_client
        return make(service, region_name=region, endpoint_url=url or None, config=config, **(keys or own))


def _address(url: str) -> tuple[str, dict[str, str]]:
    """A server's address, and the house's own keys there, where they stand in it as `key:secret@`."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, {}
    key, secret = unquote(parts.username), unquote(parts.password or "")
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return plain, {"aws_access_key_id": key, "aws_secret_access_key": secret}


def _asked(client: Any, operation: str, asked: dict[str, Any]) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return getattr(client, operation)(**asked)
    except ClientError as error:
        said: Any = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise Refused(str(said.get("Code", "")), status, str(said.get("Message", ""))) from error
    except BotoCoreError as error:
        raise Refused(type(error).__name__, 0, "") from error


def _of_sts(vault: Vault, refused: Refused) -> HouseError:
    if refused.passing or refused.code in _OWN_FAULT:
        return Unavailable("The vaults cannot be entered right now.", retry_after=DOWN_SECONDS)
    return closed(vault, f"STS answers {refused.code} for its role")


def closed(vault: Vault, why: str) -> Unacceptable:
    """The error of a vault that does not let the house in."""
    cure = "An owner of the team learns what to do from POST /v1/vault/check."
    return Unacceptable(f"The vault of team '{vault.team}' does not let the house in: {why}. {cure}")
