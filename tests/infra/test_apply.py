"""The modules in two accounts of an AWS: made, left alone by a second look, and removed."""

import pytest

from tests.infra import tofu
from tests.infra.conftest import PLATFORM, RED, VAULT, Deployed, amazon_running, provider_beside, two_accounts
from tests.infra.tofu import Refused

pytestmark = [pytest.mark.engine, pytest.mark.long]

TABLE = "-target=module.control_plane.aws_dynamodb_table.runhaven"


@pytest.fixture(scope="module")
def by_terraform(package, tmp_path_factory):
    """The example with two accounts, as Terraform applies it."""
    program = tofu.program("terraform")
    with amazon_running() as amazon:
        there = two_accounts(program, tmp_path_factory.mktemp("made"), amazon, package, vault=VAULT)
        yield Deployed(amazon, there).apply()


def applied():
    """The fixtures that apply something; whatever looks at one of them runs in one process."""
    opentofu, *terraform = tofu.programs()
    named = {f"two accounts by {opentofu}": "deployed", "everything at once": "everything"}
    named |= {f"two accounts by {program}": "by_terraform" for program in terraform}
    return [pytest.param(name, id=said, marks=pytest.mark.xdist_group(name)) for said, name in named.items()]


@pytest.fixture(scope="module", params=applied())
def made(request):
    """The example with two accounts, by OpenTofu and by Terraform, and everything at once."""
    return request.getfixturevalue(request.param)


def test_the_vault_lies_in_the_team_s_account(made):
    """What is applied has an address, and its only buckets are those of the team."""
    place = made.outputs["place"]
    assert made.outputs["url"].startswith("https://")
    assert (place["account"], place["bucket"]) == (RED, f"runhaven-red-{RED}")
    clients = [made.amazon.client("s3", f"arn:aws:iam::{each}:role/deployer") for each in (PLATFORM, RED)]
    platform, red = ([each["Name"] for each in client.list_buckets()["Buckets"]] for client in clients)
    assert platform == []
    assert place["bucket"] in red


def test_a_second_look_finds_nothing_to_change(made):
    """A plan after the apply is empty."""
    assert made.tofu.changes() == ""


def test_all_of_it_is_removed(made):
    """Without protection everything is destroyed."""
    made.tofu.destroy()
    assert made.tofu.run("state", "list") == ""


def test_what_is_protected_is_not_removed(opentofu, amazon, package, tmp_path):
    """As the module is by default, the table refuses to be destroyed."""
    there = two_accounts(opentofu, tmp_path, amazon, package)
    there.write("override.tf", provider_beside() + provider_beside("red"))
    there.run("apply", "-auto-approve", "-no-color", TABLE)
    with pytest.raises(Refused, match=r"(?i)deletion.?protection"):
        there.run("destroy", "-auto-approve", "-no-color", TABLE)
