"""What a run's head holds beside its plain attributes, packed into one blob (pure).

Metrics are columns of float64 and int64, the rest compact text. Nothing is decoded before it is asked for:
a search that filters 10,000 heads by one metric reads one row of each.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from functions.runs.points import deflated, floats_from, inflated, ints_from, planes


class Metric(NamedTuple):
    """What is known of one metric of one run without reading its history.

    `last` is the value at the greatest (step, timestamp, value), `first` at the least. NaN counts for them,
    below every number, but not for `min` and `max`, which are NaN only where every value is. `count` is the
    number of points received.
    """

    last: float
    min: float
    max: float
    first: float
    last_step: int
    last_time: int
    min_step: int
    max_step: int
    first_step: int
    first_time: int
    count: int  # type: ignore[assignment]  # hides the tuple method of that name, which nobody needs here


_FLOATS = 4
# Among so few keys looking for one is cheaper than making a dictionary of them.
_FEW = 64
_INTS = len(Metric._fields) - _FLOATS


class Input(msgspec.Struct, array_like=True, frozen=True):
    """A dataset or a logged model that a run read: exactly one of the two ids is set."""

    dataset_id: str
    model_id: str
    tags: dict[str, str]


class Output(msgspec.Struct, array_like=True, frozen=True):
    """A logged model or a dataset that a run wrote: exactly one of the two ids is set."""

    model_id: str
    step: int
    dataset_id: str = ""


class AtBest(msgspec.Struct, array_like=True, frozen=True):
    """Every metric's value at the step where the primary metric is best."""

    primary: str
    goal: str
    step: int
    values: dict[str, float]


class _Stored(msgspec.Struct, array_like=True):
    keys: list[str] = []
    floats: bytes = b""
    ints: bytes = b""
    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    inputs: list[Input] = []
    outputs: list[Output] = []
    folded: list[str] = []
    writers: dict[str, list[int]] = {}
    at_best: AtBest | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Stored).decode


class Metrics(Mapping[str, Metric]):
    """The metrics of a run: stored columns below, changes above."""

    def __init__(self, keys: list[str], floats: bytes, ints: bytes) -> None:
        self._keys, self._stored = keys, (floats, ints)
        self._columns: tuple[array[float], array[int]] | None = None
        self._rows: dict[str, int] | None = None
        self.changed: dict[str, Metric] = {}

    def __getitem__(self, key: str) -> Metric:
        if key in self.changed:
            return self.changed[key]
        if self._rows is None and len(self._keys) <= _FEW:
            try:
                return self._row(self._keys.index(key))
            except ValueError:
                raise KeyError(key) from None
        return self._row(self._row_of()[key])

    def __iter__(self) -> Iterator[str]:
        yield from self._keys
        if self.changed:
            rows = self._row_of()
            yield from (key for key in self.changed if key not in rows)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def packed(self) -> tuple[list[str], bytes, bytes]:
        """Keys, float columns and integer columns, with the changes in them."""
        if not self.changed:
            return (self._keys, *self._stored)
        keys = list(self)
        rows = [self[key] for key in keys]
        columns = list(zip(*rows, strict=True))
        floats = array("d", [value for column in columns[:_FLOATS] for value in column])
        ints = array("q", [value for column in columns[_FLOATS:] for value in column])
        return keys, planes(floats), planes(ints)

    def _row_of(self) -> dict[str, int]:
        if self._rows is None:
            self._rows = {key: row for row, key in enumerate(self._keys)}
        return self._rows

    def _row(self, row: int) -> Metric:
        if self._columns is None:
            self._columns = floats_from(self._stored[0]), ints_from(self._stored[1])
        floats, ints = self._columns
        rows = len(self._keys)
        return Metric._make([*floats[row::rows], *ints[row::rows]])


class Content:
    """A head's blob, decoded at the first look."""

    def __init__(self, blob: bytes = b"") -> None:
        stored = _decode(inflated(blob)) if blob else _Stored()
        self.metrics = Metrics(stored.keys, stored.floats, stored.ints)
        self.params, self.tags = stored.params, stored.tags
        self.inputs, self.outputs = stored.inputs, stored.outputs
        self.folded, self.writers = stored.folded, stored.writers
        self.at_best = stored.at_best

    def text_bytes(self) -> int:
        """How many bytes the params and tags take when they are answered."""
        return sum(
            len(text.encode())
            for texts in (self.params, self.tags)
            for pair in texts.items()
            for text in pair
        )

    def packed(self) -> bytes:
        """The content as bytes."""
        stored = _Stored(
            *self.metrics.packed(),
            self.params,
            self.tags,
            self.inputs,
            self.outputs,
            self.folded,
            self.writers,
            self.at_best,
        )
        return deflated(_encode(stored))


def add_range(ranges: list[int], first: int, last: int) -> list[int]:
    """Sorted, separate [first, last, first, last …] ranges with one more in them."""
    pairs = sorted([*zip(ranges[::2], ranges[1::2], strict=True), (first, last)])
    merged = [*pairs[0]]
    for begin, end in pairs[1:]:
        if begin <= merged[-1] + 1:
            merged[-1] = max(merged[-1], end)
        else:
            merged += (begin, end)
    return merged


def in_ranges(ranges: list[int], number: int) -> bool:
    """Whether a number lies in one of the ranges."""
    behind = bisect_right(ranges, number)
    return behind % 2 == 1 or (behind > 0 and ranges[behind - 1] == number)
