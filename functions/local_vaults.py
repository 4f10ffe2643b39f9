"""The laptop's vaults: every team has one by itself, in an AWS account of its own on moto, or on `--s3 URL`.

A vault is made when somebody first looks for it, so that it does not matter how a team came about. From then
on the table says where the team's artifacts lie: the objects of this folder and those of an S3 server are
never taken for each other, and a house that was opened for the other kind says so.
"""

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from functions import aws, durable
from functions.access.grants import Grant
from functions.artifacts import registering, service, vaults
from functions.artifacts.service import Vault
from functions.errors import Unacceptable, Unavailable
from functions.local_bucket import LocalBuckets
from functions.local_folder import CannotOpen
from functions.local_port import Port
from functions.settings import aws_keys

CONTROL_ROLE = "arn:aws:iam::123456789012:role/runhaven"
_NOBODY = "0" * 12  # the account of buckets on servers that know no accounts
_OBJECTS = "GetObject GetObjectVersion PutObject DeleteObject DeleteObjectVersion AbortMultipartUpload"
_BUCKET = "ListBucket ListBucketVersions GetBucketVersioning"


class Ground(Protocol):
    """Where vaults stand."""

    #: What the settings must say, so that the house finds them.
    settings: dict[str, str]

    def account(self, team: str) -> str:
        """The account whose bucket a team's is."""

    def furnish(self, vault: Vault, *, new: bool) -> None:
        """See that a vault's bucket and role are there, or make them."""

    def start(self) -> None:
        """Begin to serve the objects, now that the settings are known."""


class OnMoto:
    """In this process: objects below a folder, a port that serves them, and an account for every team."""

    def __init__(self, buckets: LocalBuckets, port: Port) -> None:
        self._buckets, self._port = buckets, port
        self.settings = {"s3_public_url": port.url}

    def account(self, team: str) -> str:
        """12 digits that follow from the team's name."""
        return str(10**11 + int(sha256(team.encode()).hexdigest(), 16) % (9 * 10**11))

    def furnish(self, vault: Vault, *, new: bool) -> None:  # noqa: ARG002  (moto knows no role after a restart)
        """Set the account up as the module of a team's account does."""
        arn = f"arn:aws:s3:::{vault.bucket}"
        trust = {"Principal": {"AWS": CONTROL_ROLE}, "Action": "sts:AssumeRole"}
        shown = {"Condition": {"StringEquals": {"sts:ExternalId": vault.external_id}}}
        below = {
            "Action": _actions(f"{_OBJECTS} ListMultipartUploadParts"),
            "Resource": f"{arn}/{vault.prefix}*",
        }
        self._buckets.furnish(
            vault.account,
            vault.bucket,
            vault.region,
            role=vault.role_arn.rpartition("/")[2],
            trust=_policy(trust | shown),
            policy=_policy(below, {"Action": _actions(_BUCKET), "Resource": arn}),
        )

    def start(self) -> None:
        """Open the port."""
        self._port.start()


class OnServer:
    """On an S3 server with STS that is not AWS: a bucket for every team, made with the server's own keys.

    Args:
        url: its address, as `http://key:secret@host:port` (`address`).
        region: where the buckets are said to be.

    Raises:
        CannotOpen: nobody there takes these keys.
    """

    def __init__(self, url: str, region: str) -> None:
        parts = urlsplit(url)
        plain = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
        self.settings = {"s3_url": plain, "sts_url": url}
        self._client = aws.client(
            "s3",
            region,
            url.rstrip("/"),
            {},
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=2,
            read_timeout=10,
            retries={"total_max_attempts": 2},
        )
        try:
            self._client.list_buckets()
        except (ClientError, BotoCoreError) as error:
            raise CannotOpen(f"no S3 server at {plain} takes these keys ({error})") from error

    def account(self, team: str) -> str:  # noqa: ARG002
        """Nobody's: such a server knows no accounts."""
        return _NOBODY

    def furnish(self, vault: Vault, *, new: bool) -> None:
        """Make the bucket of a new vault. One that was there and is gone stays gone: it would be empty."""
        if not new:
            return
        kept = {"Status": "Enabled"}
        try:
            with suppress(self._client.exceptions.BucketAlreadyOwnedByYou):
                self._client.create_bucket(Bucket=vault.bucket)
            self._client.put_bucket_versioning(Bucket=vault.bucket, VersioningConfiguration=kept)
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("The S3 server made no bucket for the team.", retry_after=5) from error

    def start(self) -> None:
        """It serves already."""


class LocalVaults:
    """Gives every team its vault, once."""

    def __init__(self, ground: Ground, region: str) -> None:
        self._ground, self._region = ground, region
        self._known: set[Vault] = set()
        self._lock = threading.Lock()

    def give(self, grant: Grant, found: Vault | None) -> Vault:
        """The team's vault, ready to be entered.

        Args:
            grant: the right to look for it.
            found: what the table says.

        Raises:
            Unacceptable: its objects lie elsewhere.
            Unavailable: the S3 server does not answer.
        """
        with self._lock:
            mine = [vault for vault in self._known if vault.team == grant.team]
            vault = found or next(iter(mine), None) or self._new(grant.team)
            if (vault.account == _NOBODY) != (self._ground.account(grant.team) == _NOBODY):
                there = "in this house's folder: open it without --s3"
                if vault.account == _NOBODY:
                    there = "on an S3 server: open the house with --s3"
                raise Unacceptable(f"The artifacts of team '{grant.team}' lie {there}.")
            if vault not in self._known:
                self._ground.furnish(vault, new=found is None)
                if found is None:
                    registering.adopt(grant, vault)
                    durable.settle()
                self._known.add(vault)
            return vault

    def _new(self, team: str) -> Vault:
        account, name = self._ground.account(team), f"runhaven-{team[:44]}-{secrets.token_hex(4)}"
        return Vault(
            team,
            account,
            name,
            self._region,
            f"arn:aws:iam::{account}:role/{name}",
            f"runhaven-{secrets.token_hex(16)}",
            f"runhaven/{team}/",
        )


def address(url: str) -> str:
    """The address of an S3 server with its keys: those in it, else the environment's, which no list shows.

    Raises:
        CannotOpen: it is no such address, or neither has keys.
    """
    parts = urlsplit(url)
    if parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc:
        keys = ":".join(quote(one, safe="") for one in aws_keys())
        parts = parts._replace(netloc=f"{keys}@{parts.netloc}")
    if parts.scheme not in {"http", "https"} or not parts.username or not parts.password:
        form = "must be like http://host:port, or http://key:secret@host:port"
        where = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say its keys, or the address does"
        raise CannotOpen(f"the address of an S3 server {form}; {where}.")
    return parts.geturl()


@contextmanager
def opened(server: str, data: Path, region: str) -> Iterator[Ground]:
    """Vaults for all teams until the context ends.

    Args:
        server: address of an S3 server with its keys; "" keeps the objects below *data*.
        data: the house's folder.
        region: where the buckets are said to be.

    Raises:
        CannotOpen: the server does not answer.
    """
    vaults.forget()
    if server:
        with _giving(OnServer(server, region), region) as ground:
            yield ground
        return
    with (
        LocalBuckets(data / "objects") as buckets,
        Port(buckets) as port,
        _giving(OnMoto(buckets, port), region) as ground,
    ):
        yield ground


@contextmanager
def _giving(ground: Ground, region: str) -> Iterator[Ground]:
    give = LocalVaults(ground, region).give
    service.givers.append(give)
    try:
        yield ground
    finally:
        service.givers.remove(give)
        vaults.forget()


def _actions(names: str) -> list[str]:
    return [f"s3:{name}" for name in names.split()]


def _policy(*rules: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **rule} for rule in rules]})
