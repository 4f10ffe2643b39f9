"""What is written and read by presigned URLs through the laptop's S3 port."""

import pytest

from tests.functions.buckets import MIB, policy, send, shop, sum_of


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """An open shop."""
    with shop(tmp_path_factory.mktemp("objects")) as opened:
        yield opened


@pytest.fixture
def red(here):
    """Team red."""
    return here.red


NAMES = ["plain.txt", "a b/ü+%25 &=?#;.bin", "日本/🏃.txt", "%2e%2e/x", "~-_.!*'()", "a//b", "x/"]


@pytest.mark.parametrize("name", NAMES)
def test_an_object_comes_back(red, name):
    """What was written by one URL is read by another, whatever the object is called."""
    put = red.put(name, b"hello")
    assert put.status == 200
    got = red.get(name)
    assert (got.status, got.body) == (200, b"hello")
    assert got.headers["etag"] == put.headers["etag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert got.headers["x-amz-version-id"] == put.headers["x-amz-version-id"]


@pytest.mark.parametrize("size", [0, 1, 10 * MIB - 1, 10 * MIB, 10 * MIB + 1])
def test_sizes(red, size):
    """An object has the bytes that were sent, none, one, or some around a client's part size."""
    body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    assert red.put("size", body).status == 200
    got = red.get("size")
    assert got.headers["content-length"] == str(size)
    assert got.body == body
    head = send("HEAD", red.sign("HEAD", "size"))
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(size))


def test_what_was_said_comes_back(red):
    """Type, encoding and own words of a write come back; a signed URL may say other ones."""
    said = {"content-type": "text/plain", "content-language": "de", "x-amz-meta-who": "me"}
    red.put("said", b"x", headers=said)
    assert said.items() <= red.get("said").headers.items()
    got = red.get(
        "said",
        response_content_disposition="attachment; filename*=UTF-8''%C3%BC",
        response_content_type="a/b",
    )
    assert got.headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%BC"
    assert got.headers["content-type"] == "a/b"


def test_no_page_is_made_of_an_object(red):
    """A browser keeps no object, guesses no type, and runs nothing that stands in one."""
    red.put("page.html", b"<script>alert(1)</script>", headers={"content-type": "text/html"})
    headers = red.get("page.html").headers
    assert headers["content-security-policy"] == "sandbox"
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


RANGES = {
    "bytes=0-0": (206, "bytes 0-0/10", b"0"),
    "bytes=2-5": (206, "bytes 2-5/10", b"2345"),
    "bytes=7-": (206, "bytes 7-9/10", b"789"),
    "bytes=7-99": (206, "bytes 7-9/10", b"789"),
    "bytes=-3": (206, "bytes 7-9/10", b"789"),
    "bytes=-99": (206, "bytes 0-9/10", b"0123456789"),
    "bytes=5-2": (200, None, b"0123456789"),
    "bytes=0-1,4-5": (200, None, b"0123456789"),
    "lines=1-2": (200, None, b"0123456789"),
    f"bytes={10**30}-": (200, None, b"0123456789"),
}


@pytest.mark.parametrize("said", RANGES)
def test_ranges(red, said):
    """A part of an object is answered as such; what is no single range is answered whole."""
    red.put("digits", b"0123456789")
    got = red.get("digits", {"range": said})
    assert (got.status, got.headers.get("content-range"), got.body) == RANGES[said]


@pytest.mark.parametrize(
    ("body", "said"), [(b"0123456789", "bytes=10-"), (b"0", "bytes=-0"), (b"", "bytes=0-")]
)
def test_a_range_outside(red, body, said):
    """A range behind the end is refused as such."""
    red.put("short", body)
    got = red.get("short", {"range": said})
    assert (got.status, got.code) == (416, "InvalidRange")


def test_conditions_of_a_reader(red):
    """Who knows the object already, or wants another one, is told so."""
    etag = red.put("known", b"x").headers["etag"]
    moment = red.get("known").headers["last-modified"]
    assert red.get("known", {"if-none-match": etag}).status == 304
    assert red.get("known", {"if-none-match": '"other"'}).status == 200
    assert red.get("known", {"if-match": etag}).status == 200
    assert red.get("known", {"if-match": '"other"'}).status == 412
    assert red.get("known", {"if-modified-since": moment}).status == 304
    assert red.get("known", {"if-unmodified-since": "Thu, 01 Jan 2015 00:00:00 GMT"}).status == 412
    assert red.get("known", {"if-modified-since": "never"}).status == 200


def test_versions(red):
    """A second write keeps the first; a deletion hides all; each is there by its version."""
    first = red.put("twice", b"1").headers["x-amz-version-id"]
    second = red.put("twice", b"2").headers["x-amz-version-id"]
    gone = send("DELETE", red.sign("DELETE", "twice"))
    assert (gone.status, gone.headers["x-amz-delete-marker"]) == (204, "true")
    assert [red.get("twice", versionId=each).body for each in (first, second)] == [b"1", b"2"]
    assert red.get("twice", versionId=gone.headers["x-amz-version-id"]).status == 405
    assert red.get("twice", versionId="none").code == "NoSuchVersion"
    send("DELETE", red.sign("DELETE", "twice", versionId=gone.headers["x-amz-version-id"]))
    assert red.get("twice").body == b"2"


def test_what_is_missing_is_not_told(here, red):
    """A session that may list below its prefix only learns nothing of a missing object, as on AWS."""
    assert red.get("missing").code == "AccessDenied"
    lists = policy(
        {"Action": "s3:*", "Resource": [f"arn:aws:s3:::{red.bucket}", f"arn:aws:s3:::{red.bucket}/*"]}
    )
    assert red.get("missing", keys=red.enter(cut=lists)).code == "NoSuchKey"


def test_an_immutable_name_is_written_once(red):
    """With If-None-Match: * the first write wins, also after the second one's bytes have come."""
    new = {"if-none-match": "*"}
    assert red.put("once", b"first", headers=new).status == 200
    again = red.put("once", b"second", headers=new)
    assert (again.status, again.code) == (412, "PreconditionFailed")
    assert red.get("once").body == b"first"
    send("DELETE", red.sign("DELETE", "once"))
    assert red.put("once", b"third", headers=new).status == 200


SUMS = {
    "content-md5": "XUFAKrxLKna5cZ2REBfFkg==",
    "x-amz-checksum-crc32": "NhCmhg==",
    "x-amz-checksum-sha1": "qvTGHdzF6KLavt4PO0gs2a6pQ00=",
    "x-amz-checksum-sha256": sum_of(b"hello"),
}


@pytest.mark.parametrize("name", SUMS)
def test_sums_are_checked(red, name):
    """A body whose sum is another one is not stored, and a right one is, under any of S3's sums."""
    said = {name: SUMS[name]}
    assert red.put("summed", b"hello", headers=said).status == 200
    wrong = red.put("summed", b"hellO", headers=said)
    assert (wrong.status, wrong.code) == (400, "BadDigest")
    got = red.get("summed", {"x-amz-checksum-mode": "ENABLED"})
    assert got.status == 403, "the mode was not signed"
    assert red.get("summed").body == b"hello"


def test_sums_are_told(red):
    """A checksum that came with the object is told to who asks for it."""
    said = {"x-amz-checksum-sha256": sum_of(b"hello"), "x-amz-sdk-checksum-algorithm": "SHA256"}
    red.put("told", b"hello", headers=said)
    mode = {"x-amz-checksum-mode": "ENABLED"}
    got = send("HEAD", red.sign("HEAD", "told", headers=mode), None, mode)
    assert got.headers["x-amz-checksum-sha256"] == sum_of(b"hello")


STRANGE = {
    "x-amz-checksum-crc32c": "AAAAAA==",
    "x-amz-copy-source": "/vault-of-blue/runhaven/blue/secret",
    "x-amz-acl": "public-read",
    "x-amz-tagging": "a=b",
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "if-match": "*",
    "if-none-match": '"etag"',
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_not_done_is_not_ignored(red, name):
    """A write that asks for more than is done here is refused."""
    said = {name: STRANGE[name]}
    assert red.put("more", b"x", headers=said).status == 501
