"""Files that many threads store and let go of, on an S3 that is made for threads, as moto's is not."""

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
