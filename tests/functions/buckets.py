"""The laptop's buckets, opened with two teams' accounts in them, and requests as they come over the wire."""

import hashlib
import http.client
import json
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import botocore.session
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from moto import mock_aws

from functions import settings
from functions.local_bucket import LocalBuckets
from functions.local_port import Port

REGION = "eu-central-1"
PAGE = "http://127.0.0.1:5000"
MIB = 2**20
PLAIN = Config(
    signature_version="s3v4",
    s3={"addressing_style": "virtual"},
    request_checksum_calculation="when_required",
    retries={"total_max_attempts": 1},
)


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self):
        """S3's word for a refusal."""
        return self.body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()


def send(method, url, body=None, headers=None):
    """One request, its path and query as they are."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    try:
        target = parts.path + ("?" + parts.query if parts.query else "")
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


@cache
def aws():
    """What clients are made with: reading the models takes longer than all tests."""
    return botocore.session.get_session()


@cache
def service(name, keys=None):
    """A client of moto in this process."""
    more = {} if keys is None else {
        "aws_access_key_id": keys.access_key,
        "aws_secret_access_key": keys.secret_key,
        "aws_session_token": keys.token,
    }  # fmt: skip
    return aws().create_client(name, region_name=REGION, config=PLAIN if name == "s3" else None, **more)


def refusal(call, **asked):
    """The code and the status with which a call in this process is refused."""
    try:
        call(**asked)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return None


def sum_of(body):
    """A body's SHA-256, as S3 writes it."""
    return b64encode(hashlib.sha256(body).digest()).decode()


@dataclass
class Team:
    """A team's account, bucket and role; `keys` are a session's, cut to the prefix."""

    name: str
    account: str
    url: str
    keys: Any = None
    vault: str = "vault"

    @property
    def bucket(self):
        """The team's bucket."""
        return f"vault-of-{self.name}"

    @property
    def prefix(self):
        """How the names of its objects begin."""
        return f"runhaven/{self.name}/"

    @property
    def role(self):
        """Its role's ARN."""
        return f"arn:aws:iam::{self.account}:role/{self.vault}"

    @property
    def s3(self):
        """S3 as the house calls it for the team, in its own process."""
        return service("s3", self.keys)

    def furnish(self, buckets):
        """Make bucket and role."""
        arn = f"arn:aws:s3:::{self.bucket}"
        shown = {"StringEquals": {"sts:ExternalId": f"id-of-{self.name}"}}
        below = policy({"Action": "s3:*", "Resource": [arn, f"{arn}/runhaven/*"]})
        trust = policy({"Action": "sts:AssumeRole", "Principal": {"AWS": "*"}, "Condition": shown})
        buckets.furnish(self.account, self.bucket, REGION, role="vault", trust=trust, policy=below)

    def enter(self, external_id="", cut="", seconds=3600):
        """Assume the role, as the house does."""
        asked = {"Policy": cut or self.cut()} | ({"ExternalId": external_id or f"id-of-{self.name}"})
        given = service("sts").assume_role(
            RoleArn=self.role, RoleSessionName="house", DurationSeconds=seconds, **asked
        )["Credentials"]
        return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def cut(self):
        """A session policy: this prefix, in a bucket of this account."""
        arn, owner = f"arn:aws:s3:::{self.bucket}", {"s3:ResourceAccount": self.account}
        below = {"StringEquals": owner, "StringLike": {"s3:prefix": f"{self.prefix}*"}}
        return policy(
            {
                "Action": "s3:*Object*",
                "Resource": f"{arn}/{self.prefix}*",
                "Condition": {"StringEquals": owner},
            },
            {"Action": "s3:*Multipart*", "Resource": f"{arn}/{self.prefix}*"},
            {"Action": "s3:ListBucket*", "Resource": arn, "Condition": below},
        )

    def sign(self, method, key, *, headers=None, expires=900, at=None, keys=None, bucket="", **query):
        """A presigned URL of an object below the prefix, or with a leading '/' of any."""
        place = key[1:] if key.startswith("/") else self.prefix + key
        url = f"{self.url}/{bucket or self.bucket}/{quote(place)}"
        if query:
            url += "?" + urlencode(
                {name.replace("_", "-"): value for name, value in query.items()}, quote_via=quote
            )
        request = AWSRequest(method, url, headers=headers or {})
        auth = S3SigV4QueryAuth(keys or self.keys, "s3", REGION, expires=expires)
        if at is None:
            auth.add_auth(request)
            return request.url
        request.context["timestamp"] = at.strftime("%Y%m%dT%H%M%SZ")
        auth._modify_request_before_signing(request)
        to_sign = auth.string_to_sign(request, auth.canonical_request(request))
        auth._inject_signature_to_request(request, auth.signature(to_sign, request))
        return request.url

    def put(self, key, body, headers=None, **query):
        """Write by a presigned URL."""
        return send("PUT", self.sign("PUT", key, headers=headers, **query), body, headers)

    def get(self, key, headers=None, **query):
        """Read by a presigned URL; the headers are not signed."""
        return send("GET", self.sign("GET", key, **query), None, headers)


@dataclass
class Shop:
    """Open buckets behind their port."""

    buckets: LocalBuckets
    url: str
    red: Team
    blue: Team


def policy(*rules):
    """A policy that allows what the rules say."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **rule} for rule in rules]})


@contextmanager
def shop(directory):
    """Open buckets with teams red and blue, each in its account, and a page's origin that is the house's."""
    with mock_aws(), LocalBuckets(directory) as buckets, Port(buckets) as port:
        hosts = ("127.0.0.1", "localhost")
        settings.use(settings.Settings("runhaven", REGION, hosts=hosts, origins=(PAGE,)))
        port.start()
        teams = Team("red", "111111111111", port.url), Team("blue", "222222222222", port.url)
        for team in teams:
            team.furnish(buckets)
            team.keys = team.enter()
        try:
            yield Shop(buckets, port.url, *teams)
        finally:
            settings._used.clear()
