import contextlib
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from tests import engines
from tests.infra import tofu
from tests.infra.tofu import Tofu

REGION = "eu-central-1"
PLATFORM, RED = "111111111111", "222222222222"
ANYBODY = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
VAULT = {
    "team": "red",
    "control_role": f"arn:aws:iam::{PLATFORM}:role/runhaven-vaults",
    "control_account": PLATFORM,
    "external_id": f"runhaven-{'0' * 32}",
    "prefix": "runhaven/red/",
}


def provider_beside(alias: str = "") -> str:
    """The text for an override file that adds to a provider what only a stand-in needs."""
    named = f'  alias = "{alias}"\n' if alias else ""
    return f'provider "aws" {{\n{named}{tofu.LOCAL}}}\n'


UNPROTECTED = """
module "control_plane" {
  deletion_protection = false
}
"""
SPARK, EMERGENCY = (f"arn:aws:iam::{RED}:role/{name}" for name in ("spark", "emergency"))
# Whom the team itself lets at its objects.
LET_IN = f"""
module "red" {{
  reader_role_arns      = ["{SPARK}"]
  break_glass_role_arns = ["{EMERGENCY}"]
}}
"""


@dataclass
class Amazon:
    """AWS's stand-in: an address at which all services of all accounts answer."""

    url: str

    def client(self, service: str, role: str, *, region: str = REGION) -> Any:
        """A client that calls as a role, given by its ARN."""
        return self._client(service, region, **self.credentials(role))

    def credentials(self, role: str) -> dict[str, str]:
        """The keys of a session of a role, as AWS itself gives them to Lambda, or to an administrator."""
        given = self._client("sts", REGION, **ADMIN).assume_role(RoleArn=role, RoleSessionName="by-aws")
        names = {"aws_access_key_id": "AccessKeyId", "aws_secret_access_key": "SecretAccessKey"}
        names["aws_session_token"] = "SessionToken"
        return {name: given["Credentials"][word] for name, word in names.items()}

    def administered(self, account: str) -> None:
        """Make the role `deployer` of an account, as which OpenTofu works there."""
        iam = self.client("iam", f"arn:aws:iam::{account}:role/founder")
        trust = {"Version": "2012-10-17", "Statement": [ANYBODY]}
        may = {"Version": "2012-10-17", "Statement": [ANYTHING]}
        iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(RoleName="deployer", PolicyName="all", PolicyDocument=json.dumps(may))

    def _client(self, service: str, region: str, **keys: str) -> Any:
        make = botocore.session.get_session().create_client
        config = botocore.config.Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
        return make(service, region_name=region, endpoint_url=self.url, config=config, **keys)


ADMIN = {"aws_access_key_id": "AKIAIOSFODNN7ADMINIS", "aws_secret_access_key": "administrator"}


@dataclass
class Deployed:
    """What `tofu apply` of the example with two accounts has made.

    Attributes:
        amazon: where it is.
        tofu: the example's folder; `apply` again after `write`.
        outputs: of the example.
        made: every resource's values by address, as `tofu show -json` tells them.
    """

    amazon: Amazon
    tofu: Tofu
    outputs: dict[str, Any] = field(default_factory=dict)
    made: dict[str, dict[str, Any]] = field(default_factory=dict)

    def apply(self) -> "Deployed":
        """Apply what is written now."""
        self.outputs, self.made = self.tofu.apply(), self.tofu.made()
        return self

    def function(self, name: str) -> dict[str, Any]:
        """A function (api, stream, jobs), as it was made."""
        return self.made[f'module.control_plane.aws_lambda_function.runhaven["{name}"]']

    def environment(self, name: str) -> dict[str, str]:
        """What OpenTofu rendered as a function's environment."""
        return dict(self.function(name)["environment"][0]["variables"])

    def lambda_environment(self, name: str) -> dict[str, str]:
        """That, with what Lambda itself adds: the role's keys, the region, and here where AWS is."""
        keys = self.amazon.credentials(self.function(name)["role"])
        added = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": self.amazon.url}
        return {**self.environment(name), **{key.upper(): text for key, text in keys.items()}, **added}


@pytest.fixture(scope="session")
def opentofu() -> str:
    """The path of OpenTofu."""
    return engines.opentofu()


@pytest.fixture(scope="session", params=tofu.programs())
def either(request: pytest.FixtureRequest) -> str:
    """The path of OpenTofu, then of Terraform where that is installed."""
    return tofu.program(request.param)


@contextlib.contextmanager
def amazon_running() -> Iterator[Amazon]:
    """An AWS of its own, in a process of its own, in which both accounts have an administrator."""
    with engines.running_python(Path(__file__).with_name("stand_in.py")) as url:
        amazon = Amazon(url)
        for account in (PLATFORM, RED):
            amazon.administered(account)
        yield amazon


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    """An empty AWS."""
    with amazon_running() as running:
        yield running


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip that is big enough to be deployed; scripts/build makes the real one."""
    path = tmp_path_factory.mktemp("package") / "runhaven.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("functions/handlers/api.py", "")
    return path


def two_accounts(program: str, folder: Path, amazon: Amazon, package: Path, **variables: Any) -> Tofu:
    """The example with two accounts, ready to be applied."""
    there = Tofu(program, folder, "examples/two_accounts", amazon.url)
    there.write("override.tf", provider_beside() + provider_beside("red") + UNPROTECTED)
    given = {"package": str(package), "platform": PLATFORM, "red": RED, **variables}
    there.write("given.auto.tfvars.json", given)
    there.init()
    return there


@pytest.fixture(scope="session")
def deployed(opentofu: str, tmp_path_factory: pytest.TempPathFactory, package: Path) -> Iterator[Deployed]:
    """The example with two accounts, applied once for all who look at it; test_apply removes it."""
    with amazon_running() as amazon:
        there = two_accounts(opentofu, tmp_path_factory.mktemp("deployed"), amazon, package, vault=VAULT)
        there.write("let_in_override.tf", LET_IN)
        yield Deployed(amazon, there).apply()


@pytest.fixture(scope="session")
def everything(opentofu: str, tmp_path_factory: pytest.TempPathFactory, package: Path) -> Iterator[Deployed]:
    """All modules with all switches, applied once for all who look at it; test_apply removes it."""
    from tests.infra import roots

    with amazon_running() as amazon:
        there = roots.everything(opentofu, tmp_path_factory.mktemp("everything"), amazon, package)
        yield Deployed(amazon, there).apply()


@pytest.fixture(scope="session")
def scene(deployed: Deployed) -> Any:
    """The same, as questions about it are asked of IAM's rules."""
    from tests.infra.scene import Scene

    return Scene(deployed.made)
