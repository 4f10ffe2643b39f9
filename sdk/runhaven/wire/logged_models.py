"""Logged models: models that a run made, with their params, tags and metrics."""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Len

from runhaven.wire.datasets import DIGEST_LENGTH
from runhaven.wire.datasets import NAME_LENGTH as DATASET_LENGTH
from runhaven.wire.keys import Key
from runhaven.wire.metrics import NUMBERS_AS_TEXT, PARAM_LENGTH, TAG_LENGTH, Milliseconds, Step

NAME_LENGTH = 500
#: What a model's name may not hold: mlflow/utils/validation.py, _validate_logged_model_name.
NOT_IN_NAMES = "/:.%\"'"

Name = Annotated[str, Len(1, NAME_LENGTH)]
ParamText = Annotated[str, Len(0, PARAM_LENGTH)]
TagText = Annotated[str, Len(0, TAG_LENGTH)]
Status = Literal["PENDING", "READY", "FAILED"]


@dataclass(frozen=True, slots=True)
class ModelMetric:
    """A value that a model reached, maybe on a dataset, maybe measured by a run.

    Attributes:
        key: the metric's name.
        value: a float64; in JSON, NaN and the infinities are the texts "NaN", "Infinity" and "-Infinity".
        timestamp: milliseconds since 1970 UTC.
        step: a whole number, 0 where there are no steps.
        dataset_name: on which dataset it was measured.
        dataset_digest: that dataset's digest.
        run_id: the run that measured it.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = NUMBERS_AS_TEXT

    key: Key
    value: float
    timestamp: Milliseconds
    step: Step = 0
    dataset_name: Annotated[str, Len(1, DATASET_LENGTH)] | None = None
    dataset_digest: Annotated[str, Len(1, DIGEST_LENGTH)] | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A logged model. Times are milliseconds since 1970 UTC.

    Attributes:
        model_id: `m-` and 32 hex digits.
        experiment_id: the experiment that it lies in.
        name: what it is called; not unique.
        status: PENDING until its files are there, then READY, or FAILED.
        model_type: free text, such as the name of a framework.
        source_run_id: the run that made it; the model stays when the run is deleted.
        created_at: when it was created.
        updated_at: when anything about it was last changed.
        created_by: the verified caller who created it.
        deleted_at: when it was deleted.
        params: set once, never changed.
        tags: free text under keys.
        metrics: for each metric, dataset and run the one with the greatest (step, timestamp, value).
    """

    model_id: str
    experiment_id: str
    name: str
    status: Status
    model_type: str | None
    source_run_id: str | None
    created_at: int
    updated_at: int
    created_by: str
    deleted_at: int | None = None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: list[ModelMetric] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LoggedModels:
    """A page of logged models; `next` is what to send as `after` for the following page."""

    models: list[LoggedModel]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class NewLoggedModel:
    """What creates a logged model; without a name it is given one."""

    experiment_id: str
    name: Name | None = None
    model_type: Annotated[str, Len(0, NAME_LENGTH)] | None = None
    source_run_id: str | None = None
    params: dict[Key, ParamText] = field(default_factory=dict)
    tags: dict[Key, TagText] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatusChange:
    """What ends a logged model's upload."""

    status: Status


@dataclass(frozen=True, slots=True)
class Tags:
    """Tags to set."""

    tags: dict[Key, TagText]


@dataclass(frozen=True, slots=True)
class Params:
    """Params to add."""

    params: dict[Key, ParamText]


@dataclass(frozen=True, slots=True)
class ModelMetrics:
    """Metrics to add."""

    metrics: list[ModelMetric]
