"""A presigned URL is for what was signed and nothing else, on a server that enforces it."""

import hashlib
import re
import time
from dataclasses import replace

import pytest

from functions.artifacts import sessions, vaults
from functions.errors import Unacceptable
from functions.roles import Slot
from tests.functions.artifacts.towns import sent

pytestmark = pytest.mark.engine

BODY = b"ten bytes!"
SHA256 = hashlib.sha256(BODY).hexdigest()


def exists(town, vault, key):
    """Whether the object is there, by the keeper's own look."""
    found = town.keeper.list_objects_v2(Bucket=vault.bucket, Prefix=vault.prefix + key)
    return any(each["Key"] == vault.prefix + key for each in found.get("Contents", ()))


@pytest.fixture
def key(request):
    """A name that no other test writes."""
    return f"runs/0/{request.node.name}/a b+ü%.bin"


def put(town, key, **more):
    return vaults.presign_put(town.red, key, length=len(BODY), sha256=SHA256, **more)


def refused(town, reply, key, *codes):
    """The server said no in one of these words, and wrote nothing."""
    assert reply.status in {400, 403}
    assert reply.code in codes
    assert not exists(town, town.red, key)
    return True


def test_what_was_signed_goes_through(town, key):
    """The very body with the very headers is written, and read back as an attachment of no type."""
    assert sent("PUT", put(town, key), BODY).status == 200
    found = sent("GET", vaults.presign_get(town.red, key))
    assert (found.status, found.body) == (200, BODY)
    assert found.headers["Content-Type"] == "application/octet-stream"
    assert found.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a%20b%2B%C3%BC%25.bin"
    assert sent("GET", vaults.presign_get(town.red, key, bare=True), headers={}).body == BODY


def test_a_wrong_signature_is_refused(town, key):
    """One changed digit of the signature is enough."""
    signed = put(town, key)
    last = "0" if signed.url[-1] != "0" else "1"
    reply = sent("PUT", signed, BODY, url=signed.url[:-1] + last)
    assert refused(town, reply, key, "SignatureDoesNotMatch")


def test_another_key_is_refused(town, key):
    """A URL for one object writes no other."""
    signed = put(town, key)
    reply = sent("PUT", signed, BODY, url=signed.url.replace("runs/0/", "runs/1/"))
    assert refused(town, reply, key, "SignatureDoesNotMatch")
    assert not exists(town, town.red, key.replace("runs/0/", "runs/1/"))


def test_another_method_is_refused(town, key):
    """A URL that reads does not write or delete, and one that writes does not read."""
    town.keeper.put_object(Bucket=town.red.bucket, Key=town.red.prefix + "runs/0/there", Body=BODY)
    reads, writes = vaults.presign_get(town.red, "runs/0/there"), put(town, "runs/0/there")
    assert sent("PUT", vaults.presign_get(town.red, key), BODY).code == "SignatureDoesNotMatch"
    assert sent("DELETE", reads).code == "SignatureDoesNotMatch"
    assert sent("GET", writes, headers=writes.headers).status in {400, 403}
    assert exists(town, town.red, "runs/0/there")
    assert not exists(town, town.red, key)


def test_an_expired_url_is_refused(town, key):
    """After its time a URL is worth nothing."""
    signed = put(town, key, expires=1)
    time.sleep(2.1)
    assert refused(town, sent("PUT", signed, BODY), key, "AccessDenied", "ExpiredToken", "RequestExpired")


@pytest.mark.parametrize("name", ["X-Amz-Expires=900", "X-Amz-Date=2"])
def test_a_url_s_time_cannot_be_changed(town, key, name):
    """Who gives a URL more time, or a later beginning, breaks its signature."""
    signed = put(town, key)
    changed = {"X-Amz-Expires=900": "X-Amz-Expires=90000", "X-Amz-Date=2": "X-Amz-Date=3"}[name]
    reply = sent("PUT", signed, BODY, url=signed.url.replace(name, changed))
    assert refused(town, reply, key, "SignatureDoesNotMatch", "RequestNotReadyYet", "AccessDenied")


def test_a_longer_body_is_refused(town, key):
    """More bytes than were signed are not written, whatever length is named."""
    signed, longer = put(town, key), BODY + b"!"
    honest = {**signed.headers, "content-length": str(len(longer))}
    assert refused(town, sent("PUT", signed, longer, headers=honest), key, "SignatureDoesNotMatch")


def test_a_shorter_body_is_refused(town, key):
    """Nor are fewer."""
    signed = put(town, key)
    honest = {**signed.headers, "content-length": "3"}
    assert refused(town, sent("PUT", signed, BODY[:3], headers=honest), key, "SignatureDoesNotMatch")


def test_other_bytes_of_the_same_length_are_refused(town, key):
    """The body must have the SHA-256 that was signed."""
    reply = sent("PUT", put(town, key), b"other byte")
    assert refused(town, reply, key, "XAmzContentChecksumMismatch", "BadDigest")


def test_another_checksum_is_refused(town, key):
    """Who names the checksum of other bytes breaks the signature."""
    signed, other = put(town, key), b"other byte"
    theirs = vaults.presign_put(town.red, key, length=10, sha256=hashlib.sha256(other).hexdigest())
    reply = sent("PUT", signed, other, headers=theirs.headers)
    assert refused(town, reply, key, "SignatureDoesNotMatch")


@pytest.mark.parametrize("name", ["x-amz-checksum-sha256", "if-none-match", "x-amz-expected-bucket-owner"])
def test_a_header_that_was_signed_must_be_sent(town, key, name):
    """Without it the request is another one."""
    signed = put(town, key, immutable=True)
    left = {header: value for header, value in signed.headers.items() if header != name}
    assert refused(
        town, sent("PUT", signed, BODY, headers=left), key, "SignatureDoesNotMatch", "AccessDenied"
    )


def test_an_immutable_name_is_written_once(town, key):
    """The second write is refused, also with a URL that was signed before the first."""
    one, two = put(town, key, immutable=True), put(town, key, immutable=True)
    assert sent("PUT", one, BODY).status == 200
    for again in (one, two, put(town, key, immutable=True)):
        reply = sent("PUT", again, BODY)
        assert (reply.status, reply.code) == (412, "PreconditionFailed")
    assert len(vaults.versions(town.red, key)) == 1


def test_a_part_of_another_upload_is_refused(town, key):
    """A URL for one part sends no other part, to no other upload, and no other bytes."""
    mine, other = (vaults.create_upload(town.red, key, checksums=True) for _ in range(2))
    signed = vaults.presign_part(town.red, key, mine, 1, length=len(BODY), sha256=SHA256)
    elsewhere = signed.url.replace(re.search(r"uploadId=([^&]+)", signed.url)[1], other)
    for url in (elsewhere, signed.url.replace("partNumber=1", "partNumber=2")):
        assert sent("PUT", signed, BODY, url=url).code == "SignatureDoesNotMatch"
    assert sent("PUT", signed, b"other byte").status == 400
    assert vaults.parts(town.red, key, mine) == vaults.parts(town.red, key, other) == []
    for upload in (mine, other):
        vaults.abort_upload(town.red, key, upload)


def test_red_s_session_does_not_reach_blue_s_prefix(town, key):
    """What red's session signs for blue's bucket, or beside its own prefix, its policy refuses."""
    held = sessions.session(town.red)
    for stranger in (
        replace(town.red, bucket=town.blue.bucket, prefix=town.blue.prefix),
        replace(town.red, prefix="runhaven/blue/"),
        replace(town.red, prefix="runhaven/red-team/"),
        replace(town.red, prefix="runhaven/"),
        replace(town.red, prefix=""),
    ):
        town.keeper.put_object(Bucket=stranger.bucket, Key=f"{stranger.prefix}secret", Body=b"blue's")
        # As a bug would have it: red's session under the name of another vault.
        sessions._working.slots[stranger] = Slot(session=held)
        reads = vaults.presign_get(stranger, "secret")
        assert (sent("GET", reads).status, sent("GET", reads).code) == (403, "AccessDenied")
        writes = vaults.presign_put(stranger, "new")
        assert sent("PUT", writes, BODY).code == "AccessDenied"
        with pytest.raises(Unacceptable, match="AccessDenied"):
            list(vaults.listing(stranger, ""))
        with pytest.raises(Unacceptable, match="AccessDenied"):
            vaults.delete(stranger, ["secret"])
        vaults.forget(stranger)


def test_who_has_no_url_has_nothing(town, key):
    """Without a signature the bucket shows and takes nothing."""
    assert sent("PUT", put(town, key), BODY).status == 200
    plain = put(town, key).url.partition("?")[0]
    assert sent("GET", put(town, key), headers={}, url=plain).status == 403
    assert sent("PUT", put(town, key), b"new", headers={}, url=plain).status == 403
