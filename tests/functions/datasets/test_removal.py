"""Deleting versions: for good, with the files that nothing else needs."""

import time
from base64 import b64encode
from dataclasses import replace

import pytest

from functions import table
from functions.access.policy import Role
from functions.datasets import files, items, reactions, removal, service
from functions.errors import Busy, NotAllowed, NotFound, Unacceptable
from functions.ids import name_hash
from tests.functions.artifacts.scene import at_call
from tests.functions.datasets.shelf import NAME, reference

FIRST = {"same": b"same", "old": b"old"}
SECOND = {"same": b"same", "new": b"new"}


@pytest.fixture
def two(one):
    """A dataset with two versions that share a file."""
    one.keep(FIRST)
    one.keep(SECOND)
    return one


def stored(shelf, number):
    """A version's item as the stream gives it."""
    key = items.version(shelf.grant, name_hash(NAME), number)
    return table.get(items.VersionItem, key).serialize()


def deleted(shelf, number):
    """Delete a version and let the job work until it is done; gives its digest."""
    wanted = service.version(shelf.who, NAME, str(number)).digest
    service.delete(shelf.who, NAME, number)
    reactions.on_change(None, stored(shelf, number))
    shelf.kept.pop(number)
    return wanted


def test_a_deleted_version_is_gone_with_its_files(two):
    """Nobody finds it, its own content is removed, and what the other version needs stays."""
    before = two.contents()
    wanted = deleted(two, 1)
    with pytest.raises(NotFound):
        service.version(two.who, NAME, "1")
    assert [one.version for one in service.page(two.who, NAME).versions] == [2]
    assert two.lying(wanted) == []
    assert len(before - two.contents()) == 1
    assert "purge" not in stored(two, 1)
    two.is_whole()


def test_its_number_and_digest_stay_taken(two):
    """The same files make no version again, and the next one gets the next number."""
    deleted(two, 2)
    two.send(SECOND)
    with pytest.raises(Unacceptable, match="deleted"):
        two.make(SECOND)
    assert service.get(two.who, NAME).latest == 1
    assert two.keep({"third": b"3"}) == 3
    deleted(two, 3)
    deleted(two, 1)
    assert service.get(two.who, NAME).latest is None
    with pytest.raises(NotFound):
        service.version(two.who, NAME, "latest")


def test_what_was_said_of_it_is_gone(two):
    """Of a deleted version only its number, its digest and who made and deleted it are left."""
    service.reword_version(two.who, NAME, "1", "secret", {"k": "secret"})
    service.create(two.who, NAME, reference(source="s3://secret/x", description="secret"))
    service.delete(two.who, NAME, 3)
    deleted(two, 1)
    for number in (1, 3):
        item = items.VersionItem.from_raw_data(stored(two, number))
        assert items.body(item.body) == items.Body(item.digest, item.kind)
        assert items.words(item.words) == items.Words()
        assert item.deleted_by == two.who.name


def test_deleting_again_changes_nothing(two):
    """It answers since when; a version that never was is a 404; and a contributor may not."""
    first = service.delete(two.who, NAME, 1)
    assert service.delete(two.who, NAME, 1) == first
    for number in (0, 3, 10**9):
        with pytest.raises(NotFound):
            service.delete(two.who, NAME, number)
    with pytest.raises(NotAllowed):
        service.delete(replace(two.who, role=Role.CONTRIBUTOR), NAME, 2)


def test_the_job_takes_as_many_turns_as_it_needs(two):
    """Where its time is up it renews the mark that calls it again, and in the end takes it away."""
    service.delete(two.who, NAME, 1)
    mark = stored(two, 1)["purge"]
    assert not removal.work(two.who.team, name_hash(NAME), 1, seconds=-1)
    assert int(stored(two, 1)["purge"]["N"]) > int(mark["N"])
    assert removal.work(two.who.team, name_hash(NAME), 1)
    assert removal.work(two.who.team, name_hash(NAME), 1)


def expired(shelf, wanted):
    """What the stream tells when a note expires."""
    place = items.begun(shelf.grant, items.place(NAME, wanted))
    raw = shelf.note(wanted).serialize() | {"ttl": {"N": str(int(time.time()) - 1)}}
    table.delete(place)
    return raw


def test_files_of_a_version_that_never_came_are_let_go(one):
    """What a broken-off try had kept is removed when its note expires; the same can be made afterwards."""
    one.send({"a": b"a"})
    one.make({"a": b"a", "b": b"b"})
    one.send({"b": b"b"})
    wanted = unfinished(one)
    assert one.lying(wanted) == ["P#00000"]
    reactions.on_change(expired(one, wanted), None)
    assert (one.lying(wanted), one.note(wanted)) == ([], None)
    assert one.keep({"a": b"a", "b": b"b"}) == 1
    one.is_whole()


def unfinished(shelf):
    """The digest of the one version that is being made."""
    from functions.datasets import manifest
    from runhaven.wire.datasets import NewVersion
    from tests.functions.datasets.shelf import described

    some = manifest.files(described({"a": b"a", "b": b"b"}))
    return manifest.body(NewVersion(), some).digest


def test_a_note_that_goes_with_its_version_removes_nothing(one):
    """Neither the number's taking it away nor an old note of a finished version touches its files."""
    one.keep({"a": b"a", "b": b"b"})
    wanted = unfinished(one)
    assert one.note(wanted) is None
    files.look_later(one.grant, items.place(NAME, wanted))
    reactions.on_change(expired(one, wanted), None)
    one.is_whole()


def test_who_goes_on_is_not_cleared_away(one):
    """A try that began again keeps its files; and while they are cleared away, none begins."""
    one.send({"a": b"a"})
    one.make({"a": b"a", "b": b"b"})
    wanted = unfinished(one)
    old = expired(one, wanted)
    one.make({"a": b"a", "b": b"b"})
    reactions.on_change(old, None)
    assert one.lying(wanted) == ["P#00000"]
    table.delete(items.begun(one.grant, items.place(NAME, wanted)))
    assert not files.clear(one.who.team, items.place(NAME, wanted), time.monotonic() - 1)
    with pytest.raises(Busy):
        one.make({"a": b"a", "b": b"b"})
    reactions.on_change(old, None)
    one.keep({"a": b"a", "b": b"b"})
    one.is_whole()


def test_a_version_that_comes_while_it_is_cleared_away_keeps_its_files(one):
    """Clearing looks once its note stands there: a version that was made just before stays whole."""
    one.send({"a": b"a"})
    one.make({"a": b"a", "b": b"b"})
    wanted = unfinished(one)
    old = expired(one, wanted)
    with at_call(one, 0, lambda: one.keep({"a": b"a", "b": b"b"}), names={"PutItem"}):
        reactions.on_change(old, None)
    one.is_whole()
    assert one.note(wanted) is None


def test_other_changes_are_passed_over():
    """Items of other rooms, words of versions and deletions by hand ask for nothing."""
    plain = {"PK": {"S": "T#red#D#abc"}, "SK": {"S": "V#00000001"}}
    for before, after in [
        (None, {"PK": {"S": "T#red"}, "SK": {"S": "D#abc"}}),
        (plain, plain),
        (plain, None),
        ({**plain, "purge": {"N": "1"}}, {**plain, "purge": {"N": "1"}}),
        ({**plain, "SK": {"S": "U#abc"}, "ttl": {"N": str(int(time.time()) + 60)}}, None),
        ({"PK": {"S": "T#red#LATER"}, "SK": {"S": "x"}, "addresses": {"B": b64encode(b"").decode()}}, None),
    ]:
        reactions.on_change(before, after)
