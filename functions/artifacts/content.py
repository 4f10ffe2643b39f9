"""What a client has: bytes, known by an address that says what they are. Pure.

The address of a file that goes up whole is its SHA-256: S3 refuses other bytes. S3 cannot check the SHA-256
of a file that goes up in parts. It checks each part's, and tells the SHA-256 of those digests, followed by
their number: that is such a file's address. So nobody can put bytes at an address that are not what it says,
and who claims another file's SHA-256 gets an address of his own.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from functions import limits
from runhaven.wire.artifacts import DIGEST_LENGTH, FILE_BYTES, part_bytes

_HEX = frozenset("0123456789abcdef")
# A packed address: its digest, and how many parts.
_DIGEST, _NUMBER = 32, 4


class Content(NamedTuple):
    """Bytes that a client has: how many, their SHA-256, and that of each part if they go up in parts."""

    address: str
    size: int
    sha256: str
    parts: tuple[str, ...]


def content(size: int, sha256: str, parts: Sequence[str]) -> Content:
    """Content as a client describes it.

    Raises:
        Unacceptable: a digest is none, or the parts are not those of a file of this size.
    """
    if not 0 <= size <= FILE_BYTES:
        raise limits.refused(size, "size", f"a file has at most {FILE_BYTES} bytes.")
    _digest(sha256, "sha256")
    part = part_bytes(size)
    if not part:
        return Content(sha256, size, sha256, ())
    number = -(-size // part)
    if len(parts) != number:
        why = f"a file of {size} bytes goes up in {number} parts of {part} bytes: give the SHA-256 of each."
        raise limits.refused(len(parts), "parts", why)
    together = hashlib.sha256(b"".join(bytes.fromhex(_digest(one, "parts")) for one in parts)).hexdigest()
    return Content(f"{together}-{number}", size, sha256, tuple(parts))


def packed(addresses: Iterable[str]) -> bytes:
    """Addresses in 36 bytes each."""
    found = bytearray()
    for address in addresses:
        digest, _, number = address.partition("-")
        found += bytes.fromhex(digest) + int(number or 0).to_bytes(_NUMBER, "big")
    return bytes(found)


def unpacked(blob: bytes) -> Iterator[str]:
    """The addresses in a blob."""
    for start in range(0, len(blob), _DIGEST + _NUMBER):
        digest, number = blob[start : start + _DIGEST], blob[start + _DIGEST : start + _DIGEST + _NUMBER]
        count = int.from_bytes(number, "big")
        yield f"{digest.hex()}-{count}" if count else digest.hex()


def _digest(value: object, field: str) -> str:
    if not isinstance(value, str) or len(value) != DIGEST_LENGTH or not _HEX.issuperset(value):
        raise limits.refused(value, field, "a SHA-256 is 64 lower-case hex digits.")
    return value
