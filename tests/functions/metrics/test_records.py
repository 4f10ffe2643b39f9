"""Records of SDK writers: exactly once, in whatever pieces and order they come."""

import pytest

from functions.errors import Unacceptable
from functions.metrics import service as metrics
from functions.metrics.service import Records
from functions.runs import service
from tests.functions.metrics.interruptions import at_write, crash

W = "0123456789abcdef" * 2
LOG = [
    ("param", "lr", "0.1"),
    ("tag", "phase", "warm"),
    ("metric", "sdk", 1.0, 10, 0),
    ("metric", "sdk", 0.5, 20, 1),
    ("tag", "phase", "hot"),
    ("metric", "sdk", 0.5, 20, 1),
    ("metric", "sdk", 0.2, 30, 2),
    ("tag", "done", "yes"),
]


@pytest.fixture
def send(scene):
    """Send records from the first to the last number; answers the high-water mark."""

    def to(first, last, log=LOG, writer=W):
        piece = list(enumerate(log))[first : last + 1]
        kinds = [[(number, *one[1:]) for number, one in piece if one[0] == kind] for kind in ("param", "tag")]
        points = [(number, one[1:]) for number, one in piece if one[0] == "metric"]
        return metrics.log_records(
            scene.who, scene.run_id, Records(writer, first, len(piece), points, *kinds)
        )

    return to


def test_the_mark_moves_only_over_what_is_complete(scene, send):
    """The high-water mark is the last number without a gap below it; it leaps when a gap closes."""
    assert send(4, 7) == -1
    assert send(1, 2) == -1
    assert send(0, 0) == 2
    assert send(3, 3) == 7
    assert send(0, 7) == 7
    run = service.get(scene.who, scene.run_id)
    assert (run.params, run.tags["done"]) == ({"lr": "0.1"}, "yes")
    assert (run.metrics["sdk"].count, run.metrics["sdk"].last) == (4, 0.2)
    assert len(metrics.history(scene.who, scene.run_id, "sdk")[0]) == 3


def test_a_record_that_comes_again_undoes_nothing(back_end, scene, send):
    """A piece that is sent again makes no write, and a tag in it does not undo what was set after it."""
    send(0, 7)
    service.amend(scene.who, scene.run_id, tags={"phase": "by hand"})
    with back_end.trips() as trips:
        assert send(0, 7) == 7
        assert send(2, 5) == 7
    assert trips == ["Query", "Query"]
    assert service.get(scene.who, scene.run_id).tags["phase"] == "by hand"


def test_a_record_that_is_sent_twice_at_once_is_set_once(scene, send):
    """Of two deliveries of a tag the later one changes nothing, though both began before one was written."""

    def meanwhile():
        send(0, 1)
        service.amend(scene.who, scene.run_id, tags={"phase": "by hand"})

    with at_write(0, meanwhile):
        assert send(0, 1) == 1
    assert service.get(scene.who, scene.run_id).tags["phase"] == "by hand"


@pytest.mark.parametrize("number", range(2))
@pytest.mark.parametrize("applied", [False, True])
def test_a_crash_between_texts_and_points_is_completed(scene, send, number, applied):
    """A delivery that dies between its params and its points is completed when it is sent again."""
    with at_write(number, crash, applied=applied), pytest.raises(Exception):  # noqa: B017, PT011
        send(0, 7)
    assert "sdk" not in service.get(scene.who, scene.run_id).metrics or (number, applied) == (1, True)
    assert send(0, 7) == 7
    run = service.get(scene.who, scene.run_id)
    assert (run.metrics["sdk"].count, run.tags["phase"], run.params) == (4, "hot", {"lr": "0.1"})


def test_writers_do_not_mix(scene, send):
    """Two writers' numbers are their own, also when both send the same ones."""
    assert send(0, 3) == 3
    assert send(0, 5, writer="f" * 32) == 5
    scene.fold()
    assert send(3, 7) == 7
    assert service.get(scene.who, scene.run_id).metrics["sdk"].count == 4 + 3


def test_folding_keeps_what_was_received(scene, send):
    """What a fold moved into the head still counts as received."""
    for number in range(8):
        send(number, number)
        if number % 3 == 1:
            scene.fold()
    assert send(0, 7) == 7
    assert service.get(scene.who, scene.run_id).metrics["sdk"].count == 4


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (Records("0" * 31, 0, 1, [(0, ("a", 1.0, 1, 1))], [], []), "writer"),
        (Records("G" * 32, 0, 1, [(0, ("a", 1.0, 1, 1))], [], []), "writer"),
        (Records(W, -1, 1, [(-1, ("a", 1.0, 1, 1))], [], []), "first"),
        (Records(W, 2**53, 1, [(2**53, ("a", 1.0, 1, 1))], [], []), "first"),
        (Records(W, 0, 10_001, [], [], []), "records"),
        (Records(W, 0, 2, [], [(0, "p", "1"), (1, "p", "2")], []), "records"),
        (Records(W, 0, 1, [(0, ("a", 1.0, -1, 1))], [], []), "metrics[0].timestamp"),
        (Records(W, 0, 1, [], [(0, "p", "x" * 6001)], []), "params['p']"),
        (Records(W, 0, 1, [], [], [(0, "", "x")]), "tags.key"),
    ],
)
def test_malformed_records_are_refused_whole(scene, wrong, field):
    """A malformed writer, sequence, point or text is refused with its field, and nothing is received."""
    with pytest.raises(Unacceptable) as refused:
        metrics.log_records(scene.who, scene.run_id, wrong)
    assert refused.value.field == field
    run = service.get(scene.who, scene.run_id)
    assert (dict(run.metrics), run.params, run.content.writers) == ({}, {}, {})
