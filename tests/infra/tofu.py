"""OpenTofu or Terraform in a folder of its own, with the real AWS provider from a mirror."""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import engines
from tests.infra import providers
from tests.infra.providers import Provider

INFRA = engines.ROOT / "infra"
CI = engines.CI
# Nothing of the machine's own configuration: neither its provider mirror nor its credentials. A provider
# fills its memory once, with what it describes of itself: collecting less often saves a fifth of the CPU.
ALONE = {"TF_CLI_CONFIG_FILE": os.devnull, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "GOGC": "400"}
# https://developer.hashicorp.com/terraform/plugin/debugging
ATTACH = re.compile(r"TF_REATTACH_PROVIDERS='(.*)'")
# What only a stand-in needs: paths for buckets' host names, and no hanging where an action is missing.
LOCAL = "s3_use_path_style = true\nskip_metadata_api_check = true\nmax_retries = 2\n"


def provider(major: int = 5) -> Provider:
    """The AWS provider of a major version; without one the test is skipped, with the reason."""
    return known_provider(major) or pytest.skip(
        f"no AWS provider {major}.x on this machine; RUNHAVEN_TF_PLUGIN_DIR names a mirror"
    )


@functools.cache
def known_provider(major: int) -> Provider | None:
    """The AWS provider of a major version, where this machine has one."""
    return providers.newest(major, providers.places())


def programs() -> list[str]:
    """By whom the modules are proved, for `params`: OpenTofu, and Terraform 1.11 or newer where it is here.

    Where it is not, its tests are skipped; under CI, which lets nothing be skipped, the others' names say so.
    """
    return ["opentofu", "terraform"] if terraform() or not CI else ["opentofu as there is no terraform"]


def program(name: str) -> str:
    """The path of one of them; without it the test is skipped, with the reason."""
    if name.startswith("opentofu"):
        return engines.opentofu()
    return terraform() or pytest.skip("no terraform, 1.11 or newer, is installed")


@functools.cache
def terraform() -> str | None:
    """The path of Terraform 1.11 or newer, where it is installed."""
    path = shutil.which("terraform")
    if path is None:
        return None
    said = subprocess.run([path, "version", "-json"], capture_output=True, text=True, check=True, env=world())
    number = json.loads(said.stdout)["terraform_version"]
    return path if tuple(int(part) for part in number.split(".")[:2]) >= (1, 11) else None


@functools.cache
def host(program: str) -> str:
    """The name under which a program looks for providers in a mirror; each has its own."""
    with tempfile.TemporaryDirectory() as empty:
        Path(empty, "main.tf").write_text(
            'terraform {\n required_providers {\n aws = { source = "hashicorp/aws" }\n }\n}\n'
        )
        ask = [program, f"-chdir={empty}", "providers"]
        said = subprocess.run(ask, env=world(), capture_output=True, text=True, check=True).stdout
    return re.search(r"provider\[([\w.]+)/hashicorp/aws", said)[1]


def world(**more: str) -> dict[str, str]:
    """The environment of a program that must not see this machine's own AWS or Terraform."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    return {**kept, **ALONE, **more}


class Refused(AssertionError):
    """The program ended with an error; what it said."""


class Tofu:
    """One root module, copied beside the modules into a folder of its own.

    Attributes:
        folder: where its files are.
    """

    def __init__(self, program: str, top: Path, root: str, url: str = "") -> None:
        """Take *root*, a path below infra/, into the empty folder *top*; *url* is where AWS is."""
        self.program, self.top, self.folder = program, top, top / "infra" / root
        shutil.copytree(INFRA, top / "infra", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        self.world = world(TF_PLUGIN_CACHE_DIR="", AWS_EC2_METADATA_DISABLED="true")
        if url:
            keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7ADMINIS", "AWS_SECRET_ACCESS_KEY": "administrator"}
            self.world |= {"AWS_ENDPOINT_URL": url, "AWS_REGION": "eu-central-1", **keys}

    def write(self, name: str, text: str | dict) -> None:
        """Put a file beside the root's own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text if isinstance(text, str) else json.dumps(text), "utf-8")

    def init(self, found: Provider | None = None) -> None:
        """Find this provider, or the newest 5.x, in a mirror, by the host under which the program looks."""
        found, place = found or provider(), f"{host(self.program)}/hashicorp/aws"
        found.put_into(self.top / "mirror" / place)
        self.run("init", f"-plugin-dir={self.top / 'mirror'}")
        # Each command would hash the provider's 700 MB again, for a third of its CPU.
        # https://opentofu.org/docs/cli/config/config-file/#development-overrides-for-provider-developers
        folder = self.folder / ".terraform/providers" / place / str(found) / providers.system()
        taken = f'dev_overrides {{\n"hashicorp/aws" = "{folder}"\n}}'
        config = self.top / "config.tfrc"
        config.write_text(f"provider_installation {{\n{taken}\ndirect {{}}\n}}\n", "utf-8")
        self.world["TF_CLI_CONFIG_FILE"] = str(config)
        self._provider = next(folder.glob("terraform-provider-aws_*"))

    @contextmanager
    def attached(self) -> Iterator[None]:
        """One provider for all runs of a test, which would each start one; nobody may configure it."""
        with subprocess.Popen(
            [self._provider, "-debug"],
            env=self.world,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as running:
            try:
                said = next(filter(None, map(ATTACH.search, running.stdout)))
                known = json.loads(said[1])
                here = {f"{host(self.program)}/hashicorp/aws": each for each in known.values()}
                self.world["TF_REATTACH_PROVIDERS"] = json.dumps(here)
                yield
            finally:
                self.world.pop("TF_REATTACH_PROVIDERS", None)
                running.send_signal(signal.SIGINT)  # it removes its socket

    def run(self, *words: str, answers: tuple[int, ...] = (0,)) -> str:
        """What a command prints.

        Raises:
            Refused: its exit code is none of *answers*.
        """
        done = subprocess.run(
            [self.program, f"-chdir={self.folder}", *words],
            env=self.world,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in answers:
            raise Refused(
                f"{' '.join(words)} ended with {done.returncode}\n{done.stdout[-6000:]}{done.stderr[-6000:]}"
            )
        return done.stdout

    def apply(self) -> dict:
        """Make what is written; answers the outputs."""
        self.run("apply", "-auto-approve", "-no-color", "-parallelism=20")
        return {name: each["value"] for name, each in json.loads(self.run("output", "-json")).items()}

    def changes(self) -> str:
        """What a plan would change; "" where nothing."""
        said = self.run("plan", "-no-color", "-detailed-exitcode", answers=(0, 2))
        return "" if "No changes." in said else said

    def planned(self) -> dict:
        """The plan, as JSON."""
        self.run("plan", "-no-color", "-out=plan")
        return json.loads(self.run("show", "-json", "plan"))

    def made(self) -> dict[str, dict]:
        """Every resource that was made, by its address, with its values."""
        found = resources(json.loads(self.run("show", "-json")).get("values", {}))
        return {each["address"]: each["values"] for each in found}

    def destroy(self) -> None:
        """Remove everything, as it was last seen."""
        self.run("destroy", "-auto-approve", "-no-color", "-refresh=false", "-parallelism=20")


def resources(values: dict) -> list[dict]:
    """All managed resources below the values of a plan or a state."""
    module = values.get("root_module", values)
    found = [each for each in module.get("resources", []) if each["mode"] == "managed"]
    return found + [each for child in module.get("child_modules", []) for each in resources(child)]
