"""A table that was brought back from an earlier day: content that was deleted since is not believed in."""

import pytest

from functions import table
from functions.artifacts import files, items, service
from tests.functions.artifacts.scene import described, digest, is_sound, stored


def brought_back(one, *raws):
    """Let items be as they were, all content unproved, as `scripts/restore` leaves them."""
    for raw in raws:
        more = {"unproved": {"BOOL": True}} if "state" in raw else {}
        table.client().put_item(TableName="runhaven", Item={**raw, **more})


def content(one, body):
    """The items of content: its state and who needs it."""
    return list(table.query(items.content(one.grant, digest(body)).pk))


def is_unproved(one, body):
    """Whether the table says of content that it may be gone."""
    return bool(table.get(items.FileItem, items.content(one.grant, digest(body))).unproved)


def test_what_is_there_is_not_sent_again(one):
    """One look at the vault proves it, and the next who logs it costs S3 no call."""
    body = b"there"
    one.log({"a": body})
    brought_back(one, *content(one, body))
    assert is_unproved(one, body)
    other = one.a_run()
    assert [each.state for each in other.offer(described("b", body))] == ["have"]
    assert not is_unproved(one, body)
    assert other.log({"b": body}).missing == []
    other.is_whole()
    is_sound(one, body)


@pytest.mark.parametrize("size", [10, 9 * 2**20], ids=["in one piece", "in parts"])
def test_what_was_purged_is_sent_again(one, size):
    """The table says that it is held, the vault that it is not: whoever logs it has to send it."""
    body = b"x" * size
    one.log({"a": body})
    before = content(one, body)
    service.delete(one.who, one.owner, "a")
    assert one.objects("files/") == []
    brought_back(one, *before)
    other = one.a_run()
    assert other.complete([described("b", body)], other.offer(described("b", body))).missing == ["b"]
    assert stored(other, "b", body) == 1
    assert not is_unproved(one, body)
    other.is_whole()


def test_what_was_sent_again_since_has_another_version(one):
    """What was purged and logged anew after that day is found under its new version."""
    body = b"twice"
    one.log({"a": body})
    before = content(one, body)
    service.delete(one.who, one.owner, "a")
    other = one.a_run()
    other.log({"b": body})
    brought_back(one, *before)
    third = one.a_run()
    assert [each.state for each in third.offer(described("c", body))] == ["have"]
    assert third.log({"c": body}).missing == []
    third.is_whole()


def test_a_need_that_ends_proves_nothing(one):
    """Content stays unproved when one of those that need it lets it go, and goes with the last of them."""
    body = b"needed"
    one.log({"a": body})
    other = one.a_run()
    other.log({"b": body})
    brought_back(one, *content(one, body))
    service.delete(other.who, other.owner, "b")
    assert (one.state(body), is_unproved(one, body)) == (files.HELD, True)
    service.delete(one.who, one.owner, "a")
    is_sound(one, body)


def test_what_was_doubted_stays_unproved(one):
    """Also when a need is found at the last moment, what the table said before is not taken for a look."""
    body = b"doubted"
    one.log({"a": body})
    (state, *needs) = sorted(content(one, body), key=lambda raw: raw["SK"]["S"])
    brought_back(one, {**state, "state": {"S": files.DOUBTED}}, *needs)
    files.let_go(one.grant, one.vault, {digest(body)})
    assert (one.state(body), is_unproved(one, body)) == (files.HELD, True)
