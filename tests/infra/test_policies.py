"""Which role of the control plane may do what, judged by IAM's rules over what OpenTofu has made."""

import json

import pytest

from tests.functions.artifacts.judge import judged, simulation
from tests.infra.conftest import PLATFORM, RED, REGION, VAULT
from tests.infra.scene import BLUE, MARKS, NEVER, NO, ROLES, YES, allowing, session
from tests.infra.tofu import INFRA

pytestmark = MARKS

FUNCTION = 'module.control_plane.aws_lambda_function.runhaven["api"]'

# What each role does to which partitions, as the functions are seen to do it.
KEYS = json.loads((INFRA / "modules/control_plane/keys.json").read_text("utf-8"))
ITEMS = [
    f"{verb}Item" for verb in ("Get", "BatchGet", "Put", "Update", "Delete", "BatchWrite", "ConditionCheck")
] + ["Query"]
TAG = "${aws:PrincipalTag/team}"
OWN_KEYS = {f"T#{TAG}": ["T#red"], f"T#{TAG}#*": ["T#red#E#1", "T#red#R#1"]}
FOREIGN_KEYS = [
    ["T#blue"], ["T#blue#E#1"], ["T#red-team"], ["T#redx#E#1"], ["T#red#E#1", "T#blue"], ["T#"], ["T#*"],
]  # fmt: skip
SHARED_KEYS = {
    "USER#*": "USER#1", "EMAIL#*": "EMAIL#1", "KEY#*": "KEY#1", "TEAMS": "TEAMS", "ADMINS": "ADMINS",
    "BUCKET#*": "BUCKET#b", "ROLE#*": "ROLE#1",
}  # fmt: skip


def told(role, action, place):
    """What keys.json says of it."""
    return YES if place in KEYS.get(role, {}).get(action, ()) else NO


@pytest.mark.parametrize("role", ROLES)
def test_a_role_does_with_each_key_what_keys_json_says(scene, role):
    """A role reaches keys of its session's team and of none for just those calls that its functions make."""
    places = {**OWN_KEYS, **{place: [key] for place, key in SHARED_KEYS.items()}}
    asked = [(action, place, key) for action in ITEMS for place, keys in places.items() for key in keys]
    answers = judged(*[scene.items(role, f"dynamodb:{action}", [key]) for action, _, key in asked])
    assert answers == [told(role, action, place) for action, place, _ in asked]
    assert (YES in answers) is (role in {"api", "data"})


@pytest.mark.parametrize("role", ROLES)
def test_nobody_reaches_another_team_s_keys(scene, role):
    """No role touches a partition of another team, also not beside one of its own, nor all of them."""
    asked = [scene.items(role, f"dynamodb:{action}", keys) for action in ITEMS for keys in FOREIGN_KEYS]
    asked += [scene.items(role, f"dynamodb:{action}", None) for action in ("Scan", "Query", "DeleteTable")]
    asked += [scene.items(role, "dynamodb:PartiQLSelect", ["T#red"])]
    assert set(judged(*asked)) == {NO}


def test_without_a_team_in_its_tag_a_session_reaches_nothing(scene):
    """Without a tag the role of the data touches nothing, and with another team's nothing of red."""
    own = [key for keys in OWN_KEYS.values() for key in keys]
    asked = [(action, key) for action in ITEMS for key in own]
    asked += [(action, key) for action in ITEMS for key in SHARED_KEYS.values()]
    untagged = [scene.items("data", f"dynamodb:{action}", [key], team="") for action, key in asked]
    blue = [scene.items("data", f"dynamodb:{action}", [key], team="blue") for action in ITEMS for key in own]
    assert set(judged(*untagged, *blue)) == {NO}


@pytest.mark.parametrize("role", ROLES)
def test_another_table_is_closed(scene, role):
    """A table of another deployment, in this account or another, is not reached by any key."""
    others = [
        scene.table + "-2",
        scene.table.replace(PLATFORM, BLUE),
        scene.table.replace("runhaven", "other"),
    ]
    keys = ["T#red", "T#red#E#1", *SHARED_KEYS.values()]
    asked = [scene.items(role, "dynamodb:GetItem", [key], table=table) for table in others for key in keys]
    assert set(judged(*asked)) == {NO}


@pytest.mark.parametrize("role", ROLES)
def test_the_roles_of_another_account_have_no_part_in_the_table(scene, role):
    """A role of the same name elsewhere reaches no key, whatever its own account allows it."""
    tagged = {"aws:PrincipalTag/team": "red"}
    elsewhere, anything = session(role, BLUE), [allowing("dynamodb:*")]
    asked = []
    for key in ("T#red", *SHARED_KEYS.values()):
        how = {"who": elsewhere, "context": {**tagged, "dynamodb:LeadingKeys": [key]}, "identity": anything}
        asked += [simulation(f"dynamodb:{action}", scene.table, PLATFORM, **how) for action in ITEMS]
    assert set(judged(*asked)) == {NO}


@pytest.mark.parametrize("own", [True, False], ids=["its own policy", "any policy"])
@pytest.mark.parametrize(("who", "answer"), [("api", YES), ("jobs", YES), ("stream", NO), ("vaults", NO)])
def test_functions_become_one_team(scene, who, answer, own):
    """The API and the jobs take on the role of the data for the team they name, and nobody else could."""
    tagged = {"aws:RequestTag/team": "red", "aws:TagKeys": ["team"]}
    policy = None if own else allowing("sts:*")
    asked = [
        scene.becoming(who, "data", action=act, policy=policy, **tagged)
        for act in ("sts:AssumeRole", "sts:TagSession")
    ]
    assert judged(*asked) == [answer, answer]


def test_nobody_becomes_every_team(scene):
    """Without a team, with a further tag, or from another account the role of the data lets nobody in."""
    tagged = {"aws:RequestTag/team": "red", "aws:TagKeys": ["team"]}
    more = {**tagged, "aws:TagKeys": ["team", "admin"]}
    stranger = scene.becoming("api", "data", policy=allowing("sts:*"), **tagged)
    stranger["request"]["principal"] = session("api", BLUE)
    assert judged(scene.becoming("api", "data"), scene.becoming("api", "data", **more), stranger) == [
        NO,
        NO,
        NO,
    ]


@pytest.mark.parametrize(("who", "answer"), [("api", YES), ("jobs", YES), ("stream", NO), ("data", NO)])
def test_functions_go_on_their_way_to_vaults(scene, who, answer):
    """The API and the jobs take on the role that the teams' accounts trust, and nobody else could."""
    both = scene.becoming(who, "vaults"), scene.becoming(who, "vaults", policy=allowing("sts:*"))
    assert judged(*both) == [answer, answer]


def test_the_vault_opens_to_the_right_role_with_the_right_external_id(scene):
    """Another ExternalId, none, another role, another account: each alone keeps the vault shut."""
    anything = allowing("sts:AssumeRole")
    assert judged(
        scene.entering(),
        scene.entering(shown="runhaven-" + "1" * 32),
        scene.entering(shown=VAULT["external_id"] + "0"),
        scene.entering(shown=""),
        scene.entering(shown=None),
        scene.entering(who="api"),
        scene.entering(who="api", policy=anything),
        scene.entering(who="data", policy=anything),
        scene.entering(who="jobs", policy=anything),
        scene.entering(who="stream", policy=anything),
        scene.entering(account=BLUE, policy=anything),
        scene.entering(account=RED, policy=anything),
    ) == [YES, *[NO] * 11]


def test_only_registered_roles_are_entered(scene):
    """A role that is not among team_roles is out of reach, whatever its trust says."""
    others = [f"arn:aws:iam::{RED}:role/admin", f"arn:aws:iam::{BLUE}:role/runhaven-red"]
    others.append(f"arn:aws:iam::{RED}:role/runhaven-red-2")
    assert judged(*[scene.entering(at=arn) for arn in others]) == [NO] * 3
    # In the platform's own account the trust would be enough.
    here = [f"arn:aws:iam::{PLATFORM}:role/{name}" for name in ("runhaven-red", "admin")]
    assert judged(*[scene.entering(at=arn) for arn in here]) == [NEVER] * 2


def test_a_role_does_nothing_else(scene):
    """Streams, queues, accounts and logs: each role has what its function does, and nobody more."""
    jobs, lost, dead = (scene.at_queue(name) for name in ("jobs", "lost", "dead"))
    pool = scene.made["module.control_plane.aws_cognito_user_pool.people"]["arn"]
    logs = f"arn:aws:logs:{REGION}:{PLATFORM}:log-group:/aws/lambda/runhaven-"
    may = {
        ("dynamodb:GetRecords", f"{scene.table}/stream/2026"): {"stream"},
        ("sqs:SendMessage", jobs): {"stream", "jobs"},
        ("sqs:SendMessage", lost): {"stream"},
        ("sqs:SendMessage", dead): set(),
        ("sqs:ReceiveMessage", jobs): {"jobs"},
        ("sqs:DeleteMessage", jobs): {"jobs"},
        ("sqs:ReceiveMessage", lost): set(),
        ("sqs:ReceiveMessage", dead): set(),
        ("cognito-idp:ListUsers", pool): {"api"},
        ("cognito-idp:AdminCreateUser", pool): {"api"},
        ("cognito-idp:AdminSetUserPassword", pool): set(),
        ("cognito-idp:AdminDeleteUser", pool): set(),
        ("logs:PutLogEvents", f"{logs}api:log-stream:1"): {"api"},
        ("logs:PutLogEvents", f"{logs}stream:log-stream:1"): {"stream"},
        ("logs:PutLogEvents", f"{logs}jobs:log-stream:1"): {"jobs"},
        ("s3:GetObject", f"{scene.bucket}/runhaven/red/x"): set(),
        ("dynamodb:UpdateTable", scene.table): set(),
        ("lambda:UpdateFunctionCode", scene.made[FUNCTION]["arn"]): set(),
        ("iam:PutRolePolicy", scene.at("aws_iam_role", "api")["arn"]): set(),
    }
    asked = [(role, action, resource) for action, resource in may for role in ROLES]
    answers = judged(*[scene.doing(*each) for each in asked])
    seen = {pair: set() for pair in may}
    for (role, action, resource), answer in zip(asked, answers, strict=True):
        if answer == YES:
            seen[action, resource].add(role)
    assert seen == may


def test_the_key_opens_what_a_role_works_with(scene):
    """The table for who touches it, the queues for who uses them, each through its service, and no more."""
    may = {
        ("kms:Decrypt", "dynamodb"): {"api", "stream", "data"},
        ("kms:Decrypt", "sqs"): {"stream", "jobs"},
        ("kms:GenerateDataKey", "sqs"): {"stream", "jobs"},
        ("kms:GenerateDataKey", "dynamodb"): set(),
        ("kms:Decrypt", "s3"): set(),
        ("kms:Decrypt", ""): set(),
        ("kms:ScheduleKeyDeletion", "dynamodb"): set(),
    }
    asked = [(role, action, by) for action, by in may for role in ROLES]
    answers = judged(*[scene.encrypting(*each) for each in asked])
    seen = {pair: set() for pair in may}
    for (role, action, by), answer in zip(asked, answers, strict=True):
        if answer == YES:
            seen[action, by].add(role)
    assert seen == may


def test_no_role_has_a_wildcard_on_everything(scene):
    """No identity policy names a wildcard action, or every resource."""
    policies = [each["policy"] for address, each in scene.made.items() if ".aws_iam_role_policy." in address]
    rules = [
        rule for policy in policies for rule in json.loads(policy)["Statement"] if rule["Effect"] == "Allow"
    ]
    assert len(policies) == 6
    for rule in rules:
        actions, resources = (
            [rule[what]] if isinstance(rule[what], str) else rule[what] for what in ("Action", "Resource")
        )
        assert [each for each in actions if "*" in each] == []
        assert "*" not in resources
