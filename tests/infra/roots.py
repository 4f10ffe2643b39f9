"""Root modules that no folder of infra/ holds, ready to be planned or applied."""

import re
from pathlib import Path

from tests.infra.conftest import PLATFORM, RED, UNPROTECTED, Amazon, provider_beside
from tests.infra.tofu import INFRA, Tofu

EVERYTHING = Path(__file__).with_name("everything.tf")
SECRET = "0123456789abcdef" * 2


def example(module: str) -> str:
    """The first example in a module's README."""
    readme = (INFRA / "modules" / module / "README.md").read_text("utf-8")
    return re.search(r"^```hcl\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)[1]


def edge(program: str, folder: Path, amazon: Amazon, package: Path) -> Tofu:
    """The example of the edge's README."""
    there = Tofu(program, folder, "examples/edge", amazon.url)
    there.write("main.tf", example("edge"))
    there.write("override.tf", provider_beside() + provider_beside("us_east_1") + UNPROTECTED)
    there.write("given.auto.tfvars.json", {"package": str(package), "edge_secret": SECRET})
    there.init()
    return there


def everything(program: str, folder: Path, amazon: Amazon, package: Path) -> Tofu:
    """All modules with all switches, and what they expect to be there."""
    trail = {"Bucket": "trail", "CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}}
    amazon.client("s3", f"arn:aws:iam::{RED}:role/deployer").create_bucket(**trail)
    zones = amazon.client("route53", f"arn:aws:iam::{PLATFORM}:role/deployer")
    zone = zones.create_hosted_zone(Name="example.org", CallerReference="1")["HostedZone"]["Id"]
    there = Tofu(program, folder, "examples/everything", amazon.url)
    there.write("main.tf", EVERYTHING.read_text("utf-8"))
    there.write("override.tf", "".join(provider_beside(alias) for alias in ("", "us_east_1", "red")))
    given = {"package": str(package), "edge_secret": SECRET, "trail_bucket": "trail"}
    there.write("given.auto.tfvars.json", {**given, "zone": zone.removeprefix("/hostedzone/")})
    there.init()
    return there
