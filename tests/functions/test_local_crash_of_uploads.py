"""`kill -9` while files go up and are deleted: whatever was acknowledged is so after a restart."""

import hashlib
import os
import threading
import time

import httpx
import pytest

from tests.file_client import Client

WAYS = [Client.log, Client.put, Client.pass_through]


@pytest.fixture
def house(house_process):
    """A house that can be killed and comes back at its address."""
    opened = house_process()
    opened.port = int(opened.url.rpartition(":")[2])
    return opened


@pytest.fixture
def client(house):
    """A client with a run that is on disk."""
    made = Client(house.url)
    made.outlasts_a_kill()
    return made


def killed(house):
    """End the house as a power cut does, and open it again."""
    house.kill()
    house.start()


def test_what_was_acknowledged_before_a_kill_is_so_after_it(house, client):
    """Files are there whichever way they came; what was deleted is in no list, nor taken for content held."""
    client.log("held", b"old")
    client.log("gone", b"content")
    client.outlasts_a_kill()
    client.delete("gone")
    for number, way in enumerate(WAYS):
        way(client, f"{number}", b"%d" % number)
    client.log("again", b"old")
    killed(house)
    assert client.listed() == ["0", "1", "2", "again", "held"]
    assert [client.fetched(f"{number}") for number in range(3)] == [b"0", b"1", b"2"]
    assert client.fetched("again") == b"old"
    assert client.offered("back", b"content")[0]["state"] == "put"
    client.log("back", b"content")
    assert client.fetched("back") == b"content"


def test_a_first_file_is_kept_with_its_vault(house, client):
    """The first file of a team outlives a kill, though its vault was made a moment before."""
    client.put("first", b"1")
    killed(house)
    assert client.fetched("first") == b"1"


class Endless(threading.Thread):
    """A client that logs file after file to a run until it is told to end, also while nobody answers."""

    def __init__(self, url, run, number):
        super().__init__()
        self.client, self.number = Client(url, run), number
        self.acknowledged, self.ending = {}, threading.Event()

    def run(self):
        """Log, and note what was acknowledged."""
        for count in range(10**6):
            if self.ending.is_set():
                return
            path, body = f"{self.number}/{count}", os.urandom(1 + 50_000 * (count % 7))
            try:
                WAYS[(self.number + count) % len(WAYS)](self.client, path, body)
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                self.acknowledged[path] = hashlib.sha256(body).hexdigest()


def test_a_house_is_killed_again_and_again_while_files_go_up(house, client):
    """Of four clients that log without end through five kills, every acknowledged file is there, whole."""
    logging = [Endless(house.url, client.run, number) for number in range(4)]
    for each in logging:
        each.start()
    for number in range(5):
        enough = sum(len(each.acknowledged) for each in logging) + 15 + number
        while sum(len(each.acknowledged) for each in logging) < enough:
            time.sleep(0.01)
        killed(house)
    for each in logging:
        each.ending.set()
        each.join()
    acknowledged = {path: sha for each in logging for path, sha in each.acknowledged.items()}
    assert set(acknowledged) - set(client.listed()) == set()
    for path, sha256 in acknowledged.items():
        assert hashlib.sha256(client.fetched(path)).hexdigest() == sha256, path
