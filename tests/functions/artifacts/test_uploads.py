"""Large files go up in parts, which may be sent days apart; and what a real S3 server refuses."""

import hashlib
import os
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions import table
from functions.artifacts import files, items, paths, service, sessions, vaults
from functions.errors import NotFound, Unavailable
from runhaven.wire.artifacts import PART_BYTES, SINGLE_BYTES
from tests.functions.artifacts.scene import Crash, at_call, described, digest, send

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def large():
    """Bytes that go up in three parts, the last of them one byte."""
    return random.Random(4).randbytes(SINGLE_BYTES + 1)


@pytest.fixture
def body(large):
    """The same, but other bytes for every test."""
    return os.urandom(16) + large[16:]


def test_a_url_is_for_its_file_only(real):
    """A longer body, another one, another key and a second write are refused by the vault itself."""
    wanted = described("a", b"right")
    put = real.offer(wanted)[0]
    for body in (b"wrong", b"right!", b""):
        assert send("PUT", put.url, {**put.headers, "content-length": str(len(body))}, body).status_code in {
            400,
            403,
        }
    elsewhere = put.url.replace(wanted.sha256, digest(b"other"))
    assert send("PUT", elsewhere, put.headers, b"right").status_code == 403
    assert [send("PUT", put.url, put.headers, b"right").status_code for _ in range(2)] == [200, 412]
    assert real.complete([wanted], [put]).missing == []


def test_a_large_file_goes_up_in_parts(real, body):
    """Each part has a URL of its own, of exactly that part; the file is stored when all have arrived."""
    wanted = described("big.bin", body, step=3)
    offer = real.offer(wanted)[0]
    assert (offer.state, [part.number for part in offer.parts], offer.more) == ("parts", [1, 2, 3], 0)
    first = offer.parts[0]
    assert send("PUT", first.url, first.headers, body[1 : PART_BYTES + 1]).status_code in {400, 403}
    assert real.complete([wanted], [offer]).missing == ["big.bin"]
    assert real.transfer([offer], body) == [200] * 3
    done = real.complete([wanted], [offer])
    assert [(each.size, each.sha256, each.step) for each in done.stored] == [(len(body), digest(body), 3)]
    real.logged = {"big.bin": body}
    real.is_whole()
    assert real.complete([wanted], [offer]) == done
    other = real.a_run()
    assert other.offer(wanted)[0].state == "have"


def files_address(wanted):
    """The address of a large file: the SHA-256 of its parts' SHA-256s, and how many."""
    joined = hashlib.sha256(b"".join(bytes.fromhex(part) for part in wanted.parts))
    return f"{joined.hexdigest()}-{len(wanted.parts)}"


def test_an_upload_is_resumed(real, body):
    """After a break only the missing parts are asked for, of the same upload."""
    wanted = described("big.bin", body)
    offer = real.offer(wanted)[0]
    for part in (offer.parts[2], offer.parts[0]):
        start = (part.number - 1) * offer.part_size
        assert send("PUT", part.url, part.headers, body[start : start + offer.part_size]).status_code == 200
    again = real.offer(wanted)[0]
    assert ([part.number for part in again.parts], again.more) == ([2], 0)
    assert real.complete([wanted], [again]).missing == ["big.bin"]
    real.transfer([again], body)
    assert real.offer(wanted)[0].parts == []
    assert real.complete([wanted], [again]).missing == []


def test_urls_for_parts_come_in_pages(real, body, monkeypatch):
    """When there are more parts than one answer holds, the first ones come, and the rest when asked again."""
    monkeypatch.setattr(files, "MOST_PART_URLS", 2)
    small = os.urandom(10)
    wanted = [described("a", body), described("b", small), described("c", b"!" + body)]
    offers = real.offer(*wanted)
    assert [(each.state, len(each.parts), each.more) for each in offers] == [
        ("parts", 2, 1), ("put", 0, 0), ("parts", 0, 3),
    ]  # fmt: skip
    bodies = [body, small, b"!" + body]
    for _ in range(4):
        real.transfer(offers, *bodies)
        offers = real.offer(*wanted)
    assert real.complete(wanted, offers).missing == []
    real.logged = dict(zip("abc", bodies, strict=True))
    real.is_whole()


def test_nobody_puts_other_bytes_under_a_digest(real, body):
    """Who sends other bytes under somebody's SHA-256 in parts gets an address of his own, not the other's."""
    evil = b"evil" + body[4:]
    claimed = described("x", evil)
    claimed = type(claimed)("x", claimed.size, digest(body), claimed.parts)
    offers = real.offer(claimed)
    real.transfer(offers, evil)
    assert real.complete([claimed], offers).missing == []
    honest = described("y", body)
    assert real.offer(honest)[0].state == "parts"
    real.log({"y": body})
    assert real.fetch("y") == body


def test_a_dropped_upload_begins_again(real, body):
    """An upload that the bucket's lifecycle has dropped is begun anew, with all its parts."""
    wanted = described("big.bin", body)
    offer = real.offer(wanted)[0]
    real.transfer([offer], body)
    note = items.upload(real.grant, files_address(wanted))
    held = table.get(items.Upload, note).upload_id
    vaults.abort_upload(real.vault, paths.of_content(files_address(wanted)), held)
    assert real.complete([wanted], [offer]).missing == ["big.bin"]
    again = real.offer(wanted)[0]
    assert [part.number for part in again.parts] == [1, 2, 3]
    real.transfer([again], body)
    assert real.complete([wanted], [again]).missing == []


def test_two_senders_share_one_upload(real, body):
    """Two clients that send the same new file at once are given the same upload, and both succeed."""
    wanted = described("big.bin", body)
    with ThreadPoolExecutor(4) as pool:
        offers = list(pool.map(lambda _: real.offer(wanted)[0], range(4)))
        assert len({offer.parts[0].url.split("uploadId=")[1].split("&")[0] for offer in offers}) == 1
        list(pool.map(lambda offer: real.transfer([offer], body), offers[:2]))
        done = list(pool.map(lambda offer: real.complete([wanted], [offer]).missing, offers))
    assert done == [[]] * 4
    assert len(real.objects("files/")) == 1


def test_an_error_in_a_completion_that_says_200_is_an_error(real, body):
    """When S3 answers a completion with 200 and an error, nothing is stored; a retry stores it."""
    wanted = described("big.bin", body)
    offers = real.offer(wanted)
    real.transfer(offers, body)
    events = sessions.session(real.vault)._client.meta.events
    left = [3]

    def spoilt(request, **_):
        from botocore.awsrequest import AWSResponse

        if "uploadId" not in request.url or request.method != "POST" or not left[0]:
            return None
        left[0] -= 1
        text = b"<Error><Code>InternalError</Code><Message>We failed.</Message></Error>"
        return AWSResponse(request.url, 200, {}, _Raw(text))

    events.register("before-send.s3.CompleteMultipartUpload", spoilt)
    try:
        with pytest.raises(Unavailable):
            real.complete(wanted=[wanted], offers=offers)
        real.is_whole()
        assert real.complete([wanted], offers).missing == []
    finally:
        events.unregister("before-send.s3.CompleteMultipartUpload", spoilt)
    assert left == [0]
    real.logged = {"big.bin": body}
    real.is_whole()


class _Raw:
    """The body of an answer that no server sent."""

    def __init__(self, text):
        self._text = text

    def stream(self, *_, **__):
        """The bytes."""
        yield self._text

    def read(self, *_, **__):
        """The bytes, once."""
        text, self._text = self._text, b""
        return text


def test_a_broken_completion_is_completed_by_a_retry(real, body):
    """Between whichever two calls the completion of a large file dies, a retry stores it once."""
    number = 0
    while True:
        here = real.a_run()
        path, mine = f"{number}.bin", os.urandom(16) + body[16:]
        wanted = described(path, mine)
        offers = here.offer(wanted)
        here.transfer(offers, mine)
        try:
            with at_call(here, number) as seen:
                done = here.complete([wanted], offers)
        except Crash:
            assert here.complete([wanted], offers).missing == []
            assert len(service.versions(here.who, here.owner, path).versions) == 1
            here.logged = {path: mine}
            here.is_whole()
            number += 1
        else:
            assert done.missing == []
            assert seen.count("CompleteMultipartUpload") == 1
            break
    assert number >= 6
    assert len(real.objects("files/")) == number + 1


def test_mlflows_parts_are_put_together(real, body):
    """An MLflow client's upload in parts is one file; its completion may come again, its abort too."""
    pieces = [body[:PART_BYTES], body[PART_BYTES:]]
    upload_id, signed = service.begin_upload(real.who, real.owner, "a/big", 2)
    etags = [
        (number, send("PUT", each.url, each.headers, piece).headers["etag"])
        for number, (each, piece) in enumerate(zip(signed, pieces, strict=True), 1)
    ]
    for _ in range(2):
        service.complete_upload(real.who, real.owner, "a/big", upload_id, etags)
    real.logged = {"a/big": body}
    real.is_whole()
    other, _ = service.begin_upload(real.who, real.owner, "a/other", 1)
    for _ in range(2):
        service.abort_upload(real.who, real.owner, "a/other", other)
    with pytest.raises(NotFound):
        service.complete_upload(real.who, real.owner, "a/other", other, etags[:1])
