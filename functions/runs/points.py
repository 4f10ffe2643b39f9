"""Points of metrics, packed: about 8 bytes each, and read back exactly (pure).

A point is `(key, value, timestamp in ms, step)`. Values are IEEE-754 float64, never DynamoDB's N, which
cannot hold NaN, infinities, 1e308 or 0.1. Points are grouped by key, so that one metric is read as a slice.
Columns are split into byte planes, which lets zlib level 1 find what neighbours share.
"""

import sys
import zlib
from array import array
from itertools import accumulate, pairwise
from math import copysign, inf, isnan
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from functions.errors import Outdated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Point = tuple[str, float, int, int]
NumberT = TypeVar("NumberT", int, float)

# The first byte of a blob is its format.
PLAIN, DEFLATED = b"\x01", b"\x02"
_WORTH_DEFLATING = 256
_CONSTANT, _DELTAS, _ABSOLUTE = 0, 1, 2
_WIDTH = 8


class Batch(NamedTuple):
    """Points that were logged together.

    Attributes:
        points: grouped by key.
        writer: the SDK writer that sent them, "" for callers that name none.
        sequence: each point's sequence number, in the order of `points`; empty without a writer.
    """

    points: list[Point]
    writer: str = ""
    sequence: list[int] = []  # noqa: RUF012  (never changed)


class _Stored(msgspec.Struct, array_like=True):
    keys: list[str]
    counts: list[int]
    values: bytes
    times: tuple[int, int | bytes]
    steps: tuple[int, int | bytes]
    writer: str = ""
    sequence: tuple[int, int | bytes] | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Stored).decode


def pack(batch: Batch) -> bytes:
    """The batch as bytes; the same batch gives the same bytes."""
    order: dict[str, list[int]] = {}
    for position, point in enumerate(batch.points):
        order.setdefault(point[0], []).append(position)
    grouped = [batch.points[position] for positions in order.values() for position in positions]
    sequence = None
    if batch.writer:
        sequence = _column(
            [batch.sequence[position] for positions in order.values() for position in positions]
        )
    stored = _Stored(
        list(order),
        [len(positions) for positions in order.values()],
        planes(array("d", [point[1] for point in grouped])),
        _column([point[2] for point in grouped]),
        _column([point[3] for point in grouped]),
        batch.writer,
        sequence,
    )
    return deflated(_encode(stored))


def unpack(blob: bytes) -> Batch:
    """The batch that `pack` was given, grouped by key."""
    stored = _decode(inflated(blob))
    total = sum(stored.counts)
    keys: Iterator[str] = (
        key for key, count in zip(stored.keys, stored.counts, strict=True) for _ in range(count)
    )
    values = floats_from(stored.values)
    points = list(zip(keys, values, _read(stored.times, total), _read(stored.steps, total), strict=True))
    sequence = list(_read(stored.sequence, total)) if stored.sequence else []
    return Batch(points, stored.writer, sequence)


def unpack_one(blob: bytes, key: str) -> list[Point]:
    """Only the points of one metric."""
    stored = _decode(inflated(blob))
    if key not in stored.keys:
        return []
    position = stored.keys.index(key)
    start, total = sum(stored.counts[:position]), sum(stored.counts)
    part = slice(start, start + stored.counts[position])
    values = floats_from(stored.values)[part]
    times, steps = _read(stored.times, total)[part], _read(stored.steps, total)[part]
    return [(key, value, time, step) for value, time, step in zip(values, times, steps, strict=True)]


class Columns(NamedTuple):
    """Points of one metric as columns: 24 bytes each instead of 180."""

    values: "array[float]"
    times: "array[int]"
    steps: "array[int]"

    def points(self, key: str) -> list[Point]:
        """The points as tuples."""
        return [(key, *row) for row in zip(*self, strict=True)]


def columns(blob: bytes) -> "Iterator[tuple[str, Columns]]":
    """Each metric of a blob and its points."""
    stored = _decode(inflated(blob))
    total, start = sum(stored.counts), 0
    values = floats_from(stored.values)
    times, steps = array("q", _read(stored.times, total)), array("q", _read(stored.steps, total))
    for key, count in zip(stored.keys, stored.counts, strict=True):
        part = slice(start, start + count)
        yield key, Columns(values[part], times[part], steps[part])
        start += count


def pack_within(batch: Batch, most: int) -> list[bytes]:
    """The batch in as many blobs of at most *most* bytes as it takes."""
    blob = pack(batch)
    if len(blob) <= most or len(batch.points) == 1:
        return [blob]
    middle = len(batch.points) // 2
    halves = (
        Batch(batch.points[:middle], batch.writer, batch.sequence[:middle]),
        Batch(batch.points[middle:], batch.writer, batch.sequence[middle:]),
    )
    return [part for half in halves for part in pack_within(half, most)]


def distinct(points: "Iterable[Point]") -> list[Point]:
    """The points without repetitions, in history's order: (timestamp, step, value), NaN before numbers.

    Identical (key, value, timestamp, step) are one point, as in MLflow; every NaN is the same NaN.
    """
    seen = {(key, _same(value), time, step): (key, value, time, step) for key, value, time, step in points}
    return sorted(seen.values(), key=order)


def order(point: Point) -> tuple[int, int, float, float]:
    """Where a point stands in its metric's history."""
    return point[2], point[3], *rank(point[1])


def rank(value: float) -> tuple[float, float]:
    """A value's place among values: NaN below every number, -0.0 below 0.0."""
    return (-inf, -2) if isnan(value) else (value, copysign(1, value))


def _same(value: float) -> float | str:
    if value == 0:
        return str(value)
    return value if value == value else "NaN"  # noqa: PLR0124  (NaN)


def deflated(plain: bytes) -> bytes:
    """A blob of these bytes, deflated where that pays."""
    if len(plain) < _WORTH_DEFLATING:
        return PLAIN + plain
    return DEFLATED + zlib.compress(plain, 1)


def inflated(blob: bytes) -> bytes:
    """The bytes that `deflated` was given.

    Raises:
        Outdated: the blob is of a format that this version does not know.
    """
    kind = blob[:1]
    if kind == PLAIN:
        return blob[1:]
    if kind == DEFLATED:
        return zlib.decompress(blob[1:])
    message = f"This was written by a newer Runhaven, in format {kind!r}: upgrade this deployment."
    raise Outdated(message, retry_after=30)


def planes(column: "array[float] | array[int]") -> bytes:
    """A column of 8-byte numbers, little-endian, first all lowest bytes, then all second bytes, and so on."""
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    raw = column.tobytes()
    return b"".join(raw[plane::_WIDTH] for plane in range(_WIDTH))


def floats_from(stored: bytes) -> "array[float]":
    """The column of numbers that `planes` was given."""
    return _native(array("d", _rows(stored)))


def ints_from(stored: bytes) -> "array[int]":
    """The column of whole numbers that `planes` was given."""
    return _native(array("q", _rows(stored)))


def _rows(stored: bytes) -> bytes:
    rows = len(stored) // _WIDTH
    raw = bytearray(len(stored))
    for plane in range(_WIDTH):
        raw[plane::_WIDTH] = stored[plane * rows : (plane + 1) * rows]
    return bytes(raw)


def _native(column: "array[NumberT]") -> "array[NumberT]":
    if sys.byteorder == "big":
        column.byteswap()
    return column


def _column(numbers: "Sequence[int]") -> tuple[int, int | bytes]:
    first = numbers[0]
    if numbers.count(first) == len(numbers):
        return _CONSTANT, first
    try:
        deltas = array("q", [first, *(after - before for before, after in pairwise(numbers))])
    except OverflowError:
        return _ABSOLUTE, planes(array("q", numbers))
    return _DELTAS, planes(deltas)


def _read(column: tuple[int, int | bytes], rows: int) -> "Sequence[int]":
    kind, stored = column
    if isinstance(stored, int):
        return [stored] * rows
    numbers = ints_from(stored)
    return list(accumulate(numbers)) if kind == _DELTAS else numbers
