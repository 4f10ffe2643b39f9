"""One shelf: what was logged natively and what MLflow clients sent, listed, fetched and deleted as one."""

import os
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions import durable, ids, table
from functions.access.policy import Role
from functions.artifacts import items, service
from functions.errors import NotAllowed, NotFound, Unacceptable
from runhaven.wire.artifacts import WantedFile
from tests.functions.artifacts.scene import at_call, begun, digest, keeper


def names(artifacts):
    """Paths, a directory's with a slash."""
    return [each.path + "/" * each.is_dir for each in artifacts]


def paged(one, path="", limit=3, **more):
    """A listing, page by page."""
    found, after = [], None
    while True:
        page = service.page(one.who, one.owner, path, after=after, limit=limit, **more)
        found += page.artifacts
        if page.next is None:
            return found
        assert len(page.artifacts) == limit
        after = page.next


@pytest.fixture
def shelf(one):
    """Files of both kinds in directories of both kinds."""
    one.log({"a.txt": b"1", "both/x": b"2", "both/deep/y": b"3", "mine/z": b"4"})
    for path, body in {
        "b.txt": b"5",
        "both/w": b"6",
        "both/deep/v": b"7",
        "theirs/u": b"8",
        "a": b"9",
    }.items():
        one.put(path, body)
    return one


def test_both_kinds_are_listed_as_one(shelf):
    """A directory shows its files and directories once each, whoever sent them, by path."""
    root = list(service.listing(shelf.who, shelf.owner))
    assert names(root) == ["a", "a.txt", "b.txt", "both/", "mine/", "theirs/"]
    assert [each.size for each in root] == [1, 1, 1, None, None, None]
    assert names(service.listing(shelf.who, shelf.owner, "both")) == ["both/deep/", "both/w", "both/x"]
    assert names(service.listing(shelf.who, shelf.owner, "both/deep")) == ["both/deep/v", "both/deep/y"]
    for nothing in ("a.txt", "none", "bot", "both/deep/y"):
        assert list(service.listing(shelf.who, shelf.owner, nothing)) == []
    shelf.is_whole()


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_show_all_once(shelf, limit):
    """However short the pages, together they are the whole listing, of a directory or of all below it."""
    assert names(paged(shelf, limit=limit)) == ["a", "a.txt", "b.txt", "both/", "mine/", "theirs/"]
    assert names(paged(shelf, "both", limit)) == ["both/deep/", "both/w", "both/x"]
    below = ["both/deep/v", "both/deep/y", "both/w", "both/x"]
    assert names(paged(shelf, "both", limit, recursive=True)) == below
    assert names(paged(shelf, limit=limit, recursive=True)) == sorted(shelf.logged)


def test_the_newest_of_both_kinds_counts(one):
    """A path that both kinds of client wrote is what was written last, and its versions are in one list."""
    one.log({"a": b"native 1"}, time=ids.now_ms() - 5000)
    one.put("a", b"mlflow 1")
    one.put("a", b"mlflow 22")
    assert one.fetch("a") == one.newest("a").content == b"mlflow 22"
    one.log({"a": b"native 333"}, time=ids.now_ms() + 4000 - 4000)
    seen = service.versions(one.who, one.owner, "a").versions
    assert sorted(each.size for each in seen) == [8, 8, 9, 10]
    assert {one.fetch("a", each.version) for each in seen} == {
        b"native 1",
        b"mlflow 1",
        b"mlflow 22",
        b"native 333",
    }
    assert [each.time for each in seen] == sorted((each.time for each in seen), reverse=True)
    assert [each.version for each in seen if each.sha256] == [
        each.version for each in seen if each.version[0] == "n"
    ]


def test_a_newer_native_version_is_what_mlflow_shows(one):
    """An MLflow client lists and downloads what was logged natively after its own file."""
    one.put("model/a", b"old")
    time.sleep(1.1)  # S3 tells whole seconds
    one.log({"model/a": b"native"}, time=ids.now_ms())
    assert one.newest("model/a").content == one.fetch("model/a") == b"native"
    assert [each.size for each in service.listing(one.who, one.owner, "model")] == [6]


def test_many_files_are_found_in_few_calls(one):
    """Download URLs for a hundred files of both kinds take one listing, not a look at each."""
    one.log({f"d/n{number}": b"n%d" % number for number in range(40)})
    for number in range(40):
        one.put(f"d/s/m{number}", b"m%d" % number)
    wanted = [WantedFile(path) for path in one.logged]
    with at_call(one, None) as asked:
        found = service.downloads(one.who, one.owner, wanted)
    assert [each.path for each in found] == list(one.logged)
    assert len(asked) <= 5
    assert one.fetch("d/s/m7") == b"m7"
    with pytest.raises(NotFound, match="d/none"):
        service.downloads(one.who, one.owner, [*wanted, WantedFile("d/none")])


@pytest.mark.parametrize(
    "version", ["n1-0000000000000000", "s0", "snull", "x", "n", "s", "n" * 1000, "s../..", "s\0"]
)
def test_a_version_that_never_was_is_a_404(shelf, version):
    """A version that the path does not have does not exist, whatever it looks like."""
    for path in ("a.txt", "b.txt", "none"):
        with pytest.raises(NotFound):
            service.downloads(shelf.who, shelf.owner, [WantedFile(path, version)])


def test_a_version_belongs_to_its_path(shelf):
    """The version of one path cannot be had under another one, nor in another run."""
    version = service.versions(shelf.who, shelf.owner, "a.txt").versions[0].version
    theirs = service.versions(shelf.who, shelf.owner, "b.txt").versions[0].version
    other = shelf.a_run()
    for run, path, which in [(shelf, "b.txt", version), (shelf, "a.txt", theirs), (other, "a.txt", version)]:
        with pytest.raises(NotFound):
            service.downloads(run.who, run.owner, [WantedFile(path, which)])


def test_mlflows_download_asks_s3_nothing(one):
    """An MLflow client's URL is signed after one round of reading; S3 alone knows if there is a file."""
    one.put("a", b"1")
    with at_call(one, None) as asked:
        reply = one.newest("a")
    assert (sorted(asked), reply.content) == (["Query", "Query"], b"1")
    assert one.newest("none").status_code in {403, 404}  # S3 tells only whom it lets list the whole bucket
    assert reply.headers["content-disposition"].startswith("attachment")
    with at_call(one, None) as asked:
        service.upload_url(one.who, one.owner, "b")
    assert sorted(asked) == ["Query"]


def test_small_bodies_are_put(one):
    """A body that came through the house is the file; what it overwrites stays a version."""
    for body in (b"", b"second"):
        service.put(one.who, one.owner, "dir/a b%+.txt", body)
    one.logged["dir/a b%+.txt"] = b"second"
    one.is_whole()
    assert [each.size for each in service.versions(one.who, one.owner, "dir/a b%+.txt").versions] == [6, 0]


def test_a_file_is_deleted_with_every_version(shelf):
    """Deleting a path removes its file of either kind, all its versions, and nothing that is called alike."""
    shelf.log({"a.txt": b"another"})
    shelf.put("b.txt", b"another")
    shelf.put("b.txt2", b"stays")
    for path in ("a.txt", "b.txt", "a"):
        service.delete(shelf.who, shelf.owner, path)
        service.delete(shelf.who, shelf.owner, path)
        assert service.versions(shelf.who, shelf.owner, path).versions == []
        with pytest.raises(NotFound):
            shelf.fetch(path)
        del shelf.logged[path]
        shelf.is_whole()
    assert f"files/{digest(b'another')}" not in shelf.objects("files/")
    assert shelf.state(b"another") == "gone"


def test_a_directory_is_deleted_with_all_below(shelf):
    """Deleting a directory removes everything below it, and nothing beside it."""
    shelf.log({"bothx": b"stays", "both2/x": b"stays too"})
    service.delete(shelf.who, shelf.owner, "both")
    shelf.logged = {path: body for path, body in shelf.logged.items() if not path.startswith("both/")}
    shelf.is_whole()
    service.delete(shelf.who, shelf.owner, "")
    shelf.logged = {}
    shelf.is_whole()
    assert shelf.objects() == []


def test_content_that_another_path_needs_stays(one):
    """Deleting a path keeps content that another path, version or run of the team needs."""
    body = os.urandom(100)
    one.log({"a": body, "b": body})
    other = one.a_run()
    other.log({"c": body})
    for run, path in [(one, "a"), (one, "b")]:
        service.delete(run.who, run.owner, path)
        assert one.state(body) == "held"
        other.is_whole()
    service.delete(other.who, other.owner, "c")
    assert (one.state(body), one.objects("files/")) == ("gone", [])
    other.log({"c": body})
    other.is_whole()


def test_nothing_is_removed_before_the_table_is_on_disk(one, monkeypatch):
    """Where the table cannot be brought to the disk, content stays, and a later deletion completes it."""
    one.log({"a": b"1"})

    def full():
        raise OSError

    with monkeypatch.context() as disk:
        disk.setattr(durable, "flushes", [full])
        with pytest.raises(OSError):  # noqa: PT011  (whatever the disk says)
            service.delete(one.who, one.owner, "a")
    assert one.objects("files/") == [f"files/{digest(b'1')}"]
    service.delete(one.who, one.owner, "a")
    assert list(service.listing(one.who, one.owner)) == one.objects("files/") == []


def test_who_may_delete(one):
    """Deleting takes a maintainer; a contributor's files cannot be deleted by a contributor."""
    one.log({"a": b"1"}, who=one.member())
    with pytest.raises(NotAllowed):
        service.delete(one.member(), one.owner, "a")
    service.delete(one.member(Role.MAINTAINER), one.owner, "a")
    one.logged = {}
    one.is_whole()


@pytest.mark.parametrize("path", ["../a", "a/../../b", "/a", "a\\b", "a\0", "a//b", "C:/a", "x" * 1000])
def test_hostile_paths_are_refused_everywhere(one, path):
    """Every verb refuses a path that leads elsewhere, before the vault is asked anything."""
    verbs = [
        lambda: service.upload_url(one.who, one.owner, path),
        lambda: service.put(one.who, one.owner, path, b""),
        lambda: service.begin_upload(one.who, one.owner, path, 1),
        lambda: service.complete_upload(one.who, one.owner, path, "u", []),
        lambda: service.abort_upload(one.who, one.owner, path, "u"),
        lambda: service.download_url(one.who, one.owner, path),
        lambda: service.versions(one.who, one.owner, path),
        lambda: service.delete(one.who, one.owner, path),
        lambda: one.log({path: b""}),
    ]
    if len(path) < 1000:
        verbs += [
            lambda: service.listing(one.who, one.owner, path),
            lambda: service.page(one.who, one.owner, after=path),
            lambda: service.downloads(one.who, one.owner, [WantedFile(path)]),
        ]
    for verb in verbs:
        with pytest.raises(Unacceptable):
            verb()
    assert one.objects() == []


@pytest.mark.parametrize(
    "owner", ["", "x", "0" * 31, "m-", "m-x", "../" + "0" * 32, "0" * 32, "m-" + "0" * 32, None]
)
def test_an_owner_that_is_none_is_a_404(one, owner):
    """An id that no run or logged model of the team has does not exist."""
    for verb in (service.listing, service.page):
        with pytest.raises(NotFound):
            verb(one.who, owner)
    with pytest.raises(NotFound):
        service.upload_url(one.who, owner, "a")


@pytest.mark.parametrize("parts", [0, -1, 2001])
def test_parts_have_limits(one, parts):
    """An upload of no parts, or of more than an answer can name, is a 400 that says what to do."""
    with pytest.raises(Unacceptable, match="num_parts"):
        service.begin_upload(one.who, one.owner, "a", parts)


def test_nobody_reaches_another_teams_files(house):
    """Whatever red asks with blue's ids, paths, versions and upload ids is a 404, and blue's files stay."""
    red, blue = begun("1" * 12), begun("2" * 12)
    blue.log({"a": b"secret"})
    blue.put("b", b"secret too")
    versions = [service.versions(blue.who, blue.owner, path).versions[0].version for path in "ab"]
    upload_id, _ = service.begin_upload(blue.who, blue.owner, "c", 1)
    tries = [
        lambda: service.listing(red.who, blue.owner),
        lambda: service.download_url(red.who, blue.owner, "b"),
        lambda: service.downloads(red.who, blue.owner, [WantedFile("a", versions[0])]),
        lambda: service.downloads(red.who, red.owner, [WantedFile("a", versions[0])]),
        lambda: service.downloads(red.who, red.owner, [WantedFile("b", versions[1])]),
        lambda: service.upload_url(red.who, blue.owner, "b"),
        lambda: service.delete(red.who, blue.owner, "a"),
        lambda: service.abort_upload(red.who, blue.owner, "c", upload_id),
        lambda: service.complete_upload(red.who, blue.owner, "c", upload_id, [(1, "e")]),
    ]
    if house == "minio":  # moto fails
        tries.append(lambda: service.complete_upload(red.who, red.owner, "c", upload_id, [(1, "e")]))
    for verb in tries:
        with pytest.raises(NotFound):
            verb()
    service.abort_upload(red.who, red.owner, "c", upload_id)
    blue.is_whole()
    assert red.objects() == []
    keys = [each["Key"] for each in keeper(blue.vault).list_objects_v2(Bucket=blue.vault.bucket)["Contents"]]
    assert all(key.startswith(blue.vault.prefix) for key in keys)


SEGMENTS = st.sampled_from(["a", "b", "a.", "a-", "a+b", "a b", "A", "a0", "é", "日本", "😀", "%41"])
PATHS = st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join)


# MinIO lists no directory that is called like a file beside it; S3 and moto do.
@pytest.mark.parametrize("house", ["moto"], indirect=True)
@settings(max_examples=20, deadline=None)
@given(st.dictionaries(PATHS, st.sampled_from(["native", "mlflow", "both"]), max_size=10), st.integers(1, 4))
def test_a_listing_is_what_a_plain_list_says(house, paths, limit):
    """For any set of files of either kind, pages of any length show what a plain walk shows."""
    one = begun()
    for path, kind in paths.items():
        if kind != "mlflow":
            _entry(one, path)
        if kind != "native":
            key = f"{one.vault.prefix}runs/{one.experiment_id}/{one.owner}/artifacts/{path}"
            keeper(one.vault).put_object(Bucket=one.vault.bucket, Key=key, Body=b"")
    for directory in {"", *(path.rpartition("/")[0] for path in paths)}:
        place = f"{directory}/" if directory else ""
        below = sorted(path for path in paths if path.startswith(place))
        rests = (path.removeprefix(place).partition("/") for path in below)
        shown = sorted({place + name + slash for name, slash, _ in rests})
        assert names(paged(one, directory, limit)) == shown
        assert names(paged(one, directory, limit, recursive=True)) == below


def _entry(one, path):
    place = items.entry(one.grant, one.owner, path, 1, "0" * 64)
    what = {"path": path, "address": "0" * 64, "sha256": "0" * 64, "size": 0, "t": 1, "by": "ann"}
    table.put(items.Entry(place.pk, place.sk, **what))
