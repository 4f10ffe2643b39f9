"""Who gets into a vault and how far, judged by IAM's own rules over the JSON that is really used."""

import json
from dataclasses import replace

import pytest

from functions.artifacts.sessions import session_policy
from functions.artifacts.vaults import Vault
from tests.functions.artifacts.judge import judged, rendered, role_policy, simulation

HOME, RED, BLUE = "999999999999", "111111111111", "222222222222"
ROLE, BUCKET = f"arn:aws:iam::{RED}:role/runhaven", "arn:aws:s3:::red-bucket"
KEY = f"arn:aws:kms:eu-central-1:{RED}:key/1111-2222"
VAULT = Vault("red", RED, "red-bucket", "eu-central-1", ROLE, "runhaven-1", "runhaven/red/", KEY)
CONTROL = f"arn:aws:sts::{HOME}:assumed-role/runhaven-api/api"
YES, NO = "Allowed", "ImplicitlyDenied"

OBJECTS = [
    "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion",
    "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts",
]  # fmt: skip
LISTS = ["s3:ListBucket", "s3:ListBucketVersions"]
OWN = [f"{BUCKET}/runhaven/red/runs/1/x", f"{BUCKET}/runhaven/red/x", f"{BUCKET}/runhaven/red/../blue/x"]
FOREIGN = {
    "another prefix": f"{BUCKET}/runhaven/blue/x",
    "a prefix that begins alike": f"{BUCKET}/runhaven/red-team/x",
    "a name that begins alike": f"{BUCKET}/runhaven/redx",
    "above the prefix": f"{BUCKET}/runhaven/x",
    "the top of the bucket": f"{BUCKET}/x",
    "another bucket": "arn:aws:s3:::blue-bucket/runhaven/red/x",
    "a bucket that begins alike": f"{BUCKET}-2/runhaven/red/x",
}
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
SESSION = json.loads(session_policy(VAULT))
HOW = pytest.mark.parametrize(
    "how",
    [
        pytest.param({"session": SESSION}, id="a session of the module's role"),
        pytest.param({"session": SESSION, "role": ALL}, id="a session of a role that may do anything"),
        pytest.param({}, id="the module's role itself"),
    ],
)
judges = pytest.mark.engine


def asked(action, resource, *, owner=RED, role=None, session=None, resource_policy=None, **context):
    """May the vault's role do it, or a session of it; *owner* is whose the resource is."""
    return simulation(
        action,
        resource,
        owner,
        who=f"arn:aws:sts::{RED}:assumed-role/runhaven/runhaven-red",
        context={"s3:ResourceAccount": owner, **context} if action.startswith("s3:") else context,
        identity=[role or role_policy(VAULT)],
        session=session,
        resource_policy=resource_policy,
    )


@judges
@HOW
def test_everything_below_the_prefix_is_open(how):
    """Objects below the prefix are read, written and deleted, versions and parts too, and listed."""
    objects = [asked(action, key, **how) for action in OBJECTS for key in OWN]
    lists = [asked(action, BUCKET, **{"s3:prefix": "runhaven/red/runs/"}, **how) for action in LISTS]
    assert judged(*objects, *lists) == [YES] * (len(objects) + len(lists))


@judges
@HOW
@pytest.mark.parametrize("where", FOREIGN)
def test_nothing_else_is_open(how, where):
    """Whatever lies beside or above the prefix, or in another bucket, is closed."""
    assert judged(*[asked(action, FOREIGN[where], **how) for action in OBJECTS]) == [NO] * len(OBJECTS)


@judges
@HOW
def test_the_same_bucket_in_another_account_is_closed(how):
    """Were the bucket deleted and its name taken by one who lets everybody in, nothing would go there."""
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": [BUCKET, f"{BUCKET}/*"]}
    lure = {"resource_policy": {"Version": "2012-10-17", "Statement": [everybody]}, "owner": BLUE, **how}
    objects = [asked(action, OWN[0], **lure) for action in OBJECTS]
    lists = [asked(action, BUCKET, **{"s3:prefix": "runhaven/red/"}, **lure) for action in LISTS]
    assert judged(*objects, *lists) == [NO] * (len(objects) + len(lists))


@judges
@HOW
@pytest.mark.parametrize("prefix", ["runhaven/blue/", "runhaven/red-team/", "runhaven/re", "runhaven/", ""])
def test_only_the_prefix_is_listed(how, prefix):
    """A listing that begins elsewhere is refused."""
    assert judged(*[asked(act, BUCKET, **{"s3:prefix": prefix}, **how) for act in LISTS]) == [NO, NO]


@judges
def test_a_session_lists_nothing_without_a_prefix():
    """Only the check of a vault asks for the bucket as a whole."""
    inspecting = json.loads(session_policy(VAULT, inspect=True))
    assert judged(
        asked("s3:ListBucket", BUCKET, session=SESSION),
        asked("s3:GetBucketVersioning", BUCKET, session=SESSION),
        asked("s3:ListBucket", BUCKET, session=inspecting),
        asked("s3:GetBucketVersioning", BUCKET, session=inspecting),
    ) == [NO, NO, YES, YES]


@judges
@HOW
def test_the_bucket_itself_stays_as_it_is(how):
    """Neither its policy nor its versioning is changed, nothing else in the account is touched."""
    acts = ["s3:DeleteBucket", "s3:PutBucketPolicy", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration"]
    changes = [asked(act, BUCKET, **how) for act in acts]
    changes += [asked(act, OWN[0], **how) for act in ("s3:PutObjectAcl", "s3:BypassGovernanceRetention")]
    changes.append(asked("iam:UpdateAssumeRolePolicy", ROLE, **how))
    assert judged(*changes) == [NO] * len(changes)


@judges
@HOW
def test_the_key_is_used_through_s3_only(how):
    """Data keys are made and opened by S3 in the vault's region; nothing else is done with the key."""
    account = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{RED}:root"}, "Action": "kms:*"}
    policy = {"Version": "2012-10-17", "Statement": [{**account, "Resource": "*"}]}

    def key(action, service, at=KEY):
        return asked(action, at, resource_policy=policy, **{"kms:ViaService": service}, **how)

    s3, other = "s3.eu-central-1.amazonaws.com", KEY.replace("1111-", "3333-")
    assert judged(key("kms:GenerateDataKey", s3), key("kms:Decrypt", s3)) == [YES, YES]
    assert (
        judged(
            key("kms:Decrypt", "dynamodb.eu-central-1.amazonaws.com"),
            key("kms:Decrypt", "s3.us-east-1.amazonaws.com"),
            key("kms:Decrypt", s3, other),
            key("kms:ScheduleKeyDeletion", s3),
        )
        == [NO] * 4
    )


def entering(*, who=CONTROL, shown="runhaven-1", may_assume=True):
    """May *who* assume the vault's role, showing an ExternalId or none."""
    assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE}
    return simulation(
        "sts:AssumeRole",
        ROLE,
        RED,
        who=who,
        context={} if shown is None else {"sts:ExternalId": shown},
        identity=[{"Version": "2012-10-17", "Statement": [assume]}] if may_assume else [],
        resource_policy=rendered(
            "trust.json", control_role=f"arn:aws:iam::{HOME}:role/runhaven-api", external_id="runhaven-1"
        ),
    )


@judges
def test_only_this_house_with_the_external_id_gets_in():
    """The control plane's role gets in with the team's ExternalId, and with no other and none it does not."""
    answers = judged(
        entering(),
        entering(shown="runhaven-2"),
        entering(shown="runhaven-11"),
        entering(shown=""),
        entering(shown=None),
        entering(may_assume=False),
    )
    assert answers == [YES, *[NO] * 5]


@judges
@pytest.mark.parametrize(
    "who",
    [
        f"arn:aws:sts::{HOME}:assumed-role/another/x",
        f"arn:aws:sts::{HOME}:assumed-role/runhaven-api-2/x",
        f"arn:aws:iam::{HOME}:user/root",
        f"arn:aws:sts::{BLUE}:assumed-role/runhaven-api/api",
        f"arn:aws:sts::{RED}:assumed-role/runhaven-api/api",
    ],
)
def test_nobody_else_gets_in(who):
    """A role of another name or of another account does not get in, although it knows the ExternalId."""
    assert judged(entering(who=who)) == [NO]


def test_a_session_policy_fits():
    """With the longest names it stays below the 2,048 characters that STS takes."""
    team, account, region = "t" * 63, "1" * 12, "ap-southeast-1"
    key = f"arn:aws-us-gov:kms:{region}:{account}:key/mrk-{'1' * 32}"
    role = f"arn:aws-us-gov:iam::{account}:role/{'r' * 64}"
    longest = Vault(team, account, "b" * 63, region, role, "x" * 41, f"runhaven/{team}/", key)
    assert len(session_policy(longest, inspect=True)) <= 1_600
    assert "arn:aws-us-gov:s3:::" in session_policy(longest)


def test_without_a_key_the_policy_names_none():
    """Where S3's own keys encrypt, no key is asked for."""
    assert "kms" not in session_policy(replace(VAULT, kms_key=None))


def test_another_server_judges_without_accounts():
    """A server that is not AWS takes no policy with accounts or keys; the prefix is cut all the same."""
    policy = session_policy(VAULT, aws=False)
    assert "ResourceAccount" not in policy
    assert "kms" not in policy
    assert policy.count("runhaven/red/*") == 2


def test_the_module_s_role_is_no_wider_than_a_check_s_session():
    """What the module lets the role do, by action, is what the house's sessions take, and nothing besides."""

    def actions(policy):
        return {action for rule in policy["Statement"] for action in rule["Action"]}

    assert actions(role_policy(VAULT)) == actions(json.loads(session_policy(VAULT, inspect=True)))


@judges
def test_a_url_works_from_the_allowed_networks_only():
    """Whose session is bound to networks reads and writes from there, and nothing else from anywhere."""
    office, away = {"aws:SourceIp": "198.51.100.7"}, {"aws:SourceIp": "203.0.113.9"}
    six, other = {"aws:SourceIp": "2001:db8:1::7"}, {"aws:SourceIp": "2001:db8:2::7"}
    networks = ["198.51.100.0/24", "2001:db8:1::/48"]
    bound = json.loads(session_policy(VAULT, only_from=networks))
    urls = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]

    def all_of(actions, where, **context):
        return [asked(each, where, session=bound, **context) for each in actions]

    assert judged(*all_of(urls, OWN[0], **office), *all_of(urls, OWN[0], **six)) == [YES] * 6
    assert judged(*all_of(urls, OWN[0], **away), *all_of(urls, OWN[0], **other)) == [NO] * 6
    assert judged(*all_of(urls, OWN[0])) == [NO] * 3
    assert judged(*all_of(urls, FOREIGN["another prefix"], **office)) == [NO] * 3
    beside = ["s3:DeleteObject", "s3:AbortMultipartUpload"]
    assert judged(*all_of(beside, OWN[0], **office), *all_of(LISTS, BUCKET, **office)) == [NO] * 4
    account = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{RED}:root"}, "Action": "kms:*"}
    policy = {"Version": "2012-10-17", "Statement": [{**account, "Resource": "*"}]}
    through = {"kms:ViaService": "s3.eu-central-1.amazonaws.com", "resource_policy": policy}
    assert judged(*all_of(["kms:Decrypt", "kms:GenerateDataKey"], KEY, **through)) == [YES] * 2
