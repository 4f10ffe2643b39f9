"""Metrics: what is logged, what is known without history, history and lines."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Len, Lt

from runhaven.wire.keys import Key

PARAM_LENGTH, TAG_LENGTH = 6000, 8000
MOST_RECORDS = 10_000
WRITER_LENGTH = 32

Milliseconds = Annotated[int, Ge(0), Lt(2**63)]
Step = Annotated[int, Ge(-(2**63)), Lt(2**63)]

# pydantic reads this: without it NaN would become null.
NUMBERS_AS_TEXT = {"ser_json_inf_nan": "strings"}


@dataclass(frozen=True, slots=True)
class MetricRecord:
    """One value of one metric at one step."""

    __pydantic_config__: ClassVar[dict[str, Any]] = NUMBERS_AS_TEXT

    key: Key
    value: float
    timestamp: Milliseconds
    step: Step = 0
    kind: Literal["metric"] = "metric"


@dataclass(frozen=True, slots=True)
class ParamRecord:
    """A param; it never changes once it is set."""

    key: Key
    value: Annotated[str, Len(0, PARAM_LENGTH)]
    kind: Literal["param"]


@dataclass(frozen=True, slots=True)
class TagRecord:
    """A tag; the last one wins."""

    key: Key
    value: Annotated[str, Len(0, TAG_LENGTH)]
    kind: Literal["tag"]


@dataclass(frozen=True, slots=True)
class Log:
    """Records of one writer, numbered from `first` on; a number that was received once is never taken again.

    Attributes:
        writer: 32 hex digits, made up by the process that logs.
        first: the sequence number of the first record; a writer's very first record has number 0.
        records: in the order in which they were logged.
    """

    writer: Annotated[str, Len(WRITER_LENGTH, WRITER_LENGTH)]
    first: Annotated[int, Ge(0), Lt(2**53)]
    records: Annotated[list[MetricRecord | ParamRecord | TagRecord], Len(1, MOST_RECORDS)]


@dataclass(frozen=True, slots=True)
class Logged:
    """How far a writer's records have arrived: every one up to `high_water`, -1 for none."""

    high_water: int


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """What is known of a metric of a run without its history.

    Attributes:
        last: the value at the greatest (step, timestamp, value); NaN stands below every number.
        min: the least number; NaN only where every value is.
        max: the greatest number, likewise.
        first: the value at the least (step, timestamp, value).
        last_step: where `last` was logged, and so on for the others.
        last_time: when, in ms since 1970 UTC.
        count: points received.
        at_best: the value at the step where the experiment's primary metric is best, where that is known.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = NUMBERS_AS_TEXT

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
    count: int
    at_best: float | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a metric's history."""

    __pydantic_config__: ClassVar[dict[str, Any]] = NUMBERS_AS_TEXT

    value: float
    timestamp: int
    step: int


@dataclass(frozen=True, slots=True)
class History:
    """A page of a metric's history by (timestamp, step, value); `next` is the next one's `after`."""

    points: list[Point]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """What a metric did in a range of steps."""

    __pydantic_config__: ClassVar[dict[str, Any]] = NUMBERS_AS_TEXT

    first_step: int
    last_step: int
    last_time: int
    last: float
    min: float
    max: float


@dataclass(frozen=True, slots=True)
class Line:
    """A metric as at most 1,000 buckets of equal width in steps."""

    buckets: list[Bucket]
