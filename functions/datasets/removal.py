"""The job that lets the files of deleted versions go.

The mark `purge` on a version sets it going through the table's stream. It may be broken off anywhere and done
twice; when its time is up it renews the mark, which is its way to be called again. It takes it away last.
"""

import time
from collections.abc import Callable

from functions import revision, table
from functions.access.grants import for_job
from functions.artifacts import service as artifacts
from functions.datasets import files, items, versions
from functions.datasets.items import Place, VersionItem
from functions.ids import now_ms

PIECE_SECONDS = 10.0


def work(team: str, dataset: str, number: int, seconds: float = PIECE_SECONDS) -> bool:
    """One piece of the job, for a version given by the hash of its dataset's name; whether it is done."""
    if piece(team, dataset, number, seconds):
        return True
    _mark(team, dataset, number, lambda was: max(now_ms(), was + 1))
    return False


def piece(team: str, dataset: str, number: int, seconds: float = PIECE_SECONDS) -> bool:
    """The same for a caller who sees himself to the next piece."""
    grant = for_job(team)
    item = table.get(VersionItem, items.version(grant, dataset, number))
    if item is None or item.purge is None:
        return True
    at, until = items.place(item.name, item.digest), time.monotonic() + seconds
    if not files.let_go(grant, artifacts.vault_or_none(grant), at, until):
        return False
    files.look_later(grant, at)  # a call that was under way may still keep a file
    _mark(team, dataset, number, lambda _: None)
    return True


def clear(team: str, dataset: str, digest: str) -> bool:
    """Let go of what nobody went on with, or what was deleted; False where there is more to let go of."""
    return files.clear(team, Place(dataset, digest), time.monotonic() + PIECE_SECONDS)


def _mark(team: str, dataset: str, number: int, renewed: Callable[[int], int | None]) -> None:
    def alter(item: VersionItem) -> bool:
        item.purge = renewed(int(item.purge or 0))
        return True

    key = items.version(for_job(team), dataset, number)
    revision.change(VersionItem, key, alter, versions.no_such(dataset, number))
