"""What OpenTofu (or Terraform) has made in a folder, and AWS as whoever runs the scripts may use it."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.session

FUNCTIONS = ("api", "stream", "jobs")
# What holds data, or whose loss would lose it: no script deletes any of it.
KEPT = {"aws_dynamodb_table", "aws_cognito_user_pool", "aws_kms_key", "aws_s3_bucket"}
# Well within the hour that a role's keys last.
RENEWED_SECONDS = 1800
_API = 'aws_lambda_function.runhaven["api"]'


def program() -> str:
    """OpenTofu's program, or Terraform's, on PATH; RUNHAVEN_TOFU names another.

    Raises:
        SystemExit: there is neither.
    """
    for name in (os.environ.get("RUNHAVEN_TOFU", ""), "tofu", "terraform"):
        if name and (found := shutil.which(name)):
            return found
    sys.exit("neither tofu nor terraform is on PATH")


def tofu(folder: Path, *words: str, said: bool = False, package: Path | str = "") -> str:
    """Run a command in a root module's folder; gives what it prints, where it is not *said* to the terminal.

    Args:
        folder: the root module's.
        words: the command.
        said: whether whoever runs the script shall see it.
        package: the value of the root's variable `package`, where it has one and nothing else sets it.

    Raises:
        SystemExit: it ended with an error, which it has said.
    """
    world = {**os.environ, **({"TF_VAR_package": str(package)} if package else {})}
    out = None if said else subprocess.PIPE
    coloured = words[0] in {"init", "plan", "apply", "import"}
    plain = ["-no-color"] if coloured and not sys.stdout.isatty() else []
    command = [program(), f"-chdir={folder}", words[0], *plain, *words[1:]]
    done = subprocess.run(command, stdout=out, stdin=subprocess.DEVNULL, env=world, text=True, check=False)
    if done.returncode:
        sys.exit(f"{Path(program()).name} {words[0]} ended with {done.returncode}")
    return done.stdout or ""


def initialised(folder: Path) -> None:
    """Fetch the modules and providers that the files of now want: a release may bring others."""
    tofu(folder, "init", "-input=false", said=True)


def planned(folder: Path, to: Path, package: Path | str) -> dict[str, Any]:
    """Write a plan to a file, for everybody to read, and give it as JSON."""
    tofu(folder, "plan", f"-out={to}", said=True, package=package)
    plan: dict[str, Any] = json.loads(tofu(folder, "show", "-json", str(to)))
    return plan


def resources(values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every resource below the values of a state or a plan."""
    module = values.get("root_module", values)
    yield from module.get("resources", ())
    for child in module.get("child_modules", ()):
        yield from resources(child)


def sha256(package: Path) -> str:
    """A file's hash as Lambda writes it."""
    return base64.b64encode(hashlib.sha256(package.read_bytes()).digest()).decode()


def refuse_others(plan: dict[str, Any], package: Path) -> None:
    """Demand of a plan that its functions run this zip.

    Raises:
        SystemExit: something else than the script says which zip that is.
    """
    for each in resources(plan["planned_values"]):
        if each["type"] == "aws_lambda_function" and each["name"] == "runhaven":
            values = each["values"]
            if values["source_code_hash"] != sha256(package):
                other = f"{each['address']} would run {values['filename']}, not {package}"
                sys.exit(f"{other}: leave the root's variable `package` to the script")


def refuse_losses(plan: dict[str, Any], besides: str = "") -> None:
    """Demand of a plan that it deletes no data, or none *besides* that of one address.

    Raises:
        SystemExit: it would.
    """
    lost = [
        each["address"]
        for each in plan.get("resource_changes", ())
        if "delete" in each["change"]["actions"] and each["type"] in KEPT and each["address"] != besides
    ]
    if lost:
        sys.exit(f"no script deletes data, but this plan would: {', '.join(lost)}")


def chosen_among(addresses: Iterable[str], folder: Path, module: str) -> str | None:
    """The control plane's address, with a dot behind it where it has one; None where there is none.

    Raises:
        SystemExit: there are several, and none was chosen.
    """
    found = [each.removesuffix(_API) for each in addresses if each.endswith(_API)]
    if module:
        found = [each for each in found if each == f"{module}."]
    if len(found) > 1:
        known = ", ".join(each[:-1] or "the root" for each in found)
        sys.exit(f"control planes in {folder}: {known}; choose one with --module")
    return found[0] if found else None


def place_of(plan: dict[str, Any], folder: Path, module: str) -> tuple[str, str] | None:
    """Region and account in which a plan makes the control plane; None where it has not asked yet.

    Raises:
        SystemExit: there are several control planes, and none was chosen.
    """
    address = chosen_among((each["address"] for each in resources(plan["planned_values"])), folder, module)
    asked = resources(plan.get("prior_state", {}).get("values", {}))
    known = {each["address"]: each["values"] for each in asked if each["mode"] == "data"}
    try:
        region = known[f"{address}data.aws_region.here"]["name"]
        return region, known[f"{address}data.aws_caller_identity.here"]["account_id"]
    except KeyError:
        return None


@dataclass
class Caller:
    """As whom AWS is called.

    Attributes:
        role: ARN of the role that is assumed; empty is whoever runs the script.
        session: of whoever runs the script.
    """

    role: str = ""
    session: Any = field(default_factory=botocore.session.get_session)

    def client(self, service: str, region: str, account: str) -> Any:
        """A client in an account.

        Raises:
            SystemExit: the credentials are another account's.
        """
        keys = self.keys(region)
        sts: Any = self.session.create_client("sts", region_name=region, **keys)
        given = sts.get_caller_identity()["Account"]
        if given != account:
            sys.exit(
                f"these credentials are of account {given}, the control plane is in {account}: use --role"
            )
        return self.session.create_client(service, region_name=region, **keys)

    def keys(self, region: str) -> dict[str, str]:
        """The keys of the role, as a client takes them; without a role none."""
        if not self.role:
            return {}
        sts: Any = self.session.create_client("sts", region_name=region)
        given = sts.assume_role(RoleArn=self.role, RoleSessionName="runhaven-scripts")["Credentials"]
        return {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }


@dataclass
class Deployment:
    """A control plane that was applied.

    Attributes:
        folder: of the root module.
        module: the control plane's address, with a dot behind it; empty where it is the root.
        made: its resources' values by the rest of their addresses.
        caller: as whom AWS is called.
    """

    folder: Path
    module: str
    made: dict[str, dict[str, Any]]
    caller: Caller = field(default_factory=Caller)

    @classmethod
    def read(cls, folder: Path, role: str = "", module: str = "") -> "Deployment":
        """What the state says.

        Raises:
            SystemExit: there is no control plane, or there are several and none was chosen.
        """
        state = json.loads(tofu(folder, "show", "-json")).get("values", {})
        made = cls.among(state, folder, role, module)
        if made is None:
            sys.exit(f"{folder} has no control plane{module and ' ' + module}")
        return made

    @classmethod
    def among(cls, state: dict[str, Any], folder: Path, role: str, module: str) -> "Deployment | None":
        """The same among the values of a state; None before the first apply.

        Raises:
            SystemExit: there are several control planes, and none was chosen.
        """
        all_of_it = {each["address"]: each["values"] for each in resources(state)}
        address = chosen_among(all_of_it, folder, module)
        if address is None:
            return None
        inside = {
            name.removeprefix(address): values
            for name, values in all_of_it.items()
            if name.startswith(address)
        }
        return cls(folder, address, inside, Caller(role))

    @property
    def settings(self) -> dict[str, str]:
        """The functions' environment."""
        return dict(self.function("api")["environment"][0]["variables"])

    @property
    def region(self) -> str:
        """Where it is."""
        return self.settings["RUNHAVEN_REGION"]

    @property
    def url(self) -> str:
        """Where its users reach it: the edge, where the API answers to nobody else."""
        origins = self.settings["RUNHAVEN_ORIGINS"].split(",")
        return origins[1 if self.settings.get("RUNHAVEN_EDGE_SECRET") and len(origins) > 1 else 0]

    def function(self, name: str) -> dict[str, Any]:
        """One of the functions api, stream and jobs."""
        return self.made[f'aws_lambda_function.runhaven["{name}"]']

    def client(self, service: str) -> Any:
        """A client of AWS in the control plane's account.

        Raises:
            SystemExit: the credentials are another account's.
        """
        return self.caller.client(service, self.region, self.function("api")["arn"].split(":")[4])

    def lasting(self, service: str) -> Callable[[], Any]:
        """A client for work of hours, asked for anew at each call: a role's keys end after one.

        https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
        """
        held: list[tuple[float, Any]] = []

        def current() -> Any:
            if not held or time.monotonic() > held[0][0]:
                held[:] = [(time.monotonic() + RENEWED_SECONDS, self.client(service))]
            return held[0][1]

        return current

    def keys(self) -> dict[str, str]:
        """The keys of the role as which AWS is called, as a client takes them; without a role none."""
        return self.caller.keys(self.region)
