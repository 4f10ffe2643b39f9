"""What this process remembers of credentials and memberships, for at most a minute.

Nothing else may make a revoked token or a removed member live on, so a change in this process empties it.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

SECONDS, ENTRIES = 60, 4_096


class Mark(NamedTuple):
    """The moment before something is read from the table."""

    generation: int
    at: float


class Memory:
    """Key -> value for a minute, at most `ENTRIES` of them. Safe among threads.

    It goes by the wall clock: a monotonic one may stand still while Lambda has frozen the process.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._generation = 0
        self._kept: dict[tuple[str, ...], tuple[float, Any]] = {}

    def recall(self, key: tuple[str, ...]) -> Any:
        """What was kept under the key less than a minute ago, or None."""
        at, value = self._kept.get(key, (0.0, None))
        return value if value is not None and 0 <= self._clock() - at < SECONDS else None

    def mark(self) -> Mark:
        """Call this before the reading whose result is to be kept."""
        return Mark(self._generation, self._clock())

    def keep(self, key: tuple[str, ...], value: Any, mark: Mark) -> None:
        """Keep a value that was read after *mark*, unless the memory was emptied in between."""
        with self._lock:
            if mark.generation != self._generation:
                return
            self._kept.pop(key, None)
            while len(self._kept) >= ENTRIES:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = (mark.at, value)

    def forget(self) -> None:
        """Empty the memory, also of what is being read at this moment."""
        with self._lock:
            self._generation += 1
            self._kept.clear()


MEMORY = Memory()
