"""What is proved of a vault before it is used: its account lets this house in for this team, and no wider.

The proofs run as a platform engineer meets the parts: role, bucket, objects. Each that fails says what is
wrong and what makes it right. An AWS that does not answer proves nothing: then the check is to be repeated.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from functions.artifacts.sessions import Session, Vault, enter
from functions.aws import Refused
from functions.errors import Unavailable
from functions.settings import settings
from runhaven.wire.vaults import StepName, VaultStep

_BODY = b"Runhaven was here to check the vault. This may be deleted."
_WORDS = 300
_DENIED = frozenset({"403", "AccessDenied"})


class _Wrong(Exception):
    """A proof failed: what is wrong, and what makes it right."""


def proved(vault: Vault) -> Iterator[VaultStep]:
    """Try every proof in turn; those that need one that failed are told as untried.

    Raises:
        Unavailable: AWS does not answer, so that nothing is proved.
    """
    failed: set[StepName] = set()
    for step, (needed, proof) in _Trial(vault).proofs().items():
        if needed in failed:
            failed.add(step)
            yield VaultStep(step, None)
            continue
        try:
            proof()
        except _Wrong as wrong:
            failed.add(step)
            yield VaultStep(step, False, str(wrong))
        else:
            yield VaultStep(step, True)


class _Trial:
    """One check of a vault: its sessions, and the probe that it writes, reads and deletes."""

    session: Session
    inspecting: Session

    def __init__(self, vault: Vault) -> None:
        self.vault, self.mark = vault, secrets.token_hex(8)
        self.probe = f"{vault.prefix}probes/{self.mark}"
        self.version: dict[str, str] = {}
        self.below = f"arn:{vault.role_arn.split(':')[1]}:s3:::{vault.bucket}/{vault.prefix}*"

    def proofs(self) -> dict[StepName, tuple[StepName | None, Callable[[], None]]]:
        """Every proof, and the one without which it makes no sense."""
        return {
            "role": (None, self.role),
            "wrong_external_id": ("role", lambda: self.stays_out(f"runhaven-{self.mark}", "a wrong one")),
            "no_external_id": ("role", lambda: self.stays_out(None, "none at all")),
            "bucket": ("role", self.bucket),
            "versioning": ("bucket", self.versioning),
            "write": ("bucket", self.write),
            "read": ("write", self.read),
            "delete": ("write", self.delete),
            "above": ("bucket", self.above),
        }

    def role(self) -> None:
        """The role can be assumed with the ExternalId, for an hour."""
        control = settings().control_role or "this deployment's role"
        with _needing(
            f"The trust policy of {self.vault.role_arn} must allow sts:AssumeRole to {control}, on the "
            "condition that sts:ExternalId is the one of POST /v1/vault/new, for sessions of an hour."
        ):
            self.session = enter(self.vault)
            self.inspecting = enter(self.vault, inspect=True)

    def stays_out(self, external_id: str | None, said: str) -> None:
        """It cannot be assumed with another ExternalId."""
        right = "Its trust policy must have the condition StringEquals sts:ExternalId."
        try:
            enter(self.vault, external_id=external_id)
        except Refused as refused:
            if refused.code not in _DENIED:
                raise _wrong(refused, right) from refused
        else:
            raise _Wrong(f"The role lets in who shows {said} for its ExternalId. {right}")

    def bucket(self) -> None:
        """The bucket is there, in its region, and belongs to the account."""
        name, account, region = self.vault.bucket, self.vault.account, self.vault.region
        with _needing(
            f"'{name}' must be a bucket of account {account} in {region}, and the role must be allowed "
            "s3:ListBucket on it."
        ):
            found = self.inspecting.ask("head_bucket")
        there = found.get("BucketRegion") or region
        if there != region:
            raise _Wrong(f"Bucket '{name}' is in {there}, not in {region}.")

    def versioning(self) -> None:
        """The bucket keeps the versions of an object."""
        with _needing("The role must be allowed s3:GetBucketVersioning on the bucket."):
            found = self.inspecting.ask("get_bucket_versioning")
        if found.get("Status") != "Enabled":
            raise _Wrong("The bucket overwrites: enable its versioning.")

    def write(self) -> None:
        """An object below the prefix can be written."""
        with _needing(self._right("s3:PutObject", "kms:GenerateDataKey")):
            made = self.session.ask("put_object", Key=self.probe, Body=_BODY)
        if "VersionId" in made:
            self.version = {"VersionId": made["VersionId"]}

    def read(self) -> None:
        """What was written can be read and listed."""
        with _needing(self._right("s3:GetObject", "kms:Decrypt")):
            found = self.session.ask("get_object", Key=self.probe)["Body"].read()
        if found != _BODY:
            raise _Wrong("The bucket gave other bytes than were written.")
        with _needing("The role must be allowed s3:ListBucket and s3:ListBucketVersions on the bucket."):
            self.session.ask("list_objects_v2", Prefix=self.probe)
            self.session.ask("list_object_versions", Prefix=self.probe)

    def delete(self) -> None:
        """It can be deleted for good."""
        with _needing(self._right("s3:DeleteObject and s3:DeleteObjectVersion", "")):
            self.session.ask("delete_object", Key=self.probe, **self.version)

    def above(self) -> None:
        """Nothing above the prefix can be written or deleted, neither by a session nor by the role itself.

        What cannot be written there cannot be there to be read.
        """
        for who, narrowed in (("A session", True), ("The role", False)):
            with _needing("The role was let in a moment ago."):
                session = enter(self.vault, narrowed=narrowed)
            for key in (f"probe-{self.mark}", f"{self.vault.prefix[:-1]}-probe/{self.mark}"):
                self._refuses(session, key, f"{who} can write", "put_object", Body=_BODY)
                self._refuses(session, key, f"{who} can delete", "delete_object")

    def _refuses(self, session: Session, key: str, otherwise: str, operation: str, **more: bytes) -> None:
        right = f"The role's policy must name {self.below} alone."
        try:
            made = session.ask(operation, Key=key, **more)
        except Refused as refused:
            if refused.code not in _DENIED:
                raise _wrong(refused, right) from refused
            return
        version = {"VersionId": made["VersionId"]} if "VersionId" in made else {}
        with suppress(Refused):
            session.ask("delete_object", Key=key, **version)
        raise _Wrong(f"{otherwise} {key}. {right}")

    def _right(self, action: str, key_action: str) -> str:
        key = f", and {key_action} on {self.vault.kms_key}" if self.vault.kms_key and key_action else ""
        return f"The role must be allowed {action} on {self.below}{key}."


@contextmanager
def _needing(right: str) -> Iterator[None]:
    """What AWS refuses meanwhile is wrong, and *right* is what makes it right."""
    try:
        yield
    except Refused as refused:
        raise _wrong(refused, right) from refused


def _wrong(refused: Refused, right: str) -> _Wrong | Unavailable:
    if refused.passing:
        return Unavailable("AWS does not answer right now, so nothing is proved.", retry_after=5)
    words = f": {refused.words[:_WORDS].rstrip('.')}" if refused.words else ""
    return _Wrong(f"AWS answers {refused.code}{words}. {right}")
