"""Bad moments between a client and S3: what is lost, what is sent again, and what everybody is told."""

import os
import time
from dataclasses import replace

import pytest
import requests

from functions import settings
from functions.artifacts import service, sessions, signing
from functions.errors import NotFound, Unavailable
from runhaven.wire.artifacts import SINGLE_BYTES
from tests.functions.artifacts import road
from tests.functions.artifacts.scene import described, digest, keeper, send
from tests.functions.artifacts.weather import Weather

pytestmark = pytest.mark.engine


@pytest.fixture
def way(real, minio, monkeypatch):
    """The road that the clients of a run take to a real S3 server; the house has a way of its own."""
    with road.opened(minio) as way:
        settings.use(replace(settings.settings(), s3_public_url=way.url))
        yield way
        settings.use(replace(settings.settings(), s3_public_url=""))


BUSY = [(503, "SlowDown"), (500, "InternalError")]


def test_a_put_that_s3_turns_away_is_sent_again_by_its_url(real, way):
    """503 and 500 on a PUT store nothing and are told as missing; the same URL works once S3 does."""
    wanted = described("a", b"body")
    offers = real.offer(wanted)
    for trouble in BUSY:
        way.troubles.append(trouble)
        assert real.transfer(offers, b"body") == [trouble[0]]
        assert real.complete([wanted], offers).missing == ["a"]
    assert real.objects("files/") == []
    assert real.transfer(offers, b"body") == [200]
    assert real.complete([wanted], offers).missing == []
    assert real.fetch("a") == b"body"


def test_a_part_that_s3_turns_away_is_sent_again_alone(real, way):
    """503 and 500 on parts of a large file cost these parts only, by the same URLs or by new ones."""
    body = os.urandom(SINGLE_BYTES + 1)
    wanted = described("big", body)
    (offer,) = real.offer(wanted)
    way.troubles += BUSY
    assert real.transfer([offer], body) == [503, 500, 200]
    assert real.complete([wanted], [offer]).missing == ["big"]
    (again,) = real.offer(wanted)
    assert [part.number for part in again.parts] == [1, 2]
    assert real.transfer([replace(again, parts=again.parts[:1])], body) == [200]
    assert real.transfer([replace(offer, parts=offer.parts[1:2])], body) == [200]
    assert real.complete([wanted], [offer]).missing == []
    assert real.fetch("big") == body


def test_a_put_whose_answer_is_lost_is_stored(real, way):
    """A PUT that arrives although its answer does not is refused when it comes again, and is stored once."""
    wanted = described("a", b"answer lost")
    (offer,) = real.offer(wanted)
    way.troubles.append(road.LOST)
    with pytest.raises(requests.ConnectionError):
        send("PUT", offer.url, offer.headers, b"answer lost")
    assert send("PUT", offer.url, offer.headers, b"answer lost").status_code == 412
    assert real.complete([wanted], [offer]).missing == []
    assert real.objects("files/") == [f"files/{digest(b'answer lost')}"]


def test_urls_that_expired_are_asked_for_anew(real, monkeypatch):
    """When URLs expire in the middle of an upload, new ones come for what is missing, and only for that."""
    body = os.urandom(SINGLE_BYTES + 1)
    wanted = [described("big", body), described("small", b"small")]
    with monkeypatch.context() as hasty:
        for sign in (signing.presign_part, signing.presign_put):
            hasty.setitem(sign.__kwdefaults__, "expires", 2)
        offers = real.offer(*wanted)
    assert real.transfer([replace(offers[0], parts=offers[0].parts[2:])], body) == [200]
    time.sleep(3.1)
    assert real.transfer(offers, body, b"small") == [403] * 4
    fresh = real.offer(*wanted)
    assert [[part.number for part in each.parts] for each in fresh] == [[1, 2], []]
    assert real.transfer(fresh, body, b"small") == [200] * 3
    assert real.complete(wanted, fresh).missing == []
    assert real.fetch("big") == body


def test_a_url_from_a_clock_that_is_wrong_is_refused(real, monkeypatch):
    """A URL that was signed an hour ahead or behind opens nothing; one that is signed now does."""
    ahead, behind = time.time() + 3600, time.time() - 3600
    for wrong in (ahead, behind):
        with monkeypatch.context() as clock:
            clock.setattr(signing.time, "time", lambda wrong=wrong: wrong)
            url = service.upload_url(real.who, real.owner, "a")
        assert send("PUT", url.url, url.headers, b"x").status_code == 403
    url = service.upload_url(real.who, real.owner, "a")
    assert send("PUT", url.url, url.headers, b"x").status_code == 200


def test_a_completion_of_mlflow_s_that_says_200_and_fails(real):
    """When S3 ends its answer to an MLflow client's completion with an error, there is no file yet."""
    body = os.urandom(6 * 2**20)
    upload_id, signed = service.begin_upload(real.who, real.owner, "m", 2)
    parts = []
    for number, (url, piece) in enumerate(
        zip(signed, (body[: 5 * 2**20], body[5 * 2**20 :]), strict=True), 1
    ):
        parts.append((number, send("PUT", url.url, url.headers, piece).headers["etag"]))
    sessions.forget()
    weather = Weather()
    weather.rules["CompleteMultipartUpload"] = lambda _: (200, "InternalError")
    with pytest.raises(Unavailable):
        service.complete_upload(real.who, real.owner, "m", upload_id, parts)
    assert list(service.listing(real.who, real.owner)) == []
    assert real.newest("m").status_code == 404
    weather.rules.clear()
    service.complete_upload(real.who, real.owner, "m", upload_id, parts)
    assert real.newest("m").content == body


def test_an_upload_of_mlflow_s_that_was_left_is_no_file(real):
    """Parts that nobody completes are in no list; once the bucket has dropped them, completing is a 404."""
    upload_id, signed = service.begin_upload(real.who, real.owner, "left", 2)
    etag = send("PUT", signed[0].url, signed[0].headers, os.urandom(5 * 2**20)).headers["etag"]
    assert list(service.listing(real.who, real.owner)) == []
    key = f"{real.vault.prefix}runs/{real.experiment_id}/{real.owner}/artifacts/left"
    keeper(real.vault).abort_multipart_upload(Bucket=real.vault.bucket, Key=key, UploadId=upload_id)
    with pytest.raises(NotFound):
        service.complete_upload(real.who, real.owner, "left", upload_id, [(1, etag)])
    assert send("PUT", signed[1].url, signed[1].headers, b"late").status_code == 404
    real.put("left", b"anew")
    real.is_whole()
