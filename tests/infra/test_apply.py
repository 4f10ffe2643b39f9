"""The modules in two accounts of an AWS: made, left alone by a second look, and removed."""

import pytest

from tests.infra import roots, tofu
from tests.infra.conftest import PLATFORM, RED, VAULT, Deployed, amazon_running, provider_beside, two_accounts
from tests.infra.tofu import Refused

pytestmark = [pytest.mark.engine, pytest.mark.long]

TABLE = "-target=module.control_plane.aws_dynamodb_table.runhaven"


def two_accounts_with_a_vault(*asked):
    """The example with two accounts, with the vault."""
    return two_accounts(*asked, vault=VAULT)


def alone(make, program):
    """A root and who applies it; whatever looks at it runs in one process."""
    name = f"{make.__name__} by {program}"
    return pytest.param((make, program), id=name, marks=pytest.mark.xdist_group(name))


@pytest.fixture(
    scope="module",
    params=[
        *(alone(two_accounts_with_a_vault, program) for program in tofu.programs()),
        alone(roots.everything, "opentofu"),
    ],
)
def made(request, package, tmp_path_factory):
    """The example with two accounts, by OpenTofu and by Terraform, and everything at once."""
    make, program = request.param
    with amazon_running() as amazon:
        there = make(tofu.program(program), tmp_path_factory.mktemp("made"), amazon, package)
        yield Deployed(amazon, there).apply()


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
