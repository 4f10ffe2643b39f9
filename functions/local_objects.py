"""The objects of the laptop's buckets: bytes in files, and an SQLite index that says what they are.

Bytes arrive in a file of their own below `<bucket>/` and belong to nothing until a row of the index names it:
that one commit is what makes an object. So what was acknowledged is there after `kill -9`, what was not is
nowhere, and no reader ever sees half an object. A file is on the disk before its row is written: a power cut
may cost the last rows, but none shows other bytes than were sent. Removing goes the other way round, rows
first, then files; what a killed house left without a row goes when the next house opens.
"""

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, Self
from xml.sax.saxutils import escape

from functions import local_bytes
from functions.local_bytes import Draft

#: After so many days an upload that nobody completed is forgotten, as the vault's module has it.
UPLOAD_DAYS = 3
_NO_END = 2**62

_SCHEMA = """
PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT, key TEXT, version TEXT, etag TEXT, size INTEGER,
  modified REAL, files TEXT, about TEXT, checksum TEXT, upload TEXT, marker INTEGER);
CREATE UNIQUE INDEX IF NOT EXISTS by_key ON objects (bucket, key, seq);
CREATE TABLE IF NOT EXISTS uploads (
  id TEXT PRIMARY KEY, bucket TEXT, key TEXT, about TEXT, algorithm TEXT, begun REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parts (
  upload TEXT, number INTEGER, file TEXT, size INTEGER, etag TEXT, checksum TEXT, modified REAL,
  PRIMARY KEY (upload, number)) WITHOUT ROWID;
"""
_LATEST = "seq = (SELECT max(seq) FROM objects newer WHERE newer.bucket = o.bucket AND newer.key = o.key)"
_SHOWN = f"SELECT o.*, {_LATEST} FROM objects o WHERE bucket = ?"  # noqa: S608  (a constant in a constant)


class Refused(Exception):
    """What S3 refuses.

    Args:
        status: HTTP status.
        code: S3's word for it.
        message: a sentence for whoever reads the answer.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    @property
    def xml(self) -> bytes:
        """The body of the answer."""
        words = f"<Code>{escape(self.code)}</Code><Message>{escape(self.message)}</Message>"
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{words}</Error>'.encode()


class Stored(NamedTuple):
    """A version of an object; with `marker` the note that it was deleted.

    `modified` is in seconds since 1970, `checksum` is empty or `<algorithm>:<base64>`, `about` holds the
    headers that come back with the object, and `upload` names the multipart upload that made it.
    """

    seq: int
    bucket: str
    key: str
    version: str
    etag: str
    size: int
    modified: float
    files: list[tuple[str, int]]
    about: dict[str, str]
    checksum: str
    upload: str
    marker: bool
    latest: bool


class Objects:
    """The objects of all buckets. Every call is whole: others see all of it or nothing.

    Args:
        directory: where the index and the files lie or are made.

    Raises:
        RuntimeError: the index cannot be opened, or another process has it.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.directory, self.lock = directory, threading.RLock()
        path = directory / "index.sqlite"
        self.db = sqlite3.connect(path, timeout=0.5, check_same_thread=False, isolation_level=None)
        try:
            self.db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            self.db.close()
            raise RuntimeError(f"{path} cannot be opened; perhaps another house has it ({error})") from error
        self._forget_old_uploads()
        if self.note("open"):
            self._sweep()
        self.write_note("open", "yes")

    def close(self) -> None:
        """Let go of the index."""
        with self.lock:
            self.write_note("open", None)
            self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write all of what follows or, when it raises, nothing of it; such blocks may be nested."""
        with self.lock:
            if self.db.in_transaction:
                yield
                return
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.db.rollback()
                raise
            self.db.commit()

    def note(self, name: str) -> str:
        """What was written down under a name; "" if nothing was."""
        with self.lock:
            found = self.db.execute("SELECT text FROM notes WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else ""

    def notes(self, prefix: str) -> dict[str, str]:
        """All notes whose names begin so, by the rest of their names."""
        query = "SELECT substr(name, ?), text FROM notes WHERE name >= ? AND name < ?"
        with self.lock:
            return dict(self.db.execute(query, (len(prefix) + 1, prefix, _behind(prefix))).fetchall())

    def write_note(self, name: str, text: str | None) -> None:
        """Write something down under a name, or strike it out with None."""
        with self.writing():
            if text is None:
                self.db.execute("DELETE FROM notes WHERE name = ?", (name,))
            else:
                self.db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, text))

    def draft(self, bucket: str) -> Draft:
        """Begin to take bytes for a bucket."""
        return Draft(self.directory / bucket)

    def put(self, bucket: str, key: str, draft: Draft, *, only_new: bool = False, **more: Any) -> Stored:
        """Make a finished draft the newest version of an object.

        Args:
            bucket: its bucket.
            key: its name.
            draft: its bytes.
            only_new: refuse where there is one already.
            **more: what `insert` takes.

        Raises:
            Refused: PreconditionFailed.
        """
        with self.lock:
            if only_new:
                self.must_be_free(bucket, key)
            return self.insert(bucket, key, draft.etag, [(draft.id, draft.size)], **more)

    def insert(
        self,
        bucket: str,
        key: str,
        etag: str,
        files: Sequence[tuple[str, int]],
        *,
        about: Mapping[str, str] | None = None,
        checksum: str = "",
        upload: str = "",
        marker: bool = False,
        versioned: bool = True,
    ) -> Stored:
        """Make files that are on the disk the newest version of an object.

        Args:
            bucket: its bucket.
            key: its name.
            etag: its ETag, without quotes.
            files: their names and sizes, in order.
            about: headers that come back with it.
            checksum: empty or `<algorithm>:<base64>`.
            upload: the multipart upload that made it.
            marker: it is no object, but the note that it was deleted.
            versioned: keep what was there before.
        """
        version = secrets.token_hex(16) if versioned else "null"
        row = (
            *(bucket, key, version, etag, sum(size for _, size in files), time.time()),
            *(json.dumps(files), json.dumps(dict(about or {})), checksum, upload, marker),
        )
        with self.writing():
            before = None if versioned else self.version(bucket, key, "null")
            if before is not None:
                self.db.execute("DELETE FROM objects WHERE seq = ?", (before.seq,))
            self.db.execute("INSERT INTO objects VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            stored = self.version(bucket, key, version)
        if before is not None:
            self.unlink(bucket, (name for name, _ in before.files))
        if stored is None:
            raise AssertionError(key)
        return stored

    def must_be_free(self, bucket: str, key: str) -> None:
        """See that there is no object of that name.

        Raises:
            Refused: PreconditionFailed.
        """
        found = self.newest(bucket, key)
        if found is not None and not found.marker:
            raise Refused(412, "PreconditionFailed", "At least one of the pre-conditions did not hold.")

    def newest(self, bucket: str, key: str) -> Stored | None:
        """The newest version of an object; where it was deleted, its marker."""
        with self.lock:
            return next(self._rows(f"{_SHOWN} AND key = ? ORDER BY seq DESC LIMIT 1", bucket, key), None)

    def version(self, bucket: str, key: str, version: str) -> Stored | None:
        """One version of an object, or the marker of that name."""
        with self.lock:
            return next(self._rows(f"{_SHOWN} AND key = ? AND version = ?", bucket, key, version), None)

    def delete(self, bucket: str, key: str, version: str = "", *, versioned: bool = True) -> Stored | None:
        """Delete an object; or, with its name, one version or marker for good, its files included.

        Returns:
            The marker that was made, or what was removed; None if it was not there.
        """
        if versioned and not version:
            return self.insert(bucket, key, "", [], marker=True)
        with self.writing():
            found = self.version(bucket, key, version or "null")
            if found is None:
                return None
            self.db.execute("DELETE FROM objects WHERE seq = ?", (found.seq,))
        self.unlink(bucket, (name for name, _ in found.files))
        return found

    def listing(
        self, bucket: str, prefix: str = "", *, delimiter: str = "", after: str = "", limit: int
    ) -> list[Stored | str]:
        """The newest versions of what is not deleted, in the order of their keys; folders as text."""
        with self.lock:
            return list(islice(self._walk(bucket, prefix, delimiter, after), limit))

    def versions(
        self, bucket: str, prefix: str = "", *, after: tuple[str, str] = ("", ""), limit: int
    ) -> list[Stored]:
        """All versions and markers in the order of their keys, the newest of a key first.

        Args:
            bucket: whose.
            prefix: how the keys begin.
            after: key and version behind which the page begins; a key alone is left out whole.
            limit: how many at the most.
        """
        (key, version), query = after, f"{_SHOWN} AND key >= ? AND key < ? ORDER BY key, seq DESC"
        with self.lock:
            found = self._rows(query, bucket, max(prefix, _above(key)), _behind(prefix))
            if version:  # where that version is gone meanwhile, the page begins with what is left of its key
                last, query = self.version(bucket, key, version), f"{_SHOWN} AND key = ? AND seq < ?"
                older = self._rows(f"{query} ORDER BY seq DESC", bucket, key, last.seq if last else _NO_END)
                found = chain(older, found)
            return list(islice(found, limit))

    def read(self, stored: Stored, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Some of the bytes, by default all.

        Raises:
            FileNotFoundError: the version was removed meanwhile.
        """
        return local_bytes.read(self.directory / stored.bucket, stored.files, start, length)

    def unlink(self, bucket: str, files: Iterable[str]) -> None:
        """Remove files that no row names any more."""
        for name in files:
            local_bytes.place(self.directory / bucket, name).unlink(missing_ok=True)

    def _walk(self, bucket: str, prefix: str, delimiter: str, after: str) -> Iterator[Stored | str]:
        query = f"{_SHOWN} AND key >= ? AND key < ? AND {_LATEST} AND NOT marker ORDER BY key"
        low: str | bytes = max(prefix, _above(after))
        high = _behind(prefix)
        while True:
            for stored in self._rows(query, bucket, low, high):
                end = stored.key.find(delimiter, len(prefix)) if delimiter else -1
                if end >= 0:
                    folder = stored.key[: end + len(delimiter)]
                    break
                yield stored
            else:
                return
            if folder != after:
                yield folder
            low = _behind(folder)

    def _rows(self, query: str, *values: object) -> Iterator[Stored]:
        for row in self.db.execute(query, values):
            stored = Stored(*row)
            files = [(name, size) for name, size in json.loads(row[7])]
            yield stored._replace(files=files, about=json.loads(row[8]))

    def _sweep(self) -> None:
        """Remove the files that a killed house left without a row."""
        named = {name for (name,) in self.db.execute("SELECT file FROM parts")}
        for (files,) in self.db.execute("SELECT files FROM objects"):
            named.update(name for name, _ in json.loads(files))
        for path in self.directory.glob("*/??/*"):
            if path.name not in named:
                path.unlink()

    def _forget_old_uploads(self) -> None:
        begun = "upload IN (SELECT id FROM uploads WHERE begun < ?)"
        old = (time.time() - UPLOAD_DAYS * 86400,)
        with self.writing():
            gone = self.db.execute(f"DELETE FROM parts WHERE {begun}", old).rowcount  # noqa: S608
            self.db.execute("DELETE FROM uploads WHERE begun < ?", old)
        if gone > 0:
            self._sweep()


def _above(key: str) -> str:
    """The first text behind a key; "" where there is none."""
    return f"{key}\0" if key else ""


def _behind(prefix: str) -> str | bytes:
    """What stands behind all texts that begin so. SQLite sorts every blob behind every text."""
    last = prefix.rstrip("\U0010ffff")
    if not last:
        return b""
    after = ord(last[-1]) + 1
    return last[:-1] + chr(0xE000 if after == 0xD800 else after)  # there are no halves of surrogates in UTF-8
