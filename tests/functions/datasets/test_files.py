"""Versions of files: sent once, kept whole, listed and fetched."""

import hashlib

import pytest

from functions.datasets import files, items, manifest, removal, service
from functions.errors import NotFound, Unacceptable, Unavailable
from functions.ids import name_hash
from runhaven.wire.artifacts import SINGLE_BYTES
from runhaven.wire.datasets import NewVersion, VersionFile
from tests.functions.artifacts.scene import digest
from tests.functions.datasets.shelf import NAME, described

FILES = {"b/two.csv": b"2", "b two.csv": b"2", "a.csv": b"one", "b/ü/Größe 尺寸.csv": b"three", "empty": b""}


def test_a_version_of_files_is_kept_whole(one):
    """What was sent comes back byte for byte, by number; the version says how many files and bytes it has."""
    assert one.keep(FILES) == 1
    one.is_whole()
    told = service.version(one.who, NAME, "latest")
    assert (told.kind, told.files, told.size, told.source_type) == ("files", 5, 10, "runhaven")
    assert told.source == f"runhaven:/datasets/{NAME}/1"


def test_the_digest_is_of_the_manifest(one):
    """It is the SHA-256 of a line for each file in the order of the paths' bytes, whoever computes it."""
    one.keep(FILES)
    lines = [f"{digest(FILES[path])} {len(FILES[path])} {path}\n" for path in sorted(FILES, key=str.encode)]
    mine = hashlib.sha256("".join(lines).encode()).hexdigest()[:32]
    assert service.version(one.who, NAME, "1").digest == mine


def test_unchanged_files_are_not_sent_again(one):
    """A next version asks for what is new to the team; the same files in any order are the same version."""
    one.keep(FILES)
    more = {**FILES, "c.csv": b"new"}
    assert one.send(more) == ["c.csv"]
    assert one.keep(more) == 2
    assert one.send(FILES) == []
    made, new = one.make(dict(reversed(FILES.items())))
    assert (made.version.version, new) == (1, False)
    one.is_whole()
    assert len(one.contents()) == len({*more.values()})


def test_files_that_have_not_arrived_are_named(one):
    """There is no version then; once they are sent, the same words make it."""
    one.send({"a.csv": b"one"})
    made, new = one.make(FILES)
    assert (made.version, new) == (None, False)
    assert made.missing == sorted(set(FILES) - {"a.csv"})
    assert service.listing(one.who).datasets == []
    one.keep(FILES)
    one.is_whole()


@pytest.mark.engine
@pytest.mark.parametrize("house", ["minio"], indirect=True)
def test_a_large_file_goes_up_in_parts(one):
    """A file above the size of one PUT is kept and fetched like any other."""
    body = bytes(SINGLE_BYTES) + b"end"
    assert one.keep({"large.bin": body}) == 1
    found = service.files_of(one.who, NAME, "1").files
    assert [(file.path, file.size) for file in found] == [("large.bin", len(body))]
    one.is_whole()


def test_very_many_files_are_kept_by_several_calls(one):
    """Each call keeps some more and says that there are others; then the version is made, and is whole."""
    sent = {f"{number:03d}": str(number).encode() for number in range(20)}
    one.send(sent)
    some = manifest.files(described(sent))
    at = items.place(NAME, manifest.body(NewVersion(), some).digest)
    lying = []
    for _ in range(2):
        with pytest.raises(Unavailable):
            files.keep(one.grant, at, some, seconds=-1, at_once=1)
        lying.append(len(list(files.page(one.grant, at, "", None, 100)[0])))
    assert lying == [8, 16]
    assert files.keep(one.grant, at, some, seconds=-1, at_once=1) == []
    assert one.keep(sent) == 1
    one.is_whole()


def test_many_files_of_the_same_content_are_kept(one):
    """Its bytes are sent once, and stay until the last version that has it is gone."""
    sent = {f"{number:03d}": b"same" for number in range(70)} | {"other": b"other"}
    one.keep(sent)
    one.keep({"again": b"same"})
    assert len(one.contents()) == 2
    service.delete(one.who, NAME, 1)
    one.kept.pop(1)
    assert removal.work(one.who.team, name_hash(NAME), 1)
    assert len(one.contents()) == 1
    one.is_whole()


def test_files_are_listed_page_by_page(one):
    """Pages of any size give each file once by path, also below a directory, or the one that is named."""
    sent = {f"d{number % 3}/{number:03d}": str(number).encode() for number in range(30)}
    one.keep(sent)
    seen, after = [], None
    while True:
        page = service.files_of(one.who, NAME, "1", after=after, limit=7)
        seen += [file.path for file in page.files]
        after = page.next
        if after is None:
            break
    assert seen == sorted(sent)
    below = service.files_of(one.who, NAME, "1", "d1", after="d1/001", limit=3)
    assert ([file.path for file in below.files], below.next) == (["d1/004", "d1/007", "d1/010"], "d1/010")
    assert [file.path for file in service.files_of(one.who, NAME, "1", "d1/004").files] == ["d1/004"]
    assert service.files_of(one.who, NAME, "1", "d").files == []


def test_what_is_not_in_a_version_is_not_found(one):
    """A path of another version, or of none, is a 404, whatever else is asked for."""
    one.keep(FILES)
    one.keep({"other": b"x"})
    for path in ("a.csv", "b", "nothing"):
        with pytest.raises(NotFound):
            service.downloads(one.who, NAME, "2", ["other", path])
    with pytest.raises(NotFound):
        service.files_of(one.who, NAME, "3")


@pytest.mark.parametrize(
    "paths", [["a", "a"], ["a", "a/b"], ["../a"], ["a\\b"], ["/a"], ["C:/a"], ["e\u0301", "\u00e9"]]
)
def test_what_can_be_no_manifest(one, paths):
    """A path that cannot be, stands there twice, or is a file and a directory is refused before anything."""
    wanted = [VersionFile(path, 1, digest(b"x")) for path in paths]
    with pytest.raises(Unacceptable):
        service.create(one.who, NAME, NewVersion(files=wanted))
    assert service.listing(one.who).datasets == []


@pytest.mark.parametrize("more", [{"digest": "d"}, {"source": "s3://a/b"}, {"source_version": "1"}])
def test_files_have_a_digest_of_their_own(one, more):
    """What belongs to a reference is refused."""
    with pytest.raises(Unacceptable):
        service.create(one.who, NAME, NewVersion(files=described(FILES), **more))
