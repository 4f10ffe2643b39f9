"""What the check of a vault proves, on a real S3 server behind an account that is set up well or badly."""

import copy
import re
from types import SimpleNamespace

import pytest

from functions.access import grants
from functions.artifacts import owners, registering, sessions, vaults
from functions.errors import Unacceptable, Unavailable
from runhaven.wire.vaults import VaultPlace
from tests.functions import people
from tests.functions.artifacts import account, towns
from tests.functions.artifacts.judge import role_policy
from tests.functions.calls import table_on_moto

pytestmark = pytest.mark.engine

CONTROL = "arn:aws:iam::999999999999:role/runhaven-api"
STEPS = [
    "role", "wrong_external_id", "no_external_id", "bucket", "versioning", "write", "read", "delete", "above",
    "one_team",
]  # fmt: skip


def without_accounts(policy):
    """A policy as a server takes it that knows neither accounts nor keys."""
    rules = [rule for rule in copy.deepcopy(policy)["Statement"] if not rule["Action"][0].startswith("kms:")]
    for rule in rules:
        rule["Condition"] = {how: what for how, what in rule["Condition"].items() if how == "StringLike"}
        if not rule["Condition"]:
            del rule["Condition"]
    return {**policy, "Statement": rules}


@pytest.fixture
def team(minio):
    """An owner whose account has been set up as the module does it, but not checked."""
    with (
        towns.on_minio(minio) as town,
        account.opened(minio, town.red.account) as aws,
        table_on_moto(s3_url=aws.url, sts_url=aws.url, control_role=CONTROL),
    ):
        sessions.forget()
        place = VaultPlace(town.red.account, town.red.bucket, town.red.region, town.red.role_arn)
        team = SimpleNamespace(who=people.found(), aws=aws, place=place, keeper=town.keeper)
        set_up(team, team.who, place)
        yield team


def set_up(team, who, place):
    """Do in the team's account what the module does with what the house tells."""
    team.told = told = registering.new(who)
    vault = vaults.Vault(who.team, *place_of(place), told.external_id, told.prefix, "a key")
    team.aws.role = without_accounts(role_policy(vault))
    team.aws.trusted = lambda shown: shown == told.external_id


def place_of(place):
    return place.account, place.bucket, place.region, place.role_arn


def failed(team, place=None):
    """What the check finds wrong: step -> what to do; and which steps it did not try."""
    report = registering.check(team.who, place or team.place)
    assert [step.step for step in report.steps] == STEPS
    assert report.active is all(step.ok for step in report.steps)
    assert all(bool(step.fix) is (step.ok is False) for step in report.steps)
    return {step.step: step.fix for step in report.steps if step.ok is False}


def test_a_vault_that_is_right_is_used_from_its_check_on(team):
    """Every step holds; then artifacts go there, and nothing of the check is left behind."""
    with pytest.raises(Unacceptable, match="no vault"):
        owners.vault_of(grants.for_job(team.who.team))
    assert failed(team) == {}
    vault = owners.vault_of(grants.for_job(team.who.team))
    assert (vault.bucket, vault.external_id) == (team.place.bucket, team.told.external_id)
    assert vaults.put_small(vault, "runs/1/a", b"x")
    found = team.keeper.list_object_versions(Bucket=vault.bucket)
    assert [each["Key"] for each in found["Versions"]] == [f"{vault.prefix}runs/1/a"]
    assert "DeleteMarkers" not in found
    seen = registering.state(team.who)
    assert (seen.state, seen.place, seen.trouble) == ("active", team.place, None)


def lacking(team, *actions):
    """The role lacks some actions."""
    for rule in team.aws.role["Statement"]:
        rule["Action"] = [action for action in rule["Action"] if action not in actions]
    team.aws.role["Statement"] = [rule for rule in team.aws.role["Statement"] if rule["Action"]]


@pytest.mark.parametrize(
    ("also", "wrong"),
    [
        (None, {"role": "999999999999:role/runhaven-api.*sts:ExternalId"}),
        ({"any"}, {"wrong_external_id": "a wrong one.*StringEquals"}),
        ({"none"}, {"no_external_id": "none at all.*StringEquals"}),
        ({"any", "none"}, {"wrong_external_id": "a wrong one", "no_external_id": "none at all"}),
    ],
    ids=["closed", "to any ExternalId", "to who shows none", "open"],
)
def test_the_trust_is_proved(team, also, wrong):
    """The role must let the house in with the ExternalId, and with no other and without."""

    def trusted(shown):
        right = shown == team.told.external_id
        return also is not None and (right or ("none" if shown is None else "any") in also)

    team.aws.trusted = trusted
    matches(failed(team), wrong)
    assert registering.state(team.who).state == "new"


def matches(found, wrong):
    assert found.keys() == wrong.keys()
    assert {step: fix for step, fix in found.items() if not re.search(wrong[step], fix)} == {}


def test_the_bucket_must_be_the_account_s(team):
    """A bucket of another account is refused, though the role may use it."""
    team.aws.number = "3" * 12
    matches(failed(team), {"bucket": f"must be a bucket of account {'1' * 12}"})


def test_the_bucket_must_be_there(team):
    """A name with a slip in it is told."""
    place = VaultPlace(team.place.account, "no-such-bucket", team.place.region, team.place.role_arn)
    matches(failed(team, place), {"bucket": "'no-such-bucket' must be a bucket"})


def test_the_bucket_must_keep_versions(team):
    """Suspended versioning is told; everything else is tried all the same."""
    off = {"Status": "Suspended"}
    team.keeper.put_bucket_versioning(Bucket=team.place.bucket, VersioningConfiguration=off)
    matches(failed(team), {"versioning": "enable its versioning"})


@pytest.mark.parametrize(
    ("lacks", "wrong"),
    [
        (["s3:PutObject"], {"write": "AccessDenied.*s3:PutObject"}),
        (["s3:GetObject", "s3:GetObjectVersion"], {"read": "AccessDenied.*s3:GetObject"}),
        (["s3:DeleteObjectVersion"], {"delete": "s3:DeleteObjectVersion"}),
        (["s3:GetBucketVersioning"], {"versioning": "s3:GetBucketVersioning"}),
        (["s3:ListBucket"], {"bucket": "s3:ListBucket"}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_the_role_lacks_is_named(team, lacks, wrong):
    """The step that fails says which action to allow, and on what."""
    lacking(team, *lacks)
    matches(failed(team), wrong)


@pytest.mark.parametrize("verb", ["write", "delete"])
def test_a_role_that_reaches_beyond_its_prefix_is_refused(team, verb):
    """A role that may write or delete beside or above the prefix is too wide, however narrow sessions are."""
    (rule,) = (each for each in team.aws.role["Statement"] if "s3:PutObject" in each["Action"])
    everywhere = rule["Resource"].replace(f"/{team.told.prefix}*", "/*")
    if verb == "write":
        rule["Resource"] = everywhere
    else:
        only = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
        team.aws.role["Statement"].append({"Effect": "Allow", "Action": only, "Resource": everywhere})
    matches(failed(team), {"above": rf"The role can {verb} .*{team.told.prefix}\* alone"})
    assert "Versions" not in team.keeper.list_object_versions(Bucket=team.place.bucket)


def test_when_aws_is_down_nothing_is_proved(team):
    """The check is 503, and the vault is as it was."""
    team.aws.down = True
    with pytest.raises(Unavailable):
        registering.check(team.who, team.place)
    assert registering.state(team.who).state == "new"


def test_a_bucket_and_a_role_serve_one_team(team):
    """Another team that shares the account finds bucket and role taken."""
    assert failed(team) == {}
    first, team.who = team.who, people.found()
    set_up(team, team.who, team.place)
    matches(failed(team), {"one_team": "bucket serves another team"})
    place = VaultPlace(team.place.account, f"{team.place.bucket}-2", *place_of(team.place)[2:])
    team.keeper.create_bucket(Bucket=place.bucket)
    team.keeper.put_bucket_versioning(Bucket=place.bucket, VersioningConfiguration={"Status": "Enabled"})
    set_up(team, team.who, place)
    matches(failed(team, place), {"one_team": "role serves another team"})
    assert registering.state(team.who).state == "new"
    assert registering.state(first).place == team.place


def test_a_checked_vault_may_change_its_role_but_not_its_bucket(team):
    """A new role is proved and used, the old one is free for another team; another bucket is 400."""
    assert failed(team) == {}
    place = VaultPlace(*place_of(team.place)[:3], f"{team.place.role_arn}-2")
    assert failed(team, place) == {}
    assert registering.state(team.who).place == place
    team.who = people.found()
    other = VaultPlace(place.account, f"{place.bucket}-3", *place_of(team.place)[2:])
    team.keeper.create_bucket(Bucket=other.bucket)
    team.keeper.put_bucket_versioning(Bucket=other.bucket, VersioningConfiguration={"Status": "Enabled"})
    set_up(team, team.who, other)
    assert failed(team, other) == {}
    with pytest.raises(Unacceptable, match="does not move"):
        registering.check(team.who, team.place)


def test_a_vault_that_shuts_its_door_later_is_told(team):
    """The state of an active vault says why it cannot be entered, and a check makes it right at once."""
    assert failed(team) == {}
    right, team.aws.trusted = team.aws.trusted, lambda _: False
    assert "AccessDenied" in registering.state(team.who).trouble
    team.aws.trusted = right
    assert "AccessDenied" in registering.state(team.who).trouble
    assert failed(team) == {}
    assert registering.state(team.who).trouble is None
