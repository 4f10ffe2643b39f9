"""The bytes of the laptop's objects: files under random names, which never come from outside."""

import os
import secrets
from collections.abc import Iterable, Iterator
from hashlib import md5
from pathlib import Path

_READ_BYTES = 1024 * 1024


def place(directory: Path, name: str) -> Path:
    """Where the file of that name lies: a folder does not hold all."""
    return directory / name[:2] / name


def read(
    directory: Path, files: Iterable[tuple[str, int]], start: int = 0, length: int | None = None
) -> Iterator[bytes]:
    """Some of the bytes, by default all, of files that follow one another.

    Args:
        directory: where they lie.
        files: their names and sizes.
        start: how many bytes are left out.
        length: how many bytes are wanted.

    Raises:
        FileNotFoundError: one was removed.
    """
    at = 0
    for name, size in files:
        low = max(start - at, 0)
        high = size if length is None else min(start + length - at, size)
        if low < high:
            with place(directory, name).open("rb") as file:
                file.seek(low)
                while low < high and (chunk := file.read(min(_READ_BYTES, high - low))):
                    low += len(chunk)
                    yield chunk
        at += size


class Draft:
    """Bytes that arrive, in a file that nothing names yet."""

    def __init__(self, directory: Path) -> None:
        self.id = secrets.token_hex(16)
        self.size = 0
        self._md5 = md5(usedforsecurity=False)
        self._path = place(directory, self.id)
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def write(self, chunk: bytes) -> None:
        """Take some more bytes."""
        view = memoryview(chunk)
        while view:
            view = view[os.write(self._file, view) :]
        self._md5.update(chunk)
        self.size += len(chunk)

    def finish(self) -> None:
        """Bring all bytes to the disk, which takes as long as the disk takes."""
        os.fsync(self._file)
        self._close()

    def discard(self) -> None:
        """Remove the file: nothing is stored."""
        self._close()
        self._path.unlink(missing_ok=True)

    @property
    def etag(self) -> str:
        """MD5 of the bytes in hex, without quotes."""
        return self._md5.hexdigest()

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
