"""Who may do what with a vault's objects and key, judged by IAM's rules over what OpenTofu has made."""

import json

import pytest

from functions.artifacts.sessions import session_policy
from functions.artifacts.vaults import Vault
from tests.functions.artifacts.judge import judged, simulation
from tests.infra.conftest import EMERGENCY, PLATFORM, RED, REGION, SPARK, VAULT
from tests.infra.scene import BLUE, MARKS, NEVER, NO, ROLES, YES, allowing, session

pytestmark = MARKS

OBJECTS = [
    "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion",
    "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
]  # fmt: skip
READS = OBJECTS[:2]
LISTS = ["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"]
FOREIGN = ["runhaven/blue/x", "runhaven/red-team/x", "runhaven/redx", "runhaven/x", "x"]
HOWS = [
    pytest.param({"aws:SecureTransport": "false"}, id="plain HTTP"),
    pytest.param({"s3:signatureversion": "AWS"}, id="signature version 2"),
    pytest.param({"s3:signatureAge": "900001"}, id="an old signature"),
]


def as_role(arn, policy=None, account=RED):
    """The words of a question that somebody asks as a role: with its own policy, or one that says nothing."""
    name = arn.rpartition("/")[2]
    return {"who": session_of(name, account), "policy": policy or allowing("ec2:DescribeRegions")}


def session_of(name, account):
    """A session of a role of an account."""
    return f"arn:aws:sts::{account}:assumed-role/{name}/x"


OWN = session_of("runhaven-red", RED)


def red_session(scene):
    """The policy with which the house narrows a session of red's role."""
    place = [RED, scene.bucket.split(":")[-1], REGION, scene.of_red("aws_iam_role.vault")["arn"]]
    return json.loads(session_policy(Vault("red", *place, VAULT["external_id"], VAULT["prefix"], scene.key)))


@pytest.mark.parametrize("narrowed", [True, False], ids=["a session of the house", "the role itself"])
def test_a_vault_is_open_below_its_prefix(scene, narrowed):
    """The vault's role reads and writes below the prefix, not beside or above it or in another account."""
    how = {"session": red_session(scene)} if narrowed else {}
    assert set(judged(*[scene.object(action, **how) for action in OBJECTS])) == {YES}
    asked = [scene.object(action, key, **how) for action in OBJECTS for key in FOREIGN]
    asked += [scene.object(action, account=BLUE, **how) for action in OBJECTS]
    assert set(judged(*asked)) == {NO}


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("who", ["the role", "a reader", "the emergency"])
def test_a_vault_refuses_how_it_is_asked(scene, how, who):
    """In the clear, or with an old kind of signature or an old one, nobody at all reads or writes."""
    anything = allowing("s3:*")
    asking = {
        "the role": {},
        "a reader": as_role(SPARK, anything),
        "the emergency": as_role(EMERGENCY, anything),
    }[who]
    assert set(judged(*[scene.object(action, **asking, **how) for action in OBJECTS])) == {NEVER}
    assert judged(scene.object("s3:GetObject", **asking, **{"s3:signatureAge": "900000"})) == [YES]


def test_nobody_lists_in_the_clear(scene):
    """Nor does anybody ask the bucket itself anything over plain HTTP."""
    how, anything = {"aws:SecureTransport": "false", "s3:prefix": "runhaven/red/"}, allowing("s3:*")
    askers = [{}, as_role(SPARK, anything), as_role(EMERGENCY, anything)]
    asked = [scene.object(action, None, **who, **how) for action in LISTS for who in askers]
    assert set(judged(*asked)) == {NEVER}


def test_readers_read_what_the_house_has_written(scene):
    """Roles that the team names read and list below the prefix, by the bucket's policy alone."""
    reader = as_role(SPARK)
    assert judged(*[scene.object(action, **reader) for action in READS]) == [YES, YES]
    below = {"s3:prefix": "runhaven/red/models/"}
    assert judged(scene.object("s3:ListBucket", None, **reader, **below)) == [YES]


def test_readers_do_nothing_else(scene):
    """Not even with a policy of their own that allows them everything in S3."""
    reader = as_role(SPARK, allowing("s3:*"))
    assert set(judged(*[scene.object(action, **reader) for action in OBJECTS[2:]])) == {NEVER}
    asked = [scene.object(action, key, **reader) for action in OBJECTS for key in FOREIGN]
    for context in ({}, {"s3:prefix": ""}, {"s3:prefix": "runhaven/blue/"}):
        asked += [scene.object(action, None, **reader, **context) for action in LISTS]
    assert set(judged(*asked)) == {NEVER}


def test_in_an_emergency_a_role_does_what_its_own_policy_says(scene):
    """The bucket lets it pass and gives it nothing."""
    keys = ["runhaven/red/x", *FOREIGN]
    asked = [(action, key) for action in OBJECTS for key in keys] + [(action, None) for action in LISTS]
    own = as_role(EMERGENCY, allowing("s3:*"))
    assert set(judged(*[scene.object(action, key, **own) for action, key in asked])) == {YES}
    assert set(judged(*[scene.object(action, key, **as_role(EMERGENCY)) for action, key in asked])) == {NO}


@pytest.mark.parametrize("arn", [SPARK, EMERGENCY])
def test_roles_of_that_name_elsewhere_are_strangers(scene, arn):
    """A reader's namesake in another account reads nothing."""
    namesake = as_role(arn, allowing("s3:*"), BLUE)
    asked = [scene.object(action, **namesake) for action in OBJECTS]
    asked += [scene.object(action, None, **namesake) for action in LISTS]
    assert set(judged(*asked)) == {NEVER}


def test_objects_are_not_for_the_account_s_own_people(scene):
    """An administrator of the team's account sees and manages the bucket, and reads no object."""
    deployer = {"who": f"arn:aws:sts::{RED}:assumed-role/deployer/ann", "policy": allowing("s3:*")}
    other = {"who": f"arn:aws:sts::{RED}:assumed-role/analyst/bob", "policy": allowing("s3:*")}
    for who in (deployer, other):
        assert set(judged(*[scene.object(action, **who) for action in OBJECTS])) == {NEVER}
    assert judged(
        scene.object("s3:ListBucket", None, **deployer),
        scene.object("s3:PutBucketPolicy", None, **deployer),
        scene.object("s3:ListBucket", None, **other),
        scene.object("s3:ListBucketVersions", None, **other),
    ) == [YES, YES, NEVER, NEVER]


def test_another_account_has_no_part_in_a_vault(scene):
    """No role of another account, the control plane's included, reaches an object by itself."""
    strangers = [session(role, account) for role in ROLES for account in (PLATFORM, BLUE)]
    asked = [scene.object(act, who=who, policy=allowing("s3:*")) for act in OBJECTS for who in strangers]
    assert set(judged(*asked)) == {NEVER}


def test_the_vault_s_key_works_through_s3_alone(scene):
    """The vault's role makes and opens data keys through S3, and does nothing else with the key."""
    policy = json.loads(scene.of_red("aws_kms_key.vault")["policy"])
    identity = [json.loads(scene.of_red("aws_iam_role_policy.vault")["policy"])]

    def key(action, service, who=OWN, *, allowed=True):
        return simulation(
            action,
            scene.key,
            RED,
            who=who,
            context={"kms:ViaService": service},
            identity=identity if allowed else [allowing("ec2:DescribeRegions")],
            resource_policy=policy,
        )

    s3 = f"s3.{REGION}.amazonaws.com"
    assert judged(key("kms:Decrypt", s3), key("kms:GenerateDataKey", s3)) == [YES, YES]
    assert judged(
        key("kms:Decrypt", f"dynamodb.{REGION}.amazonaws.com"),
        key("kms:ScheduleKeyDeletion", s3),
        key("kms:Decrypt", s3, session("vaults")),
        key("kms:Decrypt", "", OWN),
    ) == [NO, NO, NO, NO]
    reader, stranger = session_of("spark", RED), session_of("spark", BLUE)
    assert judged(
        key("kms:Decrypt", s3, reader, allowed=False),
        key("kms:GenerateDataKey", s3, reader, allowed=False),
        key("kms:Decrypt", f"dynamodb.{REGION}.amazonaws.com", reader, allowed=False),
        key("kms:Decrypt", s3, stranger, allowed=False),
        key("kms:Decrypt", s3, session_of("emergency", RED), allowed=False),
    ) == [YES, NO, NO, NO, NO]
