"""Calls that come late, and looking for what they left: nothing stays that nobody needs."""

import time

from functions.artifacts import files, service
from tests.functions.artifacts.scene import GONE, at_call, described, digest


def test_a_late_completion_leaves_no_content_behind(one):
    """What a completion that comes again while its file is deleted writes anew is removed too."""
    wanted = [described("a", b"late", time=5)]
    offers = one.offer(*wanted)
    one.transfer(offers, b"late")
    one.complete(wanted, offers)
    with at_call(one, 0, lambda: one.complete(wanted, offers), names={"TransactWriteItems"}):
        service.delete(one.who, one.owner, "a")
    assert (one.state(b"late"), one.objects("files/")) == (GONE, [])
    one.is_whole()


def test_looking_for_what_was_left_ends_in_time(one):
    """Very many addresses are looked at piece by piece: the rest comes again."""
    one.transfer(one.offer(described("b", b"lost")), b"lost")
    assert not files.forsake(one.grant, one.vault, [digest(b"lost")], time.monotonic() - 1)
    assert len(one.objects("files/")) == 1
    assert files.forsake(one.grant, one.vault, [digest(b"lost")], time.monotonic() + 60)
    assert one.objects("files/") == []
