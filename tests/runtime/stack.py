"""A deployment before the tests: what AWS holds of it, its functions, and the address at which it answers."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import botocore.session
import requests
from botocore.config import Config

from functions import local_table
from tests.infra import written
from tests.runtime.gateway import Gateway
from tests.runtime.internet import Internet
from tests.runtime.sandbox import Function

ROOT = Path(__file__).parents[2]
REGION, PLATFORM, RED = "eu-central-1", "111111111111", "222222222222"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "nobody's"}


@dataclass
class Cloud:
    """AWS's stand-in in a process of its own."""

    port: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @cache  # noqa: B019  (it lives as long as the tests)
    def credentials(self, role: str) -> dict[str, str]:
        """Keys of a session of a role, as the environment has them."""
        given = self._made("sts", {}).assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }

    def client(self, service: str, account: str = PLATFORM) -> Any:
        """An administrator's client in an account."""
        keys = self.credentials(f"arn:aws:iam::{account}:role/deployer")
        return self._made(service, {name.lower(): value for name, value in keys.items()})

    def _made(self, service: str, keys: dict[str, str]) -> Any:
        own = keys or {name.lower(): value for name, value in KEYS.items()}
        config = Config(
            s3={"addressing_style": "path"}, signature_version="s3v4" if service == "s3" else None
        )
        make = botocore.session.get_session().create_client
        return make(service, region_name=REGION, endpoint_url=self.url, config=config, **own)

    def __hash__(self) -> int:
        """It is known by its port."""
        return self.port


@contextmanager
def cloud(log: Path) -> Iterator[Cloud]:
    """AWS's stand-in, empty, until the context ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, ROOT / "tests/infra/stand_in.py", str(port)]
    with (
        log.open("w") as out,
        subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **KEYS}) as moto,
    ):
        try:
            end = time.monotonic() + 60
            while moto.poll() is None and time.monotonic() < end:
                with socket.socket() as there:
                    if there.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield Cloud(port)
        finally:
            moto.kill()


@dataclass
class Stack:
    """A deployment: its cloud, what was rendered for its functions, and who answers there.

    Attributes:
        cloud: where it is.
        environment: of every function.
        roles: the ARN of each function's role.
        limits: each function's seconds and MB.
        filters: gives the patterns of the changes that reach the function of the table's stream.
        folder: for logs and certificates.
        package: the zip that scripts/build makes, unpacked.
    """

    cloud: Cloud
    environment: dict[str, str]
    roles: dict[str, str]
    limits: dict[str, tuple[int, int]]
    filters: Callable[[], list[Any]]
    folder: Path
    package: Path
    functions: dict[str, Function] = field(default_factory=dict)
    gateway: Gateway = None
    internet: Internet = None

    @property
    def url(self) -> str:
        """Where its users reach it."""
        return f"https://{self.environment['RUNHAVEN_HOSTS'].split(',')[0]}"

    def port_of(self, host: str) -> int | None:
        """Who stands for a host: the gateway for the API's own, the cloud for all of AWS, else nobody."""
        if f"https://{host}" == self.url:
            return self.gateway.port
        return self.cloud.port if host.endswith(".amazonaws.com") else None

    def function(self, name: str, **settings: str) -> Function:
        """A function of the deployment, with other settings for a test that asks for them."""
        world = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, **self.internet.world}
        seconds, memory = self.limits[name]
        return Function(
            package=self.package,
            handler=f"functions.handlers.{name}.handler",
            environment={**world, **self.environment, **settings},
            credentials=self.cloud.credentials(self.roles[name]),
            log=self.folder / f"{name}.log",
            seconds=seconds,
            memory=memory,
        )

    def call(self, method: str, path: str, **asked: Any) -> requests.Response:
        """A request as users send it."""
        proxies, authority = {"https": self.internet.url}, str(self.internet.authority.file)
        return requests.request(
            method, self.url + path, proxies=proxies, verify=authority, timeout=60, **asked
        )

    def client_world(self, token: str, home: Path) -> dict[str, str]:
        """The environment of a stock client; those before 3.18 are told to send files straight to S3."""
        trusted = {name: text for name, text in self.internet.world.items() if not name.startswith("AWS_")}
        return {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
            "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": "1",
            "MLFLOW_TRACKING_TOKEN": token,
            "MLFLOW_TRACKING_URI": self.url,
            **trusted,
        }

    def logs(self) -> str:
        """What the functions wrote."""
        return "\n".join(path.read_text("utf-8", "replace")[-2000:] for path in self.folder.glob("*.log"))

    def admin(self) -> str:
        """A token of a deployment admin."""
        secret = f"rh_{secrets.token_urlsafe(32)}"
        later = str(int(time.time() * 1000) + 86_400_000)
        user = {"PK": "USER#ann", "SK": "META", "email": "ann@example.org", "deployment": "admin"}
        token = {"PK": f"KEY#{sha256(secret.encode()).hexdigest()}", "SK": "META", "token_id": "0" * 24}
        token |= {"name": "first", "prefix": secret[:9], "user": "ann", "scope": "all", "created_by": "ann"}
        numbers = {"f": {"N": "1"}, "rv": {"N": "0"}, "created_at": {"N": "1"}, "expires_at": {"N": later}}
        for item in (user, token):
            raw = {name: {"S": value} for name, value in item.items()} | numbers
            self.cloud.client("dynamodb").put_item(TableName="runhaven", Item=raw)
        return secret

    @contextmanager
    def opened(self) -> Iterator["Stack"]:
        """Its functions may be called, and its address answers."""
        with ExitStack() as stack:
            self.internet = stack.enter_context(Internet(self.folder, self.port_of).opened())
            for name in self.roles:
                self.functions[name] = self.function(name)
                stack.callback(self.functions[name].end)
            host = self.url.removeprefix("https://")
            self.gateway = stack.enter_context(Gateway(self.functions["api"].invoke, host).opened())
            yield self


def as_deployed(cloud: Cloud, folder: Path, package: Path, name: str = "runhaven") -> Stack:
    """What Lambda itself says of the functions under their alias, their environment among it."""
    client = cloud.client("lambda")
    said = {
        each: client.get_function_configuration(FunctionName=f"{name}-{each}", Qualifier="live")
        for each in ("api", "stream", "jobs")
    }
    blocks = [each["Environment"]["Variables"] for each in said.values()]
    assert blocks[0] == blocks[1] == blocks[2]
    roles = {each: one["Role"] for each, one in said.items()}
    limits = {each: (one["Timeout"], one["MemorySize"]) for each, one in said.items()}
    return Stack(cloud, blocks[0], roles, limits, lambda: filters(client), folder, package)


def filters(client: Any) -> list[Any]:
    """The patterns of the changes that reach the function of the table's stream, as Lambda has them."""
    (of_table,) = (
        each
        for each in client.list_event_source_mappings()["EventSourceMappings"]
        if ":dynamodb:" in each["EventSourceArn"]
    )
    return [json.loads(each["Pattern"]) for each in of_table["FilterCriteria"]["Filters"]]


def by_hand(cloud: Cloud, folder: Path, package: Path) -> Stack:
    """What the modules make, in so far as the functions meet it."""
    host = f"a1b2c3d4e5.execute-api.{REGION}.amazonaws.com"
    local_table.create(cloud.client("dynamodb"), "runhaven")
    queue = cloud.client("sqs").create_queue(QueueName="runhaven-jobs")["QueueUrl"]
    people = cloud.client("cognito-idp")
    pool = people.create_user_pool(PoolName="runhaven", UsernameAttributes=["email"])["UserPool"]["Id"]
    web = people.create_user_pool_client(UserPoolId=pool, ClientName="web")["UserPoolClient"]["ClientId"]
    issuer = f"https://cognito-idp.{REGION}.amazonaws.com/{pool}"
    block = {
        "TABLE": "runhaven",
        "REGION": REGION,
        "DATA_ROLE": f"arn:aws:iam::{PLATFORM}:role/runhaven-data",
        "CONTROL_ROLE": f"arn:aws:iam::{PLATFORM}:role/runhaven-vaults",
        "ASSUME_CONTROL_ROLE": "true",
        "JOBS_QUEUE": queue.replace(cloud.url, f"https://sqs.{REGION}.amazonaws.com"),
        "USER_POOL": pool,
        "USER_POOL_CLIENTS": web,
        "ISSUER": issuer,
        "JWKS_URL": f"{issuer}/.well-known/jwks.json",
        "HOSTS": host,
        "ORIGINS": f"https://{host}",
        "ALLOWED_CIDRS": "",
        "EDGE_SECRET": "",
        "FIRST_ADMIN": "",
        "FEDERATED": "false",
        "LOG_LEVEL": "INFO",
    }
    roles = {name: f"arn:aws:iam::{PLATFORM}:role/runhaven-{name}" for name in ("api", "stream", "jobs")}
    named = {f"RUNHAVEN_{name}": value for name, value in block.items()}
    return Stack(cloud, named, roles, written.limits(), written.filters, folder, package)


def vault_by_hand(cloud: Cloud, asked: dict[str, str]) -> dict[str, str]:
    """What a team's account makes of `POST /v1/vault/new`, in so far as the check meets it."""
    bucket, name = f"runhaven-{asked['team']}-artifacts", f"runhaven-{asked['team']}"
    s3, iam = cloud.client("s3", RED), cloud.client("iam", RED)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    words = {**asked, "bucket": bucket, "account": RED, "partition": "aws", "region": REGION}
    words |= {"kms_key": f"arn:aws:kms:{REGION}:{RED}:key/1", "dns_suffix": "amazonaws.com"}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=_template("trust", words))
    iam.put_role_policy(RoleName=name, PolicyName="vault", PolicyDocument=_template("role", words))
    role = f"arn:aws:iam::{RED}:role/{name}"
    return {"account": RED, "bucket": bucket, "region": REGION, "role_arn": role}


def _template(name: str, words: dict[str, str]) -> str:
    text = (ROOT / f"infra/modules/team_account/{name}.json").read_text("utf-8")
    for word, value in words.items():
        text = text.replace(f"${{{word}}}", value)
    return json.dumps(json.loads(text))
