"""The items of the laptop's table: sorted in memory, kept in an SQLite file.

An item is text here. Partitions are read when they are first touched, so that a large file does not slow a
start. What has changed is written once a second, so that a crash loses a second at the most. Each flush is
one cut through the order of all writes, in one SQLite transaction: what the file shows after `kill -9` is
what the table once was.
"""

import sqlite3
import sys
import threading
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

from functions import telemetry

# SQLite takes 999 values a statement where it is old.
_ROWS = 200
_SWITCH_SECONDS = 0.0005

RowT = TypeVar("RowT", bound=tuple[object, ...])


class Kept(NamedTuple):
    """One item as it is kept: compact DynamoDB JSON, and its size in bytes as DynamoDB counts them."""

    text: str
    size: int


class Partition:
    """The items of one partition key by sort key, and the sort keys in order.

    The order of Python's text is that of its UTF-8 bytes, which is DynamoDB's and SQLite's.
    """

    def __init__(self, pk: str, items: dict[str, Kept]) -> None:
        self.pk = pk
        self.items = items
        self.order = list(items)

    def put(self, sk: str, kept: Kept | None) -> None:
        """Put an item, or remove it with None."""
        if kept is None:
            if self.items.pop(sk, None):
                del self.order[bisect_left(self.order, sk)]
            return
        if sk not in self.items:
            insort(self.order, sk)
        self.items[sk] = kept


class KeptItems:
    """All partitions, and the thread that writes what has changed to the file.

    Args:
        lock: held by whoever reads or writes items; a flush takes it for its snapshot only.
        directory: where `table.sqlite` lies or is made; None keeps nothing.

    Raises:
        RuntimeError: the file cannot be opened, or another process has it.
    """

    def __init__(self, lock: AbstractContextManager[object], directory: Path | None) -> None:
        self._lock = lock
        self._file = _File(directory) if directory else None
        self._known: dict[str, Partition] = {}
        self._all_known = directory is None
        self._changed: set[tuple[str, str]] = set()
        self._flushing = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def partition(self, pk: str) -> Partition:
        """One partition, read from the file at the first touch."""
        found = self._known.get(pk)
        if found is None:
            found = Partition(pk, self._file.partition(pk) if self._file and not self._all_known else {})
            if found.order:  # asking for what does not exist costs no memory, however often
                self._known[pk] = found
        return found

    def pks(self) -> list[str]:
        """All partition keys in order, after reading everything."""
        if self._file and not self._all_known:
            for pk in self._file.pks():
                self.partition(pk)
            self._all_known = True
        return sorted(self._known)

    def put(self, partition: Partition, sk: str, kept: Kept | None) -> None:
        """Put an item of a partition, or remove it with None; the next flush writes it."""
        partition.put(sk, kept)
        self._known[partition.pk] = partition
        if self._file:
            self._changed.add((partition.pk, sk))

    def count(self) -> int:
        """How many items memory holds."""
        return sum(len(partition.order) for partition in self._known.values())

    def flush(self) -> int:
        """Write what has changed since the last flush.

        Returns:
            How many items were written or removed.

        Raises:
            sqlite3.Error: the file cannot be written; the next flush tries the same items again.
        """
        if self._file is None:
            return 0
        with self._flushing:
            with self._lock:
                changed, self._changed = self._changed, set()
                rows = [(pk, sk, self._known[pk].items.get(sk)) for pk, sk in changed]
            try:
                self._file.write(rows)
            except BaseException:
                with self._lock:
                    self._changed |= changed
                raise
        return len(rows)

    def start(self, seconds: float = 1.0) -> None:
        """Flush every so many seconds in a thread, until `stop`."""
        self._stopped.clear()
        # A busy thread that lets go of the interpreter now and then takes it back before others are awake,
        # and they ask for it only after a whole interval without that: at 5 ms a flush waited for seconds.
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._thread = threading.Thread(target=self._flush_always, args=(seconds,), name="table", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and flush what is left."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.flush()

    def close(self) -> None:
        """Stop, and let go of the file."""
        try:
            self.stop()
        finally:
            if self._file is not None:
                self._file.close()
                self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _flush_always(self, seconds: float) -> None:
        while not self._stopped.wait(seconds):
            try:
                self.flush()
            except sqlite3.Error:  # a full disk, say: the items stay marked, and the next second tries again
                telemetry.failure("the table's file cannot be written")


class _File:
    """`table.sqlite`: one connection, one user at a time."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "table.sqlite"
        self._one = threading.Lock()
        self._connection = sqlite3.connect(path, timeout=0.5, check_same_thread=False)
        try:
            # Exclusive: a second house on the same folder would overwrite items without knowing them.
            self._connection.executescript(
                "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                "CREATE TABLE IF NOT EXISTS items"
                "(pk TEXT, sk TEXT, item TEXT, size INTEGER, PRIMARY KEY (pk, sk));"
            )
        except sqlite3.Error as error:
            self._connection.close()
            raise RuntimeError(f"{path} cannot be opened; perhaps another house has it ({error})") from error

    def partition(self, pk: str) -> dict[str, Kept]:
        with self._one:
            query = "SELECT sk, item, size FROM items WHERE pk = ? ORDER BY sk"
            return {sk: Kept(text, size) for sk, text, size in self._connection.execute(query, (pk,))}

    def pks(self) -> list[str]:
        with self._one:
            return [pk for (pk,) in self._connection.execute("SELECT DISTINCT pk FROM items")]

    def write(self, rows: Iterable[tuple[str, str, Kept | None]]) -> None:
        there: list[tuple[str, str, str, int]] = []
        gone: list[tuple[str, str]] = []
        for pk, sk, kept in rows:
            if kept is None:
                gone.append((pk, sk))
            else:
                there.append((pk, sk, kept.text, kept.size))
        with self._one, self._connection:  # sqlite3 commits at the end of the block, or rolls back
            # Many rows a statement: each lets go of the interpreter, which a busy house is slow to give back.
            for some in _parts(there):
                marks = ", ".join(["(?, ?, ?, ?)"] * len(some))
                self._connection.execute(f"REPLACE INTO items VALUES {marks}", list(chain(*some)))  # noqa: S608  (marks only)
            for some_gone in _parts(gone):
                marks = ", ".join(["(?, ?)"] * len(some_gone))
                chosen = f"DELETE FROM items WHERE (pk, sk) IN (VALUES {marks})"  # noqa: S608  (marks only)
                self._connection.execute(chosen, list(chain(*some_gone)))

    def close(self) -> None:
        with self._one:
            self._connection.close()


def _parts(rows: list[RowT]) -> Iterator[list[RowT]]:
    return (rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS))
