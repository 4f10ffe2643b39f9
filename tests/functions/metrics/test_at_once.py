"""Many at one run: real threads and real processes."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from functions import settings
from functions.errors import Busy, Unacceptable
from functions.metrics import service as metrics
from functions.metrics import upkeep
from functions.runs import service
from tests.functions.metrics import writer
from tests.functions.runs.naive import exact, told

WRITERS, CALLS = 8, 40
ON_DYNOXIDE = pytest.mark.parametrize(
    "engine", [pytest.param("dynoxide", marks=pytest.mark.engine)], indirect=True
)


def logged(writers=WRITERS, calls=CALLS):
    """All points of all writers."""
    return [
        point for number in range(writers) for call in range(calls) for point in writer.points(number, call)
    ]


def nothing_is_lost(scene, calls=CALLS):
    """The run has every point, tag and best value of all writers, and when it is settled the exact counts."""
    scene.tried = scene.acknowledged = logged(calls=calls)
    scene.look()
    scene.tags = {f"tag/{number}": str((calls - 1) // 4 * 4) for number in range(WRITERS)}
    scene.finish()
    scene.is_exact()


@contextmanager
def meanwhile(*acts):
    """Do these again and again, each in a thread of its own; what goes wrong there comes out at the end."""
    ended = threading.Event()

    def again(act):
        while not ended.wait(0.05):
            with suppress(Busy):
                act()

    with ThreadPoolExecutor(len(acts)) as pool:
        going = [pool.submit(again, act) for act in acts]
        try:
            yield
        finally:
            ended.set()
        for one in going:
            one.result()


@pytest.mark.slow
def test_writers_and_jobs_at_once_lose_nothing(back_end, scene):
    """Eight writers, two folding jobs and a reader at one run lose no point, no tag and no best value."""
    everything = exact(told(logged()))

    def job():
        upkeep.settle(scene.who.team, scene.run_id)
        scene.fold()

    def read():
        known = service.get(scene.who, scene.run_id).metrics
        assert known.keys() <= everything.keys()

    with meanwhile(job, job, read):
        slowest = back_end.at_once(
            lambda number: writer.write(scene.who, scene.run_id, number, CALLS), range(WRITERS)
        )
    assert [one for one in slowest if isinstance(one, Exception)] == []
    assert max(slowest) < 10
    nothing_is_lost(scene)


@pytest.mark.slow
@ON_DYNOXIDE
def test_processes_at_once_lose_nothing(scene):
    """Eight processes at one run lose no point, no tag and no best value."""
    command = [
        sys.executable,
        "-m",
        writer.__name__,
        settings.settings().dynamodb_url,
        scene.who.team,
        scene.run_id,
    ]
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'sdk'}"}
    started = [
        subprocess.Popen([*command, str(number), str(CALLS)], cwd=root, env=environment)
        for number in range(WRITERS)
    ]
    assert [process.wait(timeout=100) for process in started] == [0] * WRITERS
    nothing_is_lost(scene)


def test_of_two_values_of_a_param_one_wins(back_end, scene):
    """Of writers that set one param to different values at once exactly one wins; the others get a 400."""
    for round_ in range(8):
        name = f"p{round_}"
        outcomes = back_end.at_once(
            lambda value, name=name: service.amend(scene.who, scene.run_id, params={name: value}),
            ["a", "b", "c"],
        )
        assert [type(one) for one in outcomes if one is not None] == [Unacceptable] * 2
        stands = service.get(scene.who, scene.run_id).params[name]
        assert outcomes["abc".index(stands)] is None


def test_a_run_that_is_deleted_while_it_is_logged_to_ends_whole(back_end, scene):
    """Writers are told at their next call; everything that was acknowledged is there, and comes back too."""
    done = dict.fromkeys(range(1, 4), -1)

    def act(number):
        while number == 0 and min(done.values()) < 3:
            time.sleep(0.001)
        if number == 0:
            service.delete(scene.who, scene.run_id)
            return
        for call in range(1000):
            try:
                service.amend(scene.who, scene.run_id, tags={f"tag/{number}": str(call)})
                metrics.log_batch(scene.who, scene.run_id, points=writer.points(number, call))
            except Unacceptable:
                return
            done[number] = call

    assert back_end.at_once(act, range(4)) == [None] * 4
    for number, last in done.items():
        points = [writer.points(number, call) for call in range(last + 2)]
        scene.tried += [point for some in points for point in some]
        scene.acknowledged += [point for some in points[:-1] for point in some]
    assert service.get(scene.who, scene.run_id).lifecycle == "deleted"
    scene.look()
    service.restore(scene.who, scene.run_id)
    scene.look()
    tags = service.get(scene.who, scene.run_id).content.tags
    assert all(int(tags[f"tag/{number}"]) - last in {0, 1} for number, last in done.items())


def test_every_record_counts_once_however_often_it_is_sent(back_end, scene):
    """Senders of overlapping pieces of one writer's records at once count each record exactly once."""
    log = [("loss", 100 / (number + 1), number, number) for number in range(120)]

    def send(sender):
        mark = -1
        for begin in range(0, 120, 10):
            first = max(0, begin - sender)
            numbered = list(enumerate(log))[first : first + 10 + 2 * sender]
            records = metrics.Records("c" * 32, first, len(numbered), numbered, [], [])
            mark = metrics.log_records(scene.who, scene.run_id, records)
        return mark

    assert set(back_end.at_once(send, range(4))) == {119}
    scene.tried = scene.acknowledged = log
    scene.look(counted=True)
