"""Removing what was logged natively for good: thousands of paths, and content that others need."""

from itertools import count

import pytest

from functions import table
from functions.artifacts import purge
from functions.logged_models import service as logged_models
from tests.functions.artifacts.scene import (
    GONE,
    HELD,
    Crash,
    Scene,
    at_call,
    begun,
    described,
    digest,
    purged,
)

BODIES = [b"%d" % number for number in range(20)]


def log_many(scene, number):
    """Log so many paths with twenty contents among them, a thousand to a manifest."""
    for start in range(0, number, 1000):
        wanted = [described(f"d/{each}", BODIES[each % 20]) for each in range(start, start + 1000)]
        if start == 0:
            scene.transfer(scene.offer(*wanted[:20]), *BODIES)
        assert scene.complete(wanted, scene.offer(*wanted)).missing == []


def test_thousands_of_paths_go(house):
    """3,000 paths go with every content that only they needed, in as many pieces as it takes."""
    one = begun()
    other = one.a_run()
    log_many(one, 3000)
    other.log({"mine": BODIES[7]})
    one.condemn()
    purged(one)
    assert one.remains() == ([], [])
    assert one.objects("files/") == [f"files/{digest(BODIES[7])}"]
    assert {one.state(body) for body in BODIES} == {GONE, HELD}
    other.is_whole()


@pytest.mark.parametrize("house", ["moto"], indirect=True)
def test_a_logged_model_s_purge_goes_on_after_any_crash(house):
    """Between whichever two calls the removal of a logged model breaks off, the next one completes it."""
    for number in count():
        one = begun()
        model = logged_models.create(one.who, experiment_id=one.experiment_id).model_id
        of = Scene(one.who, one.vault, model, one.experiment_id)
        of.log({"a": b"1", "b": b"shared"})
        of.put("c", b"2")
        one.log({"x": b"shared"})
        logged_models.delete(one.who, model)
        logged_models.condemn(one.who, model)
        done = False
        try:
            with at_call(one, number):
                done = purge.work(one.who.team, "model", model)
        except Crash:
            assert purge.work(one.who.team, "model", model)
        assert one.objects() == [f"files/{digest(b'shared')}"]
        assert list(table.query(f"T#{one.who.team}#L#{model}")) == []
        one.is_whole()
        if done:
            break
    assert number > 10
