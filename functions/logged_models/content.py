"""What a logged model holds beside its plain attributes, packed into one blob (pure)."""

import zlib
from collections.abc import Iterable
from math import copysign, isnan

import msgspec

from functions.errors import Unacceptable
from runhaven.wire.logged_models import ModelMetric

# What a model may take in an answer; text that repeats itself would deflate without end.
PLAIN_BYTES = 2**20

_Row = tuple[str, float, int, int, str | None, str | None, str | None]


class Content(msgspec.Struct, array_like=True):
    """Params, tags, and metrics as rows; MessagePack keeps a float64 as it is, NaN and infinities too."""

    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    rows: list[_Row] = []

    def packed(self, most: int) -> bytes:
        """The content as at most *most* bytes, from at most `PLAIN_BYTES` that are not compressed yet.

        Raises:
            Unacceptable: it takes more; `field` is what takes the most of it.
        """
        plain = msgspec.msgpack.encode(self)
        blob = zlib.compress(plain, 1)
        if len(plain) > PLAIN_BYTES or len(blob) > most:
            field = self._heaviest()
            message = (
                f"The logged model takes {len(plain)} bytes, compressed {len(blob)}, most of it its {field}; "
            )
            raise Unacceptable(message + f"{PLAIN_BYTES} can be kept, compressed {most}.", field=field)
        return blob

    def _heaviest(self) -> str:
        sizes = {field: len(msgspec.msgpack.encode(getattr(self, field))) for field in self.__struct_fields__}
        return max(sizes, key=lambda field: sizes[field]).replace("rows", "metrics")

    def metrics(self) -> list[ModelMetric]:
        """The metrics, in order of key, dataset and run."""
        return [ModelMetric(*row) for row in self.rows]

    def add(self, metrics: Iterable[ModelMetric]) -> bool:
        """Take metrics in, whatever their order and repetition; whether that changed anything."""
        found = latest([*self.metrics(), *metrics])
        rows = [
            (m.key, m.value, m.timestamp, m.step, m.dataset_name, m.dataset_digest, m.run_id) for m in found
        ]
        changes = msgspec.msgpack.encode(rows) != msgspec.msgpack.encode(self.rows)  # NaN equals NaN here
        self.rows = rows
        return changes


def unpacked(blob: bytes) -> Content:
    """The content in a blob."""
    return msgspec.msgpack.decode(zlib.decompress(blob), type=Content)


def latest(metrics: Iterable[ModelMetric]) -> list[ModelMetric]:
    """For each key, dataset and run the metric with the greatest (step, timestamp, value), in that order."""
    found: dict[tuple[str, str, str, str], ModelMetric] = {}
    for metric in metrics:
        place = (metric.key, metric.dataset_name or "", metric.dataset_digest or "", metric.run_id or "")
        if place not in found or _age(metric) > _age(found[place]):
            found[place] = metric
    return [found[place] for place in sorted(found)]


def _age(metric: ModelMetric) -> tuple[int, int, bool, float, float]:
    """Where a value stands among those of one metric; NaN is below every number, -0.0 below 0.0."""
    number = not isnan(metric.value)
    value = metric.value if number else 0.0
    return metric.step, metric.timestamp, number, value, copysign(1, value)
