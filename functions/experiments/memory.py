"""What this process remembers of the table: bounded by weight, and safe under threads."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


class Memory(Generic[KeyT, ValueT]):
    """A bounded mapping that drops the least used first.

    An entry is only replaced by one of an equal or higher rank, so that a slow reader cannot bring back what
    a writer has replaced meanwhile.
    """

    def __init__(self, most: int) -> None:
        self.most, self.weight = most, 0
        self._entries: OrderedDict[KeyT, tuple[int, int, ValueT]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: KeyT) -> ValueT | None:
        """The remembered value, or None."""
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][2]

    def keep(self, key: KeyT, value: ValueT, *, weight: int = 1, rank: int = 0) -> None:
        """Remember a value, unless one of a higher rank is known or it is heavier than the whole memory."""
        with self._lock:
            known = self._entries.get(key)
            if weight > self.most or (known is not None and known[0] > rank):
                return
            self.weight += weight - (known[1] if known is not None else 0)
            self._entries[key] = (rank, weight, value)
            self._entries.move_to_end(key)
            while self.weight > self.most:
                self.weight -= self._entries.popitem(last=False)[1][1]

    def forget(self) -> None:
        """Remember nothing."""
        with self._lock:
            self._entries.clear()
            self.weight = 0
