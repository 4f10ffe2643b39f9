"""Files that are stored and let go of at once, and calls that break off: none is lost, none stays behind."""

import os
from functools import partial
from itertools import count

import pytest

from functions import table
from functions.artifacts import content, files, items, purge, service
from functions.errors import Unavailable
from tests import engines
from tests.functions.artifacts.scene import Crash, at_call, begun, described, digest, is_sound, purged, stored
from tests.functions.metrics.interruptions import refused

pytestmark = pytest.mark.parametrize("house", engines.or_moto("dynoxide"), indirect=True)


def test_a_broken_completion_is_completed_by_a_retry(house):
    """Between whichever two calls a completion dies, nothing is half stored; a retry stores it once."""
    for number in count():
        one = begun()
        bodies = {"a": b"1", "b/c": b"2", "b/d": b"1"}
        wanted = [described(path, body) for path, body in bodies.items()]
        offers = one.offer(*wanted)
        one.transfer(offers, *bodies.values())
        try:
            with at_call(one, number):
                done = one.complete(wanted, offers).missing == []
        except Crash:
            done = False
            assert list(service.listing(one.who, one.owner)) == []
            assert one.complete(wanted, offers).missing == []
        one.logged = bodies
        one.is_whole()
        assert [len(service.versions(one.who, one.owner, path).versions) for path in bodies] == [1, 1, 1]
        if done:
            break
    assert number == 5


def test_a_lost_answer_is_no_second_version(house):
    """A completion that is applied although its answer is lost is repeated without a second effect."""
    one = begun()
    wanted = described("a", b"1")
    offers = one.offer(wanted)
    one.transfer(offers, b"1")
    with at_call(one, 0, applied=True, names={"TransactWriteItems"}), pytest.raises(Crash):
        one.complete([wanted], offers)
    assert one.complete([wanted], offers).missing == []
    assert len(service.versions(one.who, one.owner, "a").versions) == 1
    one.logged = {"a": b"1"}
    one.is_whole()


def test_a_broken_offer_leaves_nothing_in_the_way(house):
    """Between whichever two calls an offer dies, the next one is whole."""
    for number in count():
        one = begun()
        try:
            with at_call(one, number):
                done = one.offer(described("a", b"1")) != []
        except Crash:
            done = False
        one.log({"a": b"1"})
        one.is_whole()
        if done:
            break
    assert number >= 4


def test_a_completion_within_a_purge_loses_nothing(house):
    """Whenever in the purge of the only run with a file another run logs it, that run has it in the end."""
    for number in count():
        one, body = begun(), os.urandom(20)
        other = one.a_run()
        one.log({"a": body})
        one.condemn()
        with at_call(one, number, partial(stored, other, "b", body)) as seen:
            purge.work(one.who.team, "run", one.owner)
        if len(seen) <= number:
            break
        other.is_whole()
        is_sound(one, body)
        purged(one)
        other.is_whole()
        is_sound(one, body)
    assert number > 15


def test_a_purge_within_a_completion_loses_nothing(house):
    """Whenever in a completion the only other run with the file is purged, it holds or says so."""
    missed = 0
    for number in count():
        one, body = begun(), os.urandom(20)
        other = one.a_run()
        one.log({"a": body})
        one.condemn()
        wanted = described("b", body)
        offers = other.offer(wanted)
        assert offers[0].state == "have"
        with at_call(one, number, partial(purge.work, one.who.team, "run", one.owner)) as seen:
            missing = other.complete([wanted], offers).missing
        if len(seen) <= number:
            break
        missed += bool(missing)
        if not missing:
            other.logged = {"b": body}
        other.is_whole()
        is_sound(one, body)
        stored(other, "b", body)
        other.is_whole()
    assert number >= 3
    assert missed > 1


def test_a_file_comes_back_after_a_broken_purge(house):
    """Between whichever two calls a purge dies, another run can store the same content; the rest goes on."""
    for number in count():
        one, body = begun(), os.urandom(20)
        other = one.a_run()
        one.log({"a": body})
        one.condemn()
        try:
            with at_call(one, number):
                done = purge.work(one.who.team, "run", one.owner)
        except Crash:
            done = False
        stored(other, "b", body)
        other.is_whole()
        purged(one)
        other.is_whole()
        is_sound(one, body)
        if done:
            break
    assert number > 15


def test_a_late_deletion_touches_no_newer_object(house):
    """A job that wakes up long after it decided to delete content deletes that object, not one sent since."""
    one, body = begun(), os.urandom(20)
    other = one.a_run()
    one.log({"a": body})
    one.condemn()

    def meanwhile():
        purged(one)
        stored(other, "b", body)

    with at_call(one, 0, meanwhile, names={"DeleteObjects"}):
        purge.work(one.who.team, "run", one.owner)
    other.is_whole()
    is_sound(one, body)


def test_a_sweep_within_a_completion_loses_nothing(house):
    """Whenever in a completion the note of an old offer expires, its files are there or named missing."""
    for number in count():
        one, body = begun(), os.urandom(20)
        wanted = described("a", body)
        offers = one.offer(wanted)
        one.transfer(offers, body)
        old = content.packed([digest(body)])
        with at_call(one, number, partial(purge.unclaimed, one.who.team, old)) as seen:
            missing = one.complete([wanted], offers).missing
        if len(seen) <= number:
            break
        if not missing:
            one.logged = {"a": body}
            one.is_whole()
        stored(one, "a", body)
        one.is_whole()
        is_sound(one, body)
    assert number >= 4


@pytest.mark.parametrize("state", [files.DOUBTED, files.DOOMED])
def test_what_a_dead_job_left_is_finished_by_the_next_sender(house, state):
    """Content that a job doubted or doomed and then died over is revived, or removed and taken anew."""
    one, body = begun(), os.urandom(20)
    one.log({"a": body})
    place = items.content(one.grant, digest(body))
    item = table.get(items.FileItem, place)
    table.delete(items.need(one.grant, digest(body), items.owner_of(_entry_key(one))))
    item.state, item.rv = state, item.rv + 1
    table.put(item)
    other = one.a_run()
    assert stored(other, "b", body) == (1 if state == files.DOUBTED else 2)
    other.is_whole()
    is_sound(one, body)


def _entry_key(one):
    raw = next(iter(table.query(items.entries(one.grant, one.owner).pk, "P#")))
    return table.Key(raw["PK"]["S"], raw["SK"]["S"])


def test_a_failing_vault_stores_nothing(house):
    """When the vault does not answer the proof, nothing is stored and the error says to come back."""
    one = begun()
    wanted = described("a", b"1")
    offers = one.offer(wanted)
    one.transfer(offers, b"1")

    with (
        at_call(one, 0, refused("InternalError", 500), names={"HeadObject"}),
        pytest.raises(Unavailable) as error,
    ):
        one.complete([wanted], offers)
    assert error.value.retry_after
    one.is_whole()
    assert one.complete([wanted], offers).missing == []
