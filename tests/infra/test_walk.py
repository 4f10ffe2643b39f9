"""From nothing to a vault, as the README of team_account walks: in two accounts, with one apply in each."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass

import pytest

from tests import engines
from tests.infra.conftest import PLATFORM, RED, Deployed, amazon_running, provider_beside, two_accounts
from tests.infra.roots import example
from tests.infra.tofu import Tofu

pytestmark = [pytest.mark.engine, pytest.mark.long, pytest.mark.xdist_group("walk")]


@dataclass
class Walk:
    """The house, and what its first answer was.

    Attributes:
        house: the control plane, applied.
        variables: what it told of the vault, before there was one.
    """

    house: Deployed
    variables: dict[str, str]

    def asked(self, *words):
        """What the house answers to an owner, running as its API function does."""
        paths = {"PYTHONPATH": f"{engines.ROOT}{os.pathsep}{engines.ROOT / 'sdk'}"}
        world = {**self.house.tofu.world, **self.house.lambda_environment("api"), **paths}
        command = [sys.executable, "-m", "tests.infra.owner", *words]
        done = subprocess.run(
            command, cwd=engines.ROOT, env=world, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def walk(opentofu, package, tmp_path_factory):
    """A house whose team has no vault yet, and has asked for one."""
    with amazon_running() as amazon:
        there = two_accounts(opentofu, tmp_path_factory.mktemp("platform"), amazon, package)
        begun = Walk(Deployed(amazon, there).apply(), {})
        begun.variables = begun.asked("new")
        yield begun


@pytest.fixture(scope="module")
def team(opentofu, walk, tmp_path_factory):
    """The README's example, applied in the team's account with the house's answer."""
    amazon = walk.house.amazon
    there = Tofu(opentofu, tmp_path_factory.mktemp("team"), "examples/team", amazon.url)
    keys = amazon.credentials(f"arn:aws:iam::{RED}:role/deployer")
    there.world |= {name.upper(): text for name, text in keys.items()}
    there.write("main.tf", example("team_account"))
    there.write("override.tf", provider_beside())
    there.write("vault.auto.tfvars.json", walk.variables)
    there.init()
    return Deployed(amazon, there).apply()


def test_the_house_tells_the_variables(walk):
    """The answer names the only role that may enter, and an ExternalId that nobody chose."""
    assert walk.variables["control_role"] == f"arn:aws:iam::{PLATFORM}:role/runhaven-vaults"
    assert re.fullmatch(r"runhaven-[0-9a-f]{32}", walk.variables["external_id"])


def test_the_team_applies_with_them(team):
    """One apply in the team's account makes the vault, and a second look finds nothing to change."""
    assert team.outputs["place"]["account"] == RED
    assert team.tofu.changes() == ""


def test_the_check_proves_every_step(walk, team):
    """With what the apply tells, every step holds, the vault is in use, and its variables stay the same."""
    report = walk.asked("check", json.dumps(team.outputs["place"]))
    assert report["active"], report
    assert {step["ok"] for step in report["steps"]} == {True}
    assert walk.asked("new") == walk.variables
