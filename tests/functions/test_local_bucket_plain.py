"""What plain moto's S3 and STS do wrong. A failure here is good news: local_bucket.py has a bend too many."""

import threading
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.functions.buckets import MIB, policy, refusal, service, sum_of

BUCKET = "plain"
ROLE = "arn:aws:iam::111111111111:role/nobody-made-it"


@pytest.fixture(scope="module")
def plainly():
    """Runs a function in a process whose moto nobody has bent."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield lambda probe: pool.submit(in_moto, probe).result(timeout=60)


def in_moto(probe):
    from moto import mock_aws

    with mock_aws():
        s3 = service("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        return probe(s3)


def put(s3, key, body=b"x", **more):
    return s3.put_object(Bucket=BUCKET, Key=key, Body=body, **more)


def uploaded(s3, bodies):
    """An upload with these parts, and what completes it."""
    place = {"Bucket": BUCKET, "Key": "big"}
    place["UploadId"] = s3.create_multipart_upload(**place)["UploadId"]
    told = [
        {"PartNumber": number, "ETag": s3.upload_part(**place, PartNumber=number, Body=body)["ETag"]}
        for number, body in bodies.items()
    ]
    return place, {"Parts": told}


def weight(work):
    """The most bytes that the work has had in memory besides what was there."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def kept(s3):
    from moto.s3.models import s3_backends

    put(s3, "x", b"abc")
    return s3_backends["123456789012"]["aws"].buckets[BUCKET].keys["x"]._value_buffer.name


def test_objects_are_in_memory(plainly):
    """An object has no file that another process could find."""
    assert plainly(kept) is None, "moto keeps objects in files now: perhaps ours may go"


def weight_of_completing(s3):
    place, parts = uploaded(s3, dict.fromkeys((1, 2), bytes(6 * MIB)))
    return weight(lambda: s3.complete_multipart_upload(**place, MultipartUpload=parts))


def test_completing_joins_in_memory(plainly):
    """A completed upload lies in memory as a whole, and more than once."""
    assert plainly(weight_of_completing) > 12 * MIB, "moto joins parts elsewhere now"


def second_page(s3):
    place, _ = uploaded(s3, dict.fromkeys((2, 5, 7), b"x"))
    return [part["PartNumber"] for part in s3.list_parts(**place, PartNumberMarker=2, MaxParts=1)["Parts"]]


def test_parts_are_paged_by_position(plainly):
    """A page behind part 2 begins behind the second part, so that part 5 is never told."""
    assert plainly(second_page) == [7], "moto pages parts by number now"


def wrong_sum(s3):
    return refusal(s3.put_object, Bucket=BUCKET, Key="x", Body=b"x", ChecksumSHA256=sum_of(b"y"))


def test_sums_are_not_checked(plainly):
    """A body with a wrong SHA-256 is stored."""
    assert plainly(wrong_sum) is None, "moto checks sums now"


def two_win(s3):
    from moto.s3.models import S3Backend

    read, written, plain, outcomes = threading.Event(), threading.Event(), S3Backend.put_object, []

    def put_object(backend, *asked, **more):
        if threading.current_thread().name == "first":
            read.set()
            written.wait(60)
        return plain(backend, *asked, **more)

    def create():
        with suppress(ClientError):
            outcomes.append(put(s3, "once", IfNoneMatch="*"))

    S3Backend.put_object = put_object
    first = threading.Thread(target=create, name="first")
    first.start()
    read.wait(60)
    create()
    written.set()
    first.join()
    S3Backend.put_object = plain
    return len(outcomes)


def test_no_lock(plainly):
    """Two threads write the same object, each on the condition that there is none, and both succeed."""
    assert plainly(two_win) == 2, "moto has a lock now: _answered need not hold one"


def weight_of_a_list(s3):
    put(s3, "large", bytes(2 * MIB))
    return weight(lambda: s3.list_object_versions(Bucket=BUCKET))


def test_lists_of_versions_copy(plainly):
    """A list of versions has the bytes of the objects in memory once more."""
    assert plainly(weight_of_a_list) > 2 * MIB, "moto lists versions without their bytes now"


def latest(s3):
    from moto.s3 import models

    now = models.utcnow()
    models.utcnow = lambda: now
    for body in (b"old", b"new"):
        put(s3, "x", body)
    (found,) = [each for each in s3.list_object_versions(Bucket=BUCKET)["Versions"] if each["IsLatest"]]
    return s3.get_object(Bucket=BUCKET, Key="x", VersionId=found["VersionId"])["Body"].read()


def test_versions_of_one_moment(plainly):
    """Of two versions of one millisecond, the older one is called the latest."""
    assert plainly(latest) == b"old", "moto has an order of versions now"


def folders(s3):
    put(s3, "gone/x")
    s3.delete_object(Bucket=BUCKET, Key="gone/x")
    return s3.list_objects_v2(Bucket=BUCKET, Delimiter="/").get("CommonPrefixes")


def test_folders_of_deleted_objects(plainly):
    """A folder is shown although all that is in it is deleted."""
    assert plainly(folders) == [{"Prefix": "gone/"}], "moto hides empty folders now"


def entered(**asked):
    given = service("sts").assume_role(RoleArn=ROLE, RoleSessionName="house", **asked)["Credentials"]
    return service("s3", Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]))


def foreign_write(_s3):
    nothing = policy({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::another/*"})
    return put(entered(Policy=nothing), "x")["ResponseMetadata"]["HTTPStatusCode"]


def test_sessions_may_do_everything(plainly):
    """A session of another account, cut to another bucket, writes where it likes."""
    assert plainly(foreign_write) == 200, "moto knows session policies now"


def lets_in(_s3):
    return entered() is not None


def test_every_role_lets_everybody_in(plainly):
    """A role that nobody made lets in who shows no ExternalId at all."""
    assert plainly(lets_in), "moto asks the role now: _assume_role need not"


def refused_url(s3):
    put(s3, "x", b"secret")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "x"})
    import requests

    return requests.get(url.replace("X-Amz-Signature=", "X-Amz-Signature=0"), timeout=10).status_code


def test_signatures_are_not_checked(plainly):
    """A presigned URL with a wrong signature opens the object."""
    assert plainly(refused_url) == 200, "moto checks signatures now: perhaps it may serve the port"
