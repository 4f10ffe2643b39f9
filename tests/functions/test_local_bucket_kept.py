"""What of the laptop's buckets outlives a house, and what a house costs while large files come and go."""

import multiprocessing
import resource
import socket
import time
import urllib.request
from pathlib import Path

import pytest
from botocore.credentials import Credentials

from functions.local_bucket import LocalBuckets
from functions.local_uploads import PART_BYTES
from tests.functions.buckets import MIB, Team, refusal, send, service, shop

SPAWN = multiprocessing.get_context("spawn")


def serve(directory, wire):
    """A house in a process of its own: says where it is, how large it has been, and ends on request."""
    with shop(directory) as here:
        keys = here.red.keys
        wire.send((here.url, keys.access_key, keys.secret_key, keys.token))
        while wire.recv() != "end":
            wire.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


class House:
    """Such a process."""

    def __init__(self, directory):
        self.wire, theirs = SPAWN.Pipe()
        self.process = SPAWN.Process(target=serve, args=(directory, theirs), daemon=True)
        self.process.start()
        theirs.close()
        url, *keys = self.wire.recv()
        self.red = Team("red", "111111111111", url, Credentials(*keys))

    def size(self):
        """The most memory that it has had, in bytes."""
        self.wire.send("size")
        return self.wire.recv()

    def kill(self):
        """SIGKILL: nothing is finished, nothing is closed."""
        self.process.kill()
        self.process.join()

    def end(self):
        """Close as a house closes."""
        self.wire.send("end")
        self.process.join()


def files(directory):
    """The files in which objects and parts lie."""
    return list(Path(directory).glob("*/??/*"))


@pytest.mark.parametrize("ending", ["end", "kill"])
def test_what_was_acknowledged_is_there_again(tmp_path, ending):
    """After a stop or `kill -9` a new house has every object and version, and takes the old one's URLs."""
    house = House(tmp_path)
    red = house.red
    urls = {name: (red.sign("PUT", name), red.sign("GET", name)) for name in ("a", "b", "c")}
    first = red.put("a", b"old").headers["x-amz-version-id"]
    for name, (put, _) in urls.items():
        assert send("PUT", put, name.encode()).status == 200
    gone = send("DELETE", red.sign("DELETE", "b"))
    getattr(house, ending)()
    house = House(tmp_path)
    assert house.red.url == red.url
    assert send("GET", urls["a"][1]).body == b"a"
    assert send("GET", red.sign("GET", "a", versionId=first)).body == b"old"
    assert send("GET", urls["b"][1]).status == 403
    assert house.red.get("b", versionId=gone.headers["x-amz-version-id"]).status == 405
    assert send("PUT", urls["c"][0], b"more").status == 200
    house.end()


def test_an_upload_goes_on_after_a_kill(tmp_path):
    """A killed house's successor has the parts that had arrived, and takes the others by the same URLs."""
    with shop(tmp_path) as here:
        place = {"Bucket": here.red.bucket, "Key": f"{here.red.prefix}big"}
        upload = here.red.s3.create_multipart_upload(**place)["UploadId"]
    house = House(tmp_path)
    urls = [house.red.sign("PUT", "big", partNumber=number, uploadId=upload) for number in (1, 2, 3)]
    bodies = [bytes([number]) * PART_BYTES for number in (1, 2, 3)]
    for url, body in zip(urls[:2], bodies, strict=False):
        assert send("PUT", url, body).status == 200
    house.kill()
    house = House(tmp_path)
    assert send("PUT", urls[2], bodies[2]).status == 200
    house.end()
    with shop(tmp_path) as here:
        arrived = here.red.s3.list_parts(**place, UploadId=upload)["Parts"]
        parts = {"Parts": [{name: part[name] for name in ("PartNumber", "ETag")} for part in arrived]}
        here.red.s3.complete_multipart_upload(**place, UploadId=upload, MultipartUpload=parts)
        assert here.red.get("big").body == b"".join(bodies)


def test_half_an_object_is_none(tmp_path):
    """What was on its way when the house was killed is nowhere, and its file goes with the next house."""
    house = House(tmp_path)
    assert house.red.put("whole", b"x").status == 200
    url = house.red.sign("PUT", "half")

    def endless():
        yield b"x" * MIB
        while len(files(tmp_path)) < 2:
            time.sleep(0.01)
        house.kill()
        yield b"x" * MIB

    with pytest.raises(OSError):  # noqa: PT011  (whatever a broken connection is called)
        send("PUT", url, endless(), {"content-length": str(100 * MIB)})
    assert len(files(tmp_path)) == 2
    house = House(tmp_path)
    assert len(files(tmp_path)) == 1
    assert (house.red.get("half").status, house.red.get("whole").body) == (403, b"x")
    house.end()


def test_files_are_the_owners_alone(tmp_path):
    """Nobody else on the machine reads the objects or the index."""
    with shop(tmp_path / "objects") as here:
        here.red.put("x", b"x")
        (only,) = files(tmp_path / "objects")
        assert (tmp_path / "objects").stat().st_mode & 0o77 == 0
        assert only.stat().st_mode & 0o77 == 0


def test_one_house_at_a_time(tmp_path):
    """A folder that another house has open is refused, and stays as it is."""
    house = House(tmp_path)
    with pytest.raises(RuntimeError, match="perhaps another house has it"):
        LocalBuckets(tmp_path)
    assert house.red.put("x", b"x").status == 200
    house.end()


def test_one_set_of_buckets_at_a_time(tmp_path):
    """A process has one S3, so that a second folder is refused."""
    with shop(tmp_path / "one"), pytest.raises(RuntimeError, match="are open already"):
        LocalBuckets(tmp_path / "two")


def test_moto_is_straight_again(tmp_path):
    """When the buckets are closed, moto is as it was."""
    from moto import mock_aws

    with shop(tmp_path) as here:
        arn = here.red.role
    with mock_aws():
        s3 = service("s3")
        s3.create_bucket(Bucket="plain", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        s3.put_object(Bucket="plain", Key="x", Body=b"x")
        assert s3.get_object(Bucket="plain", Key="x")["Body"].read() == b"x"
        assert refusal(service("sts").assume_role, RoleArn=arn, RoleSessionName="anybody") is None
    assert len(files(tmp_path)) == 0


def test_uploads_that_nobody_completes(tmp_path):
    """An upload that was begun three days ago is forgotten when a house opens, and its parts with it."""
    with shop(tmp_path) as here:
        place = {"Bucket": here.red.bucket, "Key": f"{here.red.prefix}big"}
        old, new = (here.red.s3.create_multipart_upload(**place)["UploadId"] for _ in range(2))
        for upload in (old, new):
            here.red.put("big", b"x", partNumber=1, uploadId=upload)
        here.red.put("whole", b"x")
        here.buckets.objects.db.execute("UPDATE uploads SET begun = begun - 259300 WHERE id = ?", (old,))
    with shop(tmp_path) as here:
        assert refusal(here.red.s3.list_parts, **place, UploadId=old) == ("NoSuchUpload", 404)
        assert len(here.red.s3.list_parts(**place, UploadId=new)["Parts"]) == 1
        assert len(files(tmp_path)) == 2
        assert here.red.get("whole").body == b"x"


def test_a_port_that_is_taken(tmp_path):
    """Where the last house's port is taken, the next one takes another."""
    with shop(tmp_path) as here:
        kept = here.buckets.objects.note("port")
    with shop(tmp_path / "other") as other:
        taken = other.buckets.objects.note("port")
    assert kept != taken
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", int(kept)))
        squatter.listen()
        with shop(tmp_path) as here:
            assert here.buckets.objects.note("port") != kept
            assert here.red.put("x", b"x").status == 200


def test_a_large_file_does_not_lie_in_memory(tmp_path):
    """A GiB comes and goes in one piece through a house that grows by less than 48 MiB."""
    sparse = tmp_path / "sparse"
    with sparse.open("wb") as file:
        file.truncate(1024 * MIB)
    house = House(tmp_path / "objects")
    house.red.put("warm", b"x" * MIB)
    assert len(house.red.get("warm").body) == MIB
    before = house.size()
    with sparse.open("rb") as file:
        put = send("PUT", house.red.sign("PUT", "sparse"), file, {"content-length": str(1024 * MIB)})
    assert (put.status, put.headers["etag"]) == (200, '"cd573cfaace07e7949bc0c46028904ff"')
    got, counted = house.red.sign("GET", "sparse"), 0
    with urllib.request.urlopen(got) as answer:
        while chunk := answer.read(MIB):
            counted += len(chunk)
    assert counted == 1024 * MIB
    assert house.size() - before < 48 * MIB
    house.end()
