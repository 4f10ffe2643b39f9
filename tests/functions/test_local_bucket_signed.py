"""Who may use a presigned URL of the laptop's S3 port, for what, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.local_signed import Request, Session, _signature
from tests.functions.buckets import REGION, send, shop, sum_of


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """An open shop."""
    with shop(tmp_path_factory.mktemp("objects")) as opened:
        yield opened


@pytest.fixture
def red(here):
    """Team red."""
    return here.red


def tampered(url, **changed):
    """The URL with other values of its parameters."""
    for name, value in changed.items():
        head, _, tail = url.partition(f"X-Amz-{name}=")
        url = f"{head}X-Amz-{name}={value}&{tail.partition('&')[2]}".rstrip("&")
    return url


FORGED = {
    "no signature": (lambda url: url.partition("?")[0], 403, "AccessDenied"),
    "wrong signature": (lambda url: tampered(url, Signature="0" * 64), 403, "SignatureDoesNotMatch"),
    "empty signature": (lambda url: tampered(url, Signature=""), 403, "SignatureDoesNotMatch"),
    "another key": (lambda url: url.replace("/file", "/other", 1), 403, "SignatureDoesNotMatch"),
    "a key behind it": (lambda url: url.replace("/file", "/file/../other", 1), 403, "SignatureDoesNotMatch"),
    "another bucket": (lambda url: url.replace("of-red", "of-blue", 1), 403, "SignatureDoesNotMatch"),
    "a longer life": (lambda url: tampered(url, Expires="999"), 403, "SignatureDoesNotMatch"),
    "a week and more": (
        lambda url: tampered(url, Expires="604801"),
        400,
        "AuthorizationQueryParametersError",
    ),
    "an endless life": (lambda url: tampered(url, Expires="-1"), 400, "AuthorizationQueryParametersError"),
    "another date": (
        lambda url: tampered(url, Date="20150830T123600Z"),
        400,
        "AuthorizationQueryParametersError",
    ),
    "no date": (lambda url: tampered(url, Date="yesterday"), 400, "AuthorizationQueryParametersError"),
    "no host signed": (
        lambda url: tampered(url, SignedHeaders="range"),
        400,
        "AuthorizationQueryParametersError",
    ),
    "another algorithm": (
        lambda url: tampered(url, Algorithm="none"),
        400,
        "AuthorizationQueryParametersError",
    ),
    "another token": (lambda url: tampered(url, **{"Security-Token": "x"}), 400, "InvalidToken"),
    "an unknown key": (lambda url: url.replace("ASIA", "ASIB", 1), 403, "InvalidAccessKeyId"),
    "a version added": (lambda url: f"{url}&versionId=x", 403, "SignatureDoesNotMatch"),
    "a signature twice": (lambda url: f"{url}&x-amz-signature=x", 400, "InvalidArgument"),
    "nothing but one": (
        lambda url: f"{url.partition('?')[0]}?X-Amz-Signature=x",
        400,
        "AuthorizationQueryParametersError",
    ),
}


@pytest.mark.parametrize("how", FORGED)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_forged_url(red, how, method):
    """A URL that no session of this house has signed in just this form opens nothing."""
    red.put("file", b"mine")
    change, status, code = FORGED[how]
    answer = send(method, change(red.sign(method, "file")), b"theirs" if method == "PUT" else None)
    assert (answer.status, answer.code) == (status, code)
    assert red.get("file").body == b"mine"


def test_another_method(red):
    """A URL is for the method that it was signed for."""
    red.put("file", b"mine")
    for signed, sent in [
        ("GET", "PUT"),
        ("GET", "DELETE"),
        ("PUT", "GET"),
        ("PUT", "DELETE"),
        ("HEAD", "GET"),
    ]:
        answer = send(sent, red.sign(signed, "file"), b"x" if sent == "PUT" else None)
        assert answer.code == "SignatureDoesNotMatch"
    assert red.get("file").body == b"mine"


def test_time(red):
    """A URL works from when it was signed, minutes of a wrong clock allowed, until it expires."""
    now = datetime.now(UTC)
    red.put("file", b"x")
    at = {
        now - timedelta(seconds=899): 200,
        now - timedelta(seconds=902): 403,
        now + timedelta(minutes=14): 200,
        now + timedelta(minutes=16): 403,
    }
    assert [red.get("file", at=each).status for each in at] == list(at.values())


def test_a_session_that_has_ended(here, red):
    """A URL dies with the session that has signed it."""
    keys = red.enter(seconds=900)
    session = here.buckets.session(keys.access_key)
    kept = here.buckets.objects.note(f"session/{keys.access_key}")
    here.buckets.objects.write_note(f"session/{keys.access_key}", kept.replace(str(session.ends), "1.0"))
    assert red.get("file", keys=keys).code == "ExpiredToken"


def test_signed_headers_bind(red):
    """A signed length, checksum, owner or condition must come as it was signed, and none besides."""
    length = {"content-length": "5"}
    url = red.sign("PUT", "bound", headers=length)
    assert send("PUT", url, b"hello").status == 200
    assert send("PUT", url, b"hello!").code == "SignatureDoesNotMatch"
    assert send("PUT", url, b"hell").code == "SignatureDoesNotMatch"
    for name, value in {"x-amz-checksum-sha256": sum_of(b"hello"), "if-none-match": "*"}.items():
        url = red.sign("PUT", "bound", headers={name: value})
        assert send("PUT", url, b"hello").code == "SignatureDoesNotMatch"
        assert send("PUT", url, b"hello", {name: "x"}).code == "SignatureDoesNotMatch"
    unsigned = send("PUT", red.sign("PUT", "bound"), b"hello", {"x-amz-meta-a": "b"})
    assert (unsigned.status, unsigned.code) == (403, "AccessDenied")


def test_a_checksum_in_the_query_binds(red):
    """A signer that puts a checksum into the query binds the body as well."""
    url = red.sign("PUT", "hoisted", **{"x-amz-checksum-sha256": sum_of(b"hello")})
    assert send("PUT", url, b"other").code == "BadDigest"
    assert send("PUT", url, b"hello").status == 200


def test_the_owner_is_checked(red):
    """A write that expects another account's bucket is refused."""
    for account, status in {red.account: 200, "222222222222": 403}.items():
        assert red.put("owned", b"x", headers={"x-amz-expected-bucket-owner": account}).status == status


OUTSIDE = {
    "another team's prefix": {"key": "/runhaven/blue/x"},
    "a prefix that begins alike": {"key": "/runhaven/red2/x"},
    "above the prefix": {"key": "/x"},
    "another team's bucket": {"key": "/runhaven/blue/x", "bucket": "vault-of-blue"},
    "its own prefix there": {"key": "x", "bucket": "vault-of-blue"},
}


@pytest.mark.parametrize("where", OUTSIDE)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_outside_the_prefix(here, red, where, method):
    """A URL that a session signs for what it may not touch is refused, though the signature is right."""
    here.blue.put("x", b"secret")
    answer = send(method, red.sign(method, **OUTSIDE[where]), b"x" if method == "PUT" else None)
    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert here.blue.get("x").body == b"secret"


def test_amazons_own_example():
    """The signature of the example in AWS's documentation comes out as it stands there."""
    query = (
        b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3"
        b"%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    )
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    session = Session("AKIAIOSFODNN7EXAMPLE", secret, "", "1" * 12, 0.0, [], "")
    request = Request("GET", b"/test.txt", query, {"host": "examplebucket.s3.amazonaws.com"})
    given = _signature(request, session, "us-east-1", "20130524T000000Z", ["host"])
    assert given == "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"


def test_the_region_is_signed(here, red):
    """A URL that was signed for another region than its own credentials say is refused."""
    assert send("GET", red.sign("GET", "x").replace(REGION, "us-east-1", 1)).code == "SignatureDoesNotMatch"
