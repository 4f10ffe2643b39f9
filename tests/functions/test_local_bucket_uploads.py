"""Multipart uploads into the laptop's buckets: parts through the port, the rest as the house asks for it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.local_uploads import PART_BYTES
from tests.functions.buckets import refusal, send, shop, sum_of

BIG = b"0123456789abcdef" * (PART_BYTES // 16)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """An open shop."""
    with shop(tmp_path_factory.mktemp("objects")) as opened:
        yield opened


class Sending:
    """An upload of team red, begun."""

    def __init__(self, here, key, **asked):
        self.team, self.key, self.place = (
            here.red,
            key,
            {"Bucket": here.red.bucket, "Key": here.red.prefix + key},
        )
        self.s3 = here.red.s3
        self.id = self.s3.create_multipart_upload(**self.place, **asked)["UploadId"]

    def part(self, number, body, headers=None, key=""):
        """Send a part by URL."""
        return self.team.put(key or self.key, body, headers=headers, partNumber=number, uploadId=self.id)

    def arrived(self, **asked):
        """The numbers of the parts that are there, in pages."""
        numbers = []
        while True:
            page = self.s3.list_parts(**self.place, UploadId=self.id, **asked)
            numbers += [part["PartNumber"] for part in page.get("Parts", ())]
            if not page["IsTruncated"]:
                return numbers
            asked["PartNumberMarker"] = page["NextPartNumberMarker"]

    def wanted(self, *numbers):
        """What completes it with these parts."""
        there = {
            part["PartNumber"]: part for part in self.s3.list_parts(**self.place, UploadId=self.id)["Parts"]
        }
        names = ("PartNumber", "ETag", "ChecksumSHA256")
        return {"Parts": [{name: there[n][name] for name in names if name in there[n]} for n in numbers]}

    def complete(self, parts, **asked):
        """The code with which completing is refused, or None."""
        asked |= {"UploadId": self.id, "MultipartUpload": parts}
        return refusal(self.s3.complete_multipart_upload, **self.place, **asked)


def test_parts_become_an_object(here):
    """Parts with gaps between their numbers, sent in any order, are one object in their order."""
    upload = Sending(here, "whole", ContentType="text/plain")
    for number, body in {7: b"end", 2: BIG, 5: BIG[::-1]}.items():
        assert upload.part(number, body).status == 200
    assert upload.arrived() == upload.arrived(MaxParts=1) == [2, 5, 7]
    assert here.red.get("whole").status == 403, "nothing is there before it is complete"
    made = upload.s3.complete_multipart_upload(
        **upload.place, UploadId=upload.id, MultipartUpload=upload.wanted(2, 5, 7)
    )
    assert made["ETag"].endswith('-3"')
    got = here.red.get("whole")
    assert got.body == BIG + BIG[::-1] + b"end"
    assert (got.headers["etag"], got.headers["content-type"]) == (made["ETag"], "text/plain")
    across = here.red.get("whole", {"range": f"bytes={PART_BYTES - 2}-{2 * PART_BYTES + 1}"})
    assert across.body == BIG[-2:] + BIG[::-1] + b"en"


def test_a_part_that_is_sent_again(here):
    """The last sending of a number counts, and parts that are left out are not kept."""
    upload = Sending(here, "again")
    folder = here.buckets.objects.directory / here.red.bucket
    before = len(list(folder.glob("??/*")))
    for number, body in [(1, b"wrong"), (1, b"right"), (2, b"not wanted")]:
        upload.part(number, body)
    assert len(list(folder.glob("??/*"))) == before + 2
    assert upload.complete(upload.wanted(1)) is None
    assert here.red.get("again").body == b"right"
    assert len(list(folder.glob("??/*"))) == before + 1


def test_what_completes_nothing(here):
    """Parts in a wrong order, that are not there, are others or too small make no object, and stay."""
    upload = Sending(here, "wrong")
    for number in (1, 2, 3):
        upload.part(number, b"small")
    one, two = upload.wanted(1, 2)["Parts"]
    assert upload.complete({"Parts": [two, one]}) == ("InvalidPartOrder", 400)
    assert upload.complete({"Parts": [one, one]}) == ("InvalidPartOrder", 400)
    assert upload.complete({"Parts": [one | {"ETag": '"' + "0" * 32 + '"'}]}) == ("InvalidPart", 400)
    assert upload.complete({"Parts": [one | {"PartNumber": 9}]}) == ("InvalidPart", 400)
    assert upload.complete({"Parts": [one, two]}) == ("EntityTooSmall", 400)
    assert upload.complete({"Parts": []})[0] == "MalformedXML"
    assert upload.arrived() == [1, 2, 3]


def test_completing_twice(here):
    """A completion that comes again, because its answer was lost, is answered as the first."""
    upload = Sending(here, "twice")
    upload.part(1, b"x")
    parts = upload.wanted(1)
    assert upload.complete(parts) is None
    assert upload.complete(parts) is None
    found = upload.s3.list_object_versions(Bucket=here.red.bucket, Prefix=upload.place["Key"])
    assert len(found["Versions"]) == 1
    assert upload.part(2, b"late").code == "NoSuchUpload"


def test_completing_at_once(here):
    """Of many completions at once, one makes the object."""
    upload = Sending(here, "at once")
    upload.part(1, b"x")
    parts, start = upload.wanted(1), threading.Barrier(6)

    def complete(_):
        start.wait()
        return upload.complete(parts)

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(complete, range(6))) == {None}
    found = upload.s3.list_object_versions(Bucket=here.red.bucket, Prefix=upload.place["Key"])
    assert len(found["Versions"]) == 1


def test_an_immutable_name(here):
    """An upload does not overwrite what must be new, and its parts stay."""
    here.red.put("taken", b"first")
    upload = Sending(here, "taken")
    upload.part(1, b"second")
    assert upload.complete(upload.wanted(1), IfNoneMatch="*") == ("PreconditionFailed", 412)
    assert (here.red.get("taken").body, upload.arrived()) == (b"first", [1])
    assert upload.complete(upload.wanted(1)) is None
    assert here.red.get("taken").body == b"second"


def test_checksums_of_parts(here):
    """An upload that was begun with SHA-256 takes parts with it only, and tells the sum of sums."""
    upload = Sending(here, "summed", ChecksumAlgorithm="SHA256")
    said = {"x-amz-checksum-sha256": sum_of(BIG)}
    assert upload.part(1, BIG).code == "InvalidRequest"
    assert upload.part(1, BIG[::-1], said).code == "BadDigest"
    assert upload.part(1, BIG, said).headers["x-amz-checksum-sha256"] == sum_of(BIG)
    assert upload.part(2, b"end", {"x-amz-checksum-sha256": sum_of(b"end")}).status == 200
    parts = upload.wanted(1, 2)
    bare = {"Parts": [{name: part[name] for name in ("PartNumber", "ETag")} for part in parts["Parts"]]}
    assert upload.complete(bare) == ("InvalidRequest", 400)
    wrong = {"Parts": [parts["Parts"][0] | {"ChecksumSHA256": sum_of(b"")}, parts["Parts"][1]]}
    assert upload.complete(wrong) == ("InvalidPart", 400)
    assert upload.complete(parts) is None
    told = upload.s3.head_object(**upload.place, ChecksumMode="ENABLED")
    assert told["ChecksumSHA256"].endswith("=-2")


def test_a_checksum_that_was_not_announced(here):
    """A part with a checksum is refused where the upload was begun without, as on AWS."""
    upload = Sending(here, "plain")
    assert upload.part(1, b"x", {"x-amz-checksum-sha256": sum_of(b"x")}).code == "InvalidRequest"


@pytest.mark.parametrize("number", ["0", "10001", "-1", "1.5", "one", ""])
def test_numbers_of_parts(here, number):
    """A part has a number from 1 to 10,000."""
    upload = Sending(here, "numbers")
    assert upload.part(number, b"x").code == "InvalidArgument"


def test_an_upload_is_for_one_key(here):
    """The id of an upload opens nothing for another key or another team, by URL or in the process."""
    upload = Sending(here, "mine")
    assert upload.part(1, b"x", key="other").code == "NoSuchUpload"
    theirs = here.blue.sign("PUT", "mine", partNumber="1", uploadId=upload.id)
    assert send("PUT", theirs, b"x").code == "NoSuchUpload"
    for call in (upload.s3.list_parts, upload.s3.abort_multipart_upload):
        other = {"Bucket": here.red.bucket, "Key": f"{here.red.prefix}other", "UploadId": upload.id}
        assert refusal(call, **other) == ("NoSuchUpload", 404)
    assert upload.part(1, b"x").status == 200


def test_aborting(here):
    """An aborted upload is gone with its parts, and cannot be aborted again."""
    folder = here.buckets.objects.directory / here.red.bucket
    before = set(folder.glob("??/*"))
    upload = Sending(here, "aborted")
    upload.part(1, b"x")
    asked = {**upload.place, "UploadId": upload.id}
    upload.s3.abort_multipart_upload(**asked)
    assert set(folder.glob("??/*")) == before
    assert refusal(upload.s3.abort_multipart_upload, **asked) == ("NoSuchUpload", 404)
    assert upload.part(1, b"x").code == "NoSuchUpload"
