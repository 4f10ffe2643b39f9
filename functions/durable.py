"""What an acknowledgement waits for where the table answers before it writes, as only the laptop's does."""

from collections.abc import Callable

#: Bring to the disk what was written until now. DynamoDB needs none; the laptop's house puts one in.
flushes: list[Callable[[], object]] = []


def settle() -> None:
    """Return once everything that was written until now outlives a crash.

    Whoever removes from a vault, or says that a file is stored, calls it: what lies in a vault is on disk at
    once, and a table that falls back by a second would speak of files that are gone, or not of those there.
    """
    for flush in flushes:
        flush()
