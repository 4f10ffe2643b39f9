"""Two teams' vaults on an S3 server, as the house sees them, and a plain HTTP client as everybody else."""

import secrets
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import botocore.session
import pytest

from functions import settings
from functions.artifacts import sessions
from functions.artifacts.vaults import Vault
from tests import engines

REGION = "us-east-1"


@dataclass
class Town:
    """The vaults of two teams, and a keeper who may do anything with the server."""

    red: Vault
    blue: Vault
    keeper: Any


@dataclass
class Reply:
    """What a server answered to a plain client."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self):
        """The code in S3's error, "" where there is none."""
        text = self.body.decode("utf-8", "replace")
        return text.split("<Code>")[1].split("</Code>")[0] if "<Code>" in text else ""


def vault(team, account="1" * 12, **more):
    """A vault in a bucket that no other test has."""
    name = f"{team}-{secrets.token_hex(6)}"
    role = f"arn:aws:iam::{account}:role/{name}"
    return Vault(team, account, name, REGION, role, f"runhaven-{name}", f"runhaven/{team}/", **more)


@contextmanager
def on_minio(url):
    """Vaults of red and blue, each in a versioned bucket of its own, and settings that lead there."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {**engines.MINIO_USER, "AWS_EC2_METADATA_DISABLED": "true"}.items():
            environment.setenv(name, value)
        settings.use(settings.Settings("runhaven", REGION, s3_url=url, sts_url=url))
        sessions.forget()
        keeper = botocore.session.get_session().create_client("s3", region_name=REGION, endpoint_url=url)
        town = Town(vault("red", "1" * 12), vault("blue", "2" * 12), keeper)
        for each in (town.red, town.blue):
            keeper.create_bucket(Bucket=each.bucket)
            keeper.put_bucket_versioning(Bucket=each.bucket, VersioningConfiguration={"Status": "Enabled"})
        yield town
        sessions.forget()
        settings._used.clear()


@contextmanager
def on_moto():
    """The same two vaults in two accounts of an AWS in this process, which enforces little."""
    from moto import mock_aws

    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"):
            environment.setenv(name, "true")
        settings.use(settings.Settings("runhaven", REGION))
        sessions.forget()
        town = Town(vault("red", "1" * 12), vault("blue", "2" * 12), None)
        for each in (town.red, town.blue):
            client = own_client(each)
            client.create_bucket(Bucket=each.bucket)
            client.put_bucket_versioning(Bucket=each.bucket, VersioningConfiguration={"Status": "Enabled"})
        yield town
        sessions.forget()
        settings._used.clear()


def own_client(vault):
    """A client of the vault's account, for what the house itself never does."""
    return sessions.enter(vault, narrowed=False).client()


def sent(method, signed, body=None, *, headers=None, url=None):
    """Send what was signed, as a client does that knows nothing but the URL and its headers."""
    given = signed.headers if headers is None else headers
    request = urllib.request.Request(url or signed.url, body, given, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return Reply(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, dict(error.headers), error.read())


def soon(seconds=20):
    """A deadline."""
    return time.monotonic() + seconds
