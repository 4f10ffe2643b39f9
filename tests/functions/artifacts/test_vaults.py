"""What the house itself does in a vault: look, list, write small things, put parts together, delete."""

import hashlib
import time
from dataclasses import replace

import pytest

from functions import settings
from functions.artifacts import sessions, vaults
from functions.artifacts.vaults import Object, Part
from functions.errors import AlreadyExists, NotFound, TooLarge, Unacceptable
from tests import engines
from tests.functions.artifacts.towns import own_client, sent, soon

MIB = 2**20


@pytest.fixture
def place(request):
    """A directory that no other test uses."""
    return f"runs/0/{request.node.name}/"


def keys(found):
    return [each.key for each in found]


def test_a_small_object_is_written_looked_at_and_read(either, place):
    """Its size, version and time are told, and its bytes are given back."""
    before = int(time.time()) * 1000
    made = vaults.put_small(either.red, f"{place}a+b ü%.txt", b"hello")
    seen = vaults.head(either.red, f"{place}a+b ü%.txt")
    assert (seen.size, seen.version, seen.etag) == (5, made.version, made.etag)
    assert before <= seen.modified_ms <= int(time.time() * 1000) + 1000
    assert vaults.read_small(either.red, f"{place}a+b ü%.txt") == b"hello"


def test_what_is_not_there_is_none(either, place):
    """A name without an object, a version that never was, and a deleted object are None."""
    made = vaults.put_small(either.red, f"{place}gone", b"x")
    vaults.delete(either.red, [f"{place}gone"])
    assert vaults.head(either.red, f"{place}none") is vaults.head(either.red, f"{place}gone") is None
    assert vaults.read_small(either.red, f"{place}none") is None
    assert vaults.read_small(either.red, f"{place}gone") is None
    assert vaults.read_small(either.red, f"{place}gone", version=made.version) == b"x"


def test_what_is_too_large_is_not_read(either, place):
    """More bytes than may be are refused before they are read."""
    vaults.put_small(either.red, f"{place}big", b"x" * 11)
    with pytest.raises(TooLarge, match="11 bytes"):
        vaults.read_small(either.red, f"{place}big", most=10)


def test_every_version_is_kept(either, place):
    """What is written again keeps its earlier versions, the newest first; a deletion is one of them."""
    first = vaults.put_small(either.red, f"{place}a", b"1")
    second = vaults.put_small(either.red, f"{place}a", b"22")
    vaults.put_small(either.red, f"{place}a.longer", b"333")
    vaults.delete(either.red, [f"{place}a"])
    found = vaults.versions(either.red, f"{place}a")
    assert [(each.version, each.size, each.deleted, each.latest) for each in found[1:]] in (
        [(second.version, 2, False, False), (first.version, 1, False, False)],
        [(first.version, 1, False, False), (second.version, 2, False, False)],
    )
    assert (found[0].deleted, found[0].latest) == (True, True)
    assert vaults.head(either.red, f"{place}a", first.version).size == 1


def test_an_immutable_object_is_written_once(either, place):
    """The second write is refused, and the first stays."""
    vaults.put_small(either.red, f"{place}a", b"1", immutable=True)
    with pytest.raises(AlreadyExists):
        vaults.put_small(either.red, f"{place}a", b"2", immutable=True)
    assert vaults.read_small(either.red, f"{place}a") == b"1"


def test_a_directory_is_listed(either, place):
    """Files and directories come in one order, with sizes, and a listing goes on behind any of them."""
    names = ["a", "b/1", "b/2/3", "b.txt", "c d+é%", "z/deep/er"]
    for name in names:
        vaults.put_small(either.red, place + name, name.encode())
    found = list(vaults.listing(either.red, place))
    assert keys(found) == [place + name for name in ("a", "b.txt", "b/", "c d+é%", "z/")]
    assert [each.is_dir for each in found] == [False, False, True, False, True]
    assert [each.size for each in found] == [1, 5, 0, 7, 0]
    for at, entry in enumerate(found):
        assert keys(vaults.listing(either.red, place, after=entry.key)) == keys(found[at + 1 :])
    assert keys(vaults.listing(either.red, place, delimiter=False)) == sorted(place + name for name in names)
    assert list(vaults.listing(either.red, f"{place}b/2/")) == [
        Object(f"{place}b/2/3", 5, *facts(either, f"{place}b/2/3"))
    ]
    assert list(vaults.listing(either.red, f"{place}nothing/")) == []
    assert list(vaults.listing(either.blue, place)) == []


def facts(either, key):
    """The etag and the time that a listing tells of an object."""
    return next((each.etag, each.modified_ms) for each in vaults.listing(either.red, key))


def test_parts_become_one_object(either, place):
    """What has arrived is told part by part; completed it is one object, and the upload is no more."""
    key, bodies = f"{place}big", [b"a" * 5 * MIB, b"b" * 7]
    upload = vaults.create_upload(either.red, key)
    assert vaults.parts(either.red, key, upload) == []
    client = either.keeper or own_client(either.red)
    for number, body in enumerate(bodies, 1):
        place_of = {"Bucket": either.red.bucket, "Key": either.red.prefix + key, "UploadId": upload}
        client.upload_part(**place_of, PartNumber=number, Body=body)
    arrived = vaults.parts(either.red, key, upload)
    assert [(part.number, part.size) for part in arrived] == [(1, 5 * MIB), (2, 7)]
    made = vaults.complete_upload(either.red, key, upload, arrived[::-1])
    seen = vaults.head(either.red, key)
    assert (seen.size, seen.version) == (5 * MIB + 7, made.version)
    with pytest.raises(NotFound):
        vaults.parts(either.red, key, upload)
    vaults.abort_upload(either.red, key, upload)


def test_an_upload_that_is_not_open_is_not_found(either, place):
    """Its parts are told no more, and aborting it again is no error."""
    upload = vaults.create_upload(either.red, f"{place}a")
    vaults.abort_upload(either.red, f"{place}a", upload)
    vaults.abort_upload(either.red, f"{place}a", upload)
    with pytest.raises(NotFound):
        vaults.parts(either.red, f"{place}a", upload)


@pytest.mark.engine
def test_an_upload_is_completed_once(town, place):
    """A second try, whose first answer may have been lost, hears that the upload is not open."""
    upload = vaults.create_upload(town.red, f"{place}a")
    sent("PUT", vaults.presign_part(town.red, f"{place}a", upload, 1), b"x")
    arrived = vaults.parts(town.red, f"{place}a", upload)
    vaults.complete_upload(town.red, f"{place}a", upload, arrived)
    with pytest.raises(NotFound):
        vaults.complete_upload(town.red, f"{place}a", upload, arrived)


@pytest.mark.engine
def test_checked_parts_tell_the_checksum_of_the_whole(town, place):
    """With checksums the server checks each part, and the object has the SHA-256 of its parts' digests."""
    key, body = f"{place}a", b"some bytes"
    digest = hashlib.sha256(body)
    upload = vaults.create_upload(town.red, key, checksums=True)
    signed = vaults.presign_part(town.red, key, upload, 1, length=len(body), sha256=digest.hexdigest())
    assert sent("PUT", signed, body).status == 200
    arrived = vaults.parts(town.red, key, upload)
    assert [part.sha256 for part in arrived] == [digest.hexdigest()]
    vaults.complete_upload(town.red, key, upload, arrived, immutable=True)
    together = hashlib.sha256(digest.digest()).hexdigest()
    assert vaults.head(town.red, key).sha256 == f"{together}-1"


@pytest.mark.engine
def test_parts_that_are_wrong_are_refused(town, place):
    """A missing part, another etag and a part that is too small are the request's fault, not the vault's."""
    key = f"{place}a"
    upload = vaults.create_upload(town.red, key)
    for number in (1, 2):
        assert sent("PUT", vaults.presign_part(town.red, key, upload, number), b"tiny").status == 200
    one, two = vaults.parts(town.red, key, upload)
    for wrong in ([], [one, two], [Part(1, '"0123456789abcdef0123456789abcdef"')], [one, Part(3, two.etag)]):
        with pytest.raises(Unacceptable, match="S3 answers"):
            vaults.complete_upload(town.red, key, upload, wrong)
    assert vaults.head(town.red, key) is None


@pytest.mark.engine
def test_an_immutable_object_is_not_replaced_by_parts(town, place):
    """Completing an upload over an immutable name is refused."""
    key = f"{place}a"
    vaults.put_small(town.red, key, b"first")
    upload = vaults.create_upload(town.red, key)
    sent("PUT", vaults.presign_part(town.red, key, upload, 1), b"second")
    with pytest.raises(AlreadyExists):
        vaults.complete_upload(town.red, key, upload, vaults.parts(town.red, key, upload), immutable=True)
    assert vaults.read_small(town.red, key) == b"first"


def test_a_version_is_erased_for_good(either, place):
    """Only that version goes; erasing it again is no error."""
    first = vaults.put_small(either.red, f"{place}a", b"1")
    second = vaults.put_small(either.red, f"{place}a", b"2")
    for _ in range(2):
        vaults.erase(either.red, [(f"{place}a", second.version)])
    assert [each.version for each in vaults.versions(either.red, f"{place}a")] == [first.version]
    assert vaults.read_small(either.red, f"{place}a") == b"1"


def test_a_directory_is_purged_to_the_last_version(either, place):
    """Everything below it goes, versions and marks of deletion too; what begins alike stays."""
    beside = place.rstrip("/") + "-beside/x"
    for name in (f"{place}a", f"{place}a", f"{place}b/c", f"{place}b/c", beside):
        vaults.put_small(either.red, name, b"x")
    vaults.delete(either.red, [f"{place}a", f"{place}never"])
    assert vaults.delete_all(either.red, place, deadline=soon())
    assert list(vaults.listing(either.red, place, delimiter=False)) == []
    assert vaults.versions(either.red, f"{place}a") == vaults.versions(either.red, f"{place}b/c") == []
    assert vaults.head(either.red, beside).size == 1
    assert vaults.delete_all(either.red, place, deadline=soon())


def test_a_purge_that_runs_out_of_time_says_so(either, place):
    """It answers False and has lied about nothing; the next one goes on."""
    vaults.put_small(either.red, f"{place}a", b"x")
    assert not vaults.delete_all(either.red, place, deadline=time.monotonic())
    assert vaults.delete_all(either.red, place, deadline=soon())


def test_a_purge_takes_a_directory_only():
    """A name that is not a directory's would take others along that begin alike."""
    with pytest.raises(ValueError, match="runs/1"):
        vaults.delete_all(None, "runs/1", deadline=soon())


@pytest.mark.engine
def test_a_purge_of_thousands_of_versions_is_whole(town, place):
    """2,100 versions are more than a page of a listing and more than one deletion takes."""
    for number in range(700):
        for _ in range(3):
            vaults.put_small(town.red, f"{place}{number:04}", b"x")
    assert vaults.delete_all(town.red, place, deadline=soon(60))
    left = town.keeper.list_object_versions(Bucket=town.red.bucket, Prefix=town.red.prefix + place)
    assert "Versions" not in left


@pytest.mark.parametrize("key", ["", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "./a", "a/.", "a" * 1024])
def test_a_key_that_a_client_would_resolve_is_none(either, key):
    """Empty and dotted segments and names beyond S3's 1,024 bytes are 400, for URLs and calls alike."""
    for call in (vaults.presign_put, vaults.presign_get, vaults.head, vaults.create_upload):
        with pytest.raises(Unacceptable) as wrong:
            call(either.red, key)
        assert wrong.value.field == "path"


@pytest.mark.engine
def test_a_server_s_keys_may_stand_in_its_address(town, place):
    """Who keeps files on a server of his own names its keys where he names the server."""
    before = settings.settings()
    user, secret = engines.MINIO_USER.values()
    settings.use(
        replace(before, sts_url=before.sts_url.replace("//", f"//{user}:{secret.replace('-', '%2d')}@"))
    )
    with pytest.MonkeyPatch.context() as environment:
        for name in engines.MINIO_USER:
            environment.delenv(name)
        sessions.forget()
        assert vaults.put_small(town.red, f"{place}a", b"x")
    settings.use(before)
    sessions.forget()
