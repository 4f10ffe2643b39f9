"""What the house itself finds in the laptop's buckets, and whom STS lets in."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.functions.buckets import Team, policy, refusal, service, shop


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """An open shop."""
    with shop(tmp_path_factory.mktemp("objects")) as opened:
        yield opened


@pytest.fixture
def red(here):
    """Team red, with nothing in its bucket."""
    while found := here.buckets.objects.versions(here.red.bucket, limit=1000):
        for each in found:
            here.buckets.objects.delete(each.bucket, each.key, each.version)
    return here.red


def names(page):
    """Keys and folders of a page."""
    folders = [each["Prefix"] for each in page.get("CommonPrefixes", ())]
    return [each["Key"] for each in page.get("Contents", ())], folders


def listed(team, prefix="", **asked):
    """All pages of a list below the team's prefix: keys and folders without it."""
    keys, folders, pages = [], [], 0
    while True:
        page = team.s3.list_objects_v2(Bucket=team.bucket, Prefix=team.prefix + prefix, **asked)
        pages += 1
        some, below = names(page)
        keys += [each.removeprefix(team.prefix) for each in some]
        folders += [each.removeprefix(team.prefix) for each in below]
        if not page["IsTruncated"]:
            return keys, folders, pages
        asked["ContinuationToken"] = page["NextContinuationToken"]


def test_both_ways_lead_to_the_same_objects(red):
    """What came through the port is found in the process, and the other way round."""
    version = red.put("a", b"by url", headers={"content-type": "text/plain"}).headers["x-amz-version-id"]
    found = red.s3.get_object(Bucket=red.bucket, Key=f"{red.prefix}a")
    assert (found["Body"].read(), found["ContentType"], found["VersionId"]) == (
        b"by url",
        "text/plain",
        version,
    )
    red.s3.put_object(Bucket=red.bucket, Key=f"{red.prefix}b", Body=b"by call", Metadata={"who": "me"})
    got = red.get("b")
    assert (got.body, got.headers["x-amz-meta-who"]) == (b"by call", "me")
    part = red.s3.get_object(Bucket=red.bucket, Key=f"{red.prefix}b", Range="bytes=3-")
    assert (part["Body"].read(), part["ContentRange"]) == (b"call", "bytes 3-6/7")


TREE = ["a", "a/1", "a/2/x", "a/2/y", "a/3", "a0", "a0/z", "b c/ü+%", "日本/🏃"]


def test_lists(red):
    """A list is in the order of the keys' bytes, by prefix, by folder, and in pages of any length."""
    for name in reversed(TREE):
        red.put(name, b"x")
    assert listed(red) == (TREE, [], 1)
    assert listed(red, MaxKeys=2) == (TREE, [], 5)
    assert listed(red, "a/") == (["a/1", "a/2/x", "a/2/y", "a/3"], [], 1)
    for most in (1, 2, 3, 100):
        keys, folders, _ = listed(red, Delimiter="/", MaxKeys=most)
        assert (keys, folders) == (["a", "a0"], ["a/", "a0/", "b c/", "日本/"])
        assert listed(red, "a/", Delimiter="/", MaxKeys=most)[:2] == (["a/1", "a/3"], ["a/2/"])
    assert listed(red, StartAfter=f"{red.prefix}a/2/x")[0] == TREE[3:]
    assert listed(red, Delimiter="/", StartAfter=f"{red.prefix}a/\U0010ffff")[:2] == (
        ["a0"],
        ["a0/", "b c/", "日本/"],
    )
    assert listed(red, "nothing") == ([], [], 1)


def test_a_folder_of_deleted_objects_is_gone(red):
    """What is deleted is in no list, nor is a folder that holds nothing else."""
    red.put("gone/x", b"x")
    red.s3.delete_object(Bucket=red.bucket, Key=f"{red.prefix}gone/x")
    assert listed(red, Delimiter="/") == ([], [], 1)


def history(team, **asked):
    """All versions and markers below the prefix, in pages, as (key, latest, deleted)."""
    seen = []
    while True:
        page = team.s3.list_object_versions(Bucket=team.bucket, Prefix=team.prefix, **asked)
        both = [(each, False) for each in page.get("Versions", ())] + [
            (e, True) for e in page.get("DeleteMarkers", ())
        ]
        seen += [
            (each["Key"].removeprefix(team.prefix), each["IsLatest"], gone, each["VersionId"])
            for each, gone in both
        ]
        if not page["IsTruncated"]:
            return seen
        asked |= {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}


def test_histories(red):
    """Versions and markers are listed newest first, whatever the length of the pages."""
    made = [red.put("b", body).headers["x-amz-version-id"] for body in (b"1", b"2", b"3")]
    red.put("a ü", b"x")
    marker = red.s3.delete_object(Bucket=red.bucket, Key=f"{red.prefix}b")["VersionId"]
    found = history(red)
    assert {each[:3] for each in found} == {("a ü", True, False), ("b", False, False), ("b", True, True)}
    assert [version for key, _, gone, version in found if key == "b" and not gone] == made[::-1]
    for most in (1, 2, 3):
        assert sorted(history(red, MaxKeys=most)) == sorted(found)
    assert (marker in {version for _, _, gone, version in found if gone}) is True


def test_deleting_while_listing_forgets_nothing(red):
    """Who deletes page by page, with markers of versions that he has just deleted, deletes all."""
    for name in ("a", "a", "a", "b", "c", "c"):
        red.put(name, b"x")
    asked, rounds = {}, 0
    while True:
        page = red.s3.list_object_versions(Bucket=red.bucket, Prefix=red.prefix, MaxKeys=2, **asked)
        doomed = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in page.get("Versions", ())]
        red.s3.delete_objects(Bucket=red.bucket, Delete={"Objects": doomed})
        rounds += 1
        if not page["IsTruncated"]:
            break
        asked = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    assert (history(red), rounds) == ([], 3)


def test_deleting_many(here, red):
    """A thousand versions are deleted in a call, and their files with them."""
    for number in range(50):
        red.put(f"many/{number}", b"x" * 100)
    doomed = [{"Key": red.prefix + key, "VersionId": version} for key, _, _, version in history(red)]
    red.s3.delete_objects(Bucket=red.bucket, Delete={"Objects": doomed, "Quiet": True})
    assert history(red) == []
    assert list((here.buckets.objects.directory / red.bucket).glob("??/*")) == []


def test_deleting_what_is_not_there(red):
    """A deletion leaves a marker, as on AWS; a version that is not there is no error."""
    red.s3.delete_object(Bucket=red.bucket, Key=f"{red.prefix}never")
    assert [each[:3] for each in history(red)] == [("never", True, True)]
    red.s3.delete_object(Bucket=red.bucket, Key=f"{red.prefix}never", VersionId="none")
    assert refusal(red.s3.head_object, Bucket=red.bucket, Key=f"{red.prefix}never") == ("403", 403)


def test_one_of_many_wins(red):
    """Of writers that want the same new name at once, in the process and through the port, one gets it."""
    start = threading.Barrier(12)

    def write(number):
        start.wait()
        body = str(number).encode()
        if number % 2:
            return red.put("once", body, headers={"if-none-match": "*"}).status
        asked = {"Bucket": red.bucket, "Key": f"{red.prefix}once", "Body": body, "IfNoneMatch": "*"}
        return (refusal(red.s3.put_object, **asked) or (None, 200))[1]

    with ThreadPoolExecutor(12) as pool:
        assert sorted(pool.map(write, range(12))) == [200] + [412] * 11
    assert len(history(red)) == 1


# ---- accounts, roles and sessions


def test_objects_lie_in_the_teams_account(here, red):
    """A bucket is in its team's account only, and is called by that account's name."""
    from moto.s3.models import s3_backends

    for team in (here.red, here.blue):
        assert list(s3_backends[team.account]["aws"].buckets) == [team.bucket]
        assert service("sts", team.keys).get_caller_identity()["Account"] == team.account
    other = "222222222222"
    asked = {"Bucket": red.bucket, "Prefix": red.prefix, "ExpectedBucketOwner": other}
    assert refusal(red.s3.list_objects_v2, **asked) == ("AccessDenied", 403)


@pytest.mark.parametrize("shown", ["id-of-blue", "", "ID-OF-RED"])
def test_a_wrong_external_id(red, shown):
    """Who shows another ExternalId, or none, is not let in."""
    asked = {"RoleArn": red.role, "RoleSessionName": "house"} | ({"ExternalId": shown} if shown else {})
    assert refusal(service("sts").assume_role, **asked) == ("AccessDenied", 403)


def test_a_role_that_is_not_there(red):
    """A role that nobody made lets nobody in."""
    for arn in (f"{red.role}2", "arn:aws:iam::333333333333:role/vault"):
        asked = {"RoleArn": arn, "RoleSessionName": "house", "ExternalId": "id-of-red"}
        assert refusal(service("sts").assume_role, **asked) == ("AccessDenied", 403)


CALLS = {
    "put_object": {"Body": b"x"},
    "get_object": {},
    "head_object": {},
    "delete_object": {},
    "create_multipart_upload": {},
}


@pytest.mark.parametrize("name", CALLS)
def test_a_session_is_cut_to_its_prefix(here, red, name):
    """In the process too, a session does nothing outside its prefix and nothing in another account."""
    here.blue.put("x", b"secret")
    denied = {("AccessDenied", 403), ("403", 403)}
    for bucket, key in [
        (red.bucket, "x"),
        (red.bucket, "runhaven/red2/x"),
        (here.blue.bucket, "runhaven/blue/x"),
    ]:
        assert refusal(getattr(red.s3, name), Bucket=bucket, Key=key, **CALLS[name]) in denied


def test_lists_are_cut_to_the_prefix(here, red):
    """A session lists below its prefix only, and deletes nothing else in a batch."""
    for prefix in ("", "runhaven/", "runhaven/red", "runhaven/blue/"):
        asked = {"Bucket": red.bucket, "Prefix": prefix}
        for call in (red.s3.list_objects_v2, red.s3.list_object_versions):
            assert refusal(call, **asked) == ("AccessDenied", 403)
    red.put("kept", b"x")
    both = {"Objects": [{"Key": f"{red.prefix}kept"}, {"Key": "runhaven/blue/x"}]}
    assert refusal(red.s3.delete_objects, Bucket=red.bucket, Delete=both) == ("AccessDenied", 403)
    assert refusal(red.s3.get_bucket_policy, Bucket=red.bucket) == ("AccessDenied", 403)
    assert red.get("kept").status == 200


def test_a_role_alone_is_cut_too(here, red):
    """A session without a policy of its own may do what its role may, and no more."""
    every = policy({"Action": "*", "Resource": "*"})
    keys = red.enter(cut=every)
    assert refusal(service("s3", keys).put_object, Bucket=red.bucket, Key="x", Body=b"") == (
        "AccessDenied",
        403,
    )
    service("s3", keys).put_object(Bucket=red.bucket, Key="runhaven/else", Body=b"")


def test_an_account_ends_at_its_border(here, red):
    """A role that may do everything may do nothing in another account's bucket, which did not let it in."""
    every = policy({"Action": "*", "Resource": "*"})
    anybody = policy({"Action": "sts:AssumeRole", "Principal": {"AWS": "*"}})
    here.buckets.furnish(red.account, red.bucket, "eu-central-1", role="wide", trust=anybody, policy=every)
    keys = replace(red, vault="wide").enter(cut=every)
    service("s3", keys).put_object(Bucket=red.bucket, Key="anywhere", Body=b"")
    theirs = {"Bucket": here.blue.bucket, "Key": "runhaven/blue/x", "Body": b""}
    assert refusal(service("s3", keys).put_object, **theirs) == ("AccessDenied", 403)


JUDGED = [
    ({"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}, False),
    (
        {
            "Effect": "Deny",
            "Action": "s3:PutObject",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        False,
    ),
    ({"Effect": "Deny", "NotAction": "s3:PutObject", "Resource": "*"}, False),
    ({"Effect": "Deny", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::other/*"}, True),
    ({"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::other/*"}, True),
]


@pytest.mark.parametrize(("rule", "allowed"), JUDGED)
def test_what_forbids_wins(red, rule, allowed):
    """What a policy forbids is forbidden, also where it is not understood."""
    rules = json.loads(policy({"Action": "s3:*", "Resource": "*"}))
    rules["Statement"].append(rule)
    keys = red.enter(cut=json.dumps(rules))
    found = refusal(service("s3", keys).put_object, Bucket=red.bucket, Key=f"{red.prefix}x", Body=b"")
    assert (found is None) is allowed


UNCERTAIN = [
    {"Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    {"Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalTag/team": "red"}}},
    {"NotAction": "s3:GetObject", "Resource": "*"},
    {"Action": "s3:*", "NotResource": "arn:aws:s3:::other/*"},
    {"Action": "s3:Put?bject", "Resource": "arn:aws:s3:::vault-of-re?/runhaven/red"},
]


@pytest.mark.parametrize("rule", UNCERTAIN)
def test_what_is_not_understood_allows_nothing(red, rule):
    """A rule with a condition that is not known here allows nothing."""
    keys = red.enter(cut=policy(rule))
    asked = {"Bucket": red.bucket, "Key": f"{red.prefix}x", "Body": b""}
    assert refusal(service("s3", keys).put_object, **asked) == ("AccessDenied", 403)


def test_a_team_is_no_pattern(red):
    """Characters of a policy's pattern stand for themselves, but for `*` and `?`."""
    here = Team(
        "red",
        red.account,
        red.url,
        red.enter(cut=policy({"Action": "s3:Put?bject", "Resource": "*:vault-of-red/*"})),
    )
    assert here.put("x", b"").status == 200
    dotted = policy({"Action": "s3:PutObject", "Resource": "arn.aws.s3...vault-of-red/*"})
    assert Team("red", red.account, red.url, red.enter(cut=dotted)).put("x", b"").status == 403


def test_a_bucket_that_holds_something_is_not_deleted(here, red):
    """A bucket is deleted when nothing lies in it, no marker either."""
    s3 = service("s3")
    red.s3.delete_object(Bucket=red.bucket, Key=f"{red.prefix}x")
    assert refusal(s3.delete_bucket, Bucket=red.bucket) == ("BucketNotEmpty", 409)
