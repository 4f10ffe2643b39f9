"""Presigned URLs: what they say, for how long, and that they are AWS's own signature."""

import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import example, given
from hypothesis import strategies as st

from functions import settings
from functions.artifacts import sessions, vaults
from functions.artifacts.sessions import Session
from functions.artifacts.signing import signed_query
from functions.errors import Unacceptable
from tests.functions.artifacts import towns

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NOW = 1_795_257_661


@pytest.fixture(scope="module")
def red():
    """A vault on an AWS in this process."""
    with towns.on_moto() as town:
        yield town.red


@pytest.fixture
def chosen(red):
    """Changes settings for one test."""
    before = settings.settings()
    yield lambda **more: settings.use(replace(before, **more))
    settings.use(before)


def query(url):
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def session(*, access="AKIA", secret="secret", token="to/ken+=="):
    given = {"AccessKeyId": access, "SecretAccessKey": secret, "SessionToken": token}
    return Session(towns.vault("red"), {**given, "Expiration": datetime.fromtimestamp(NOW + 3600, UTC)})


def by_botocore(held, region, method, url, **more):
    """What botocore's own signer makes of the same request at the same moment."""
    request = AWSRequest(method, url, headers=more["headers"], params=more["asked"])
    request.context["timestamp"] = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(NOW))
    keys = Credentials(held.access_key, held._secret, held._token)
    signer = S3SigV4QueryAuth(keys, "s3", region, expires=more["expires"])
    signer._modify_request_before_signing(request)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return {**query(request.url), "X-Amz-Signature": signer.signature(text, request)}


@given(
    key=TEXT,
    asked=st.dictionaries(st.sampled_from(["versionId", "uploadId", "partNumber"]), TEXT),
    token=TEXT,
)
@example(
    key="a b+c%2F/~é",
    asked={"response-content-disposition": "attachment; filename*=UTF-8''a%20b"},
    token="/+=",
)
def test_a_signature_is_botocore_s(key, asked, token):
    """Whatever the key, the parameters and the token, the query is what botocore's signer makes of them."""
    held = session(token=token)
    headers = {"host": "b.s3.eu-central-1.amazonaws.com", "content-length": "3", "if-none-match": "*"}
    path = "/" + vaults_quote(key)
    more = {"expires": 900, "headers": headers, "asked": asked}
    mine = signed_query(held, "eu-central-1", NOW, "PUT", path, **more)
    theirs = by_botocore(held, "eu-central-1", "PUT", f"https://{headers['host']}{path}", **more)
    assert query(f"?{mine}") == theirs


def vaults_quote(key):
    from urllib.parse import quote

    return quote(key)


def test_a_url_is_for_the_bucket_s_own_address(red):
    """On AWS the bucket is the host's first word, and the vault's prefix begins the path."""
    url = vaults.presign_get(red, "runs/1/a b").url
    assert url.startswith(f"https://{red.bucket}.s3.us-east-1.amazonaws.com/runhaven/red/runs/1/a%20b?")
    china = replace(red, region="cn-north-1")
    assert f"{red.bucket}.s3.cn-north-1.amazonaws.com.cn/" in vaults.presign_get(china, "a").url


@pytest.mark.parametrize(
    ("inside", "outside"), [("", "http://nas:9000/"), ("http://s3:1", "http://nas:9000")]
)
def test_another_server_has_the_bucket_in_the_path(red, chosen, inside, outside):
    """URLs lead to where clients reach the server, however the house itself does."""
    chosen(s3_url=inside, s3_public_url=outside)
    assert vaults.presign_get(red, "a").url.startswith(f"http://nas:9000/{red.bucket}/runhaven/red/a?")


def test_what_a_body_must_be_is_signed(red):
    """Length, checksum, newness, type and owner are signed, and are the headers to send."""
    signed = vaults.presign_put(red, "a", length=3, sha256="00" * 32, immutable=True)
    assert signed.headers == {
        "content-type": "application/octet-stream",
        "x-amz-expected-bucket-owner": red.account,
        "content-length": "3",
        "x-amz-sdk-checksum-algorithm": "SHA256",
        "x-amz-checksum-sha256": "A" * 43 + "=",
        "if-none-match": "*",
    }
    assert query(signed.url)["X-Amz-SignedHeaders"] == ";".join(sorted([*signed.headers, "host"]))


def test_a_bare_url_needs_no_headers(red):
    """A redirect and a link carry none, so that host alone is signed."""
    bare = [
        vaults.presign_put(red, "a", bare=True),
        vaults.presign_get(red, "a", bare=True),
        vaults.presign_part(red, "a", "upload", 1, bare=True),
    ]
    assert [(each.headers, query(each.url)["X-Amz-SignedHeaders"]) for each in bare] == [({}, "host")] * 3


def test_a_download_is_an_attachment(red):
    """A browser saves it under its own name, or the one given; only a caller's inline type is shown."""
    said = query(vaults.presign_get(red, 'a/b "ü".html').url)
    assert said["response-content-disposition"] == "attachment; filename*=UTF-8''b%20%22%C3%BC%22.html"
    assert said["response-content-type"] == "application/octet-stream"
    said = query(vaults.presign_get(red, "a", filename="plot.png", inline="image/png", version="v/1").url)
    assert said["response-content-disposition"] == "inline; filename*=UTF-8''plot.png"
    assert (said["response-content-type"], said["versionId"]) == ("image/png", "v/1")


@pytest.mark.parametrize("sha256", ["", "0" * 63, "g" * 64, "A" * 64, "0" * 64 + "\n"])
def test_a_checksum_that_is_none_is_refused(red, sha256):
    """Anything but 64 lower-case hex digits is 400."""
    with pytest.raises(Unacceptable) as wrong:
        vaults.presign_put(red, "a", sha256=sha256)
    assert wrong.value.field == "sha256"


def test_a_url_lives_a_quarter_of_an_hour(red):
    """That is also the most."""
    assert query(vaults.presign_get(red, "a").url)["X-Amz-Expires"] == "900"
    assert query(vaults.presign_put(red, "a", expires=60).url)["X-Amz-Expires"] == "60"


def test_the_region_of_the_vault_signs(red):
    """The signature is for the bucket's region and today, by the session's key."""
    scope = query(vaults.presign_get(replace(red, region="eu-west-3"), "a").url)["X-Amz-Credential"]
    assert re.fullmatch(r"ASIA\w+/\d{8}/eu-west-3/s3/aws4_request", scope)


@pytest.mark.slow
def test_signing_is_cheap(red):
    """A thousand URLs take less than a tenth of a second of CPU."""
    spent = []
    for _ in range(5):
        start = time.process_time()
        for number in range(1000):
            vaults.presign_put(red, f"runs/1/{number}", length=3, sha256="00" * 32, immutable=True)
        spent.append(time.process_time() - start)
    assert min(spent) < 0.1


def test_nothing_secret_is_shown(red):
    """Neither a vault nor a session prints its keys."""
    held = sessions.session(red)
    assert held._secret not in f"{held!r} {vars(red)}"
    assert held._secret not in vaults.presign_get(red, "a").url
