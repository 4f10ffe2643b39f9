"""The laptop's data folder: one house at a time has it, and it tells whether the last one ended in order."""

import fcntl
import os
from pathlib import Path
from typing import IO, Self


class CannotOpen(Exception):
    """Why the house cannot open, in words for whoever types `scripts/run`."""


class Folder:
    """A data folder that this house alone has, until the context or the process ends.

    Attributes:
        left_open: whether the house before did not end in order, so that there may be something left to do.
        done: to be set before the end; False tells the next house that there is something left to do.
    """

    def __init__(self, path: Path) -> None:
        """Take the folder, and make it if it is missing.

        Raises:
            CannotOpen: it cannot be written, or another house has it.
        """
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._mark: IO[str] = (path / "open").open("a+", encoding="utf-8")
        except OSError as error:
            why = "it is a file" if isinstance(error, FileExistsError) else error.strerror
            raise CannotOpen(f"the data folder {path} cannot be used ({why}).") from error
        try:
            fcntl.flock(self._mark, fcntl.LOCK_EX | fcntl.LOCK_NB)  # `kill -9` lets go of it too
        except BlockingIOError as error:
            self._mark.close()
            why = f"another house has the data folder {path} open; close it, or name another one with --data."
            raise CannotOpen(why) from error
        except OSError as error:  # a file system without locks
            self._mark.close()
            raise CannotOpen(f"the data folder {path} cannot be locked ({error.strerror}).") from error
        self._mark.seek(0)
        self.left_open = bool(self._mark.read())
        self.done = not self.left_open
        self._write(str(os.getpid()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        failed = kind is not None and issubclass(kind, Exception)
        with self._mark:  # its end lets go of the folder
            if self.done and not failed:
                self._write("")

    def _write(self, text: str) -> None:
        self._mark.truncate(0)
        self._mark.write(text)
        self._mark.flush()
