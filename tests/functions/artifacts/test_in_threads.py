"""Files that many threads store and let go of, on an S3 that is made for threads, as moto's is not."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.artifacts import service
from functions.errors import Busy
from tests.functions.artifacts.scene import begun, is_sound, stored

pytestmark = pytest.mark.parametrize(
    "house", [pytest.param("minio", marks=pytest.mark.engine)], indirect=True
)


def test_storing_and_letting_go_at_once(house):
    """Threads that log and delete the same few contents without end never lose a file that was stored."""
    one = begun()
    bodies = [b"%d" % number for number in range(3)]

    def work(number):
        mine = one.a_run()
        for turn in range(6):
            body = bodies[(number + turn) % 3]
            try:
                stored(mine, "a", body)
            except Busy:
                continue
            mine.is_whole()
            service.delete(mine.who, mine.owner, "a")
            mine.logged = {}
            mine.is_whole()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    for body in bodies:
        is_sound(one, body)


def test_many_complete_the_same_file_at_once(house):
    """Sixteen runs that send and complete the same new content at once all have it, and it is one object."""
    one, body = begun(), os.urandom(1000)
    scenes = [one.a_run() for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(lambda scene: scene.log({"a": body, "b": body}).missing, scenes))
    assert done == [[]] * 16
    for scene in scenes:
        scene.is_whole()
    is_sound(one, body)
