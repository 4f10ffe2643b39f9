"""The job that lets the files of deleted versions go.

The mark `purge` on a version sets it going through the table's stream. It may be broken off anywhere and done
twice; when its time is up it renews the mark, which is its way to be called again. It takes it away last.
"""

import time

from functions import revision, table
from functions.access.grants import for_job
from functions.artifacts import service as artifacts
from functions.datasets import files, items, versions
from functions.datasets.items import Place, VersionItem
from functions.ids import now_ms

PIECE_SECONDS = 10.0


def work(team: str, dataset: str, number: int, seconds: float = PIECE_SECONDS) -> bool:
    """One piece of the job, for a version given by the hash of its dataset's name; whether it is done."""
    grant = for_job(team)
    key = items.version(grant, dataset, number)
    item = table.get(VersionItem, key)
    if item is None or item.purge is None:
        return True
    at, until = items.place(item.name, item.digest), time.monotonic() + seconds
    done = files.let_go(grant, artifacts.vault_or_none(grant), at, until)
    if done:  # a call that was under way may still keep a file
        files.look_later(grant, at)

    def alter(one: VersionItem) -> bool:
        one.purge = None if done else max(now_ms(), int(one.purge or 0) + 1)
        return True

    revision.change(VersionItem, key, alter, versions.no_such(item.name, number))
    return done


def clear(team: str, dataset: str, digest: str) -> None:
    """Let go of the files of a version that nobody went on with, or that was deleted; both as hashes."""
    files.clear(team, Place(dataset, digest), time.monotonic() + PIECE_SECONDS)
