"""Runs: one training each, with params, tags, metrics, inputs and outputs."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Len, Lt

from runhaven.wire.datasets import Dataset, Version
from runhaven.wire.datasets import Name as DatasetName
from runhaven.wire.keys import Key
from runhaven.wire.metrics import PARAM_LENGTH, TAG_LENGTH, MetricSummary, Milliseconds, Step

NAME_LENGTH = 500
INPUT_TAG_KEY_LENGTH, INPUT_TAG_LENGTH = 255, 500

Status = Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]
Name = Annotated[str, Len(1, NAME_LENGTH)]
ParamText = Annotated[str, Len(0, PARAM_LENGTH)]
TagText = Annotated[str, Len(0, TAG_LENGTH)]
InputTags = dict[Annotated[str, Len(1, INPUT_TAG_KEY_LENGTH)], Annotated[str, Len(0, INPUT_TAG_LENGTH)]]


@dataclass(frozen=True, slots=True)
class DatasetInput:
    """A dataset that a run read; the tag `mlflow.data.context` says what for."""

    dataset: Dataset
    tags: InputTags = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VersionInput:
    """A version of a dataset that a run read, by the dataset's name and a number, `latest` or an alias."""

    dataset: DatasetName
    version: Version
    tags: InputTags = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VersionOutput:
    """A version of a dataset that a run wrote."""

    dataset: DatasetName
    version: Version


@dataclass(frozen=True, slots=True)
class ModelInput:
    """A logged model that a run read."""

    model_id: str
    tags: InputTags = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelOutput:
    """A logged model that a run wrote."""

    model_id: str
    step: Step = 0


@dataclass(frozen=True, slots=True)
class DatasetRead:
    """Which dataset a run read, by its id in the experiment, and what for."""

    dataset_id: str
    tags: dict[str, str]


@dataclass(frozen=True, slots=True)
class DatasetWritten:
    """Which dataset a run wrote, by its id."""

    dataset_id: str


@dataclass(frozen=True, slots=True)
class Run:
    """A run with everything that was logged before it was read. Times are milliseconds since 1970 UTC.

    Attributes:
        run_id: 32 hex digits; ascending ids are the latest start first.
        experiment_id: the experiment that it lies in.
        name: what it is called; not unique.
        status: RUNNING until it is said to have ended.
        lifecycle: `deleted` also while its experiment is.
        start_time: when it started; never changes.
        end_time: when it was said to have ended.
        created_by: the verified caller that created it.
        user_id: who the client said it was: a claim.
        params: set once each.
        tags: free text; `mlflow.runName` mirrors the name.
        metrics: what is known of each without its history.
        datasets: what it read.
        models_read: logged models that it read.
        models_written: logged models that it wrote.
        datasets_written: datasets that it wrote.
    """

    run_id: str
    experiment_id: str
    name: str
    status: Status
    lifecycle: Literal["active", "deleted"]
    start_time: int
    end_time: int | None
    created_by: str
    user_id: str
    params: dict[str, str]
    tags: dict[str, str]
    metrics: dict[str, MetricSummary]
    datasets: list[DatasetRead]
    models_read: list[ModelInput]
    models_written: list[ModelOutput]
    datasets_written: list[DatasetWritten] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class NewRun:
    """What starts a run.

    Attributes:
        experiment_id: an active experiment.
        name: invented when it is missing.
        start_time: in ms since 1970 UTC; now when it is missing.
        user_id: who the client says it is.
        tags: first tags.
        key: the same key, experiment and start time are the same run, so a create can be sent again.
    """

    experiment_id: str
    name: Name | None = None
    start_time: Annotated[int, Ge(0), Lt(2**44)] | None = None
    user_id: Annotated[str, Len(0, NAME_LENGTH)] = ""
    tags: dict[Key, TagText] = field(default_factory=dict)
    key: Annotated[str, Len(1, 250)] | None = None


@dataclass(frozen=True, slots=True)
class RunChange:
    """What changes about a run; what is missing stays."""

    status: Status | None = None
    end_time: Milliseconds | None = None
    name: Name | None = None


@dataclass(frozen=True, slots=True)
class RunTexts:
    """Params and tags to set; params never change once they are set."""

    params: dict[Key, ParamText] = field(default_factory=dict)
    tags: dict[Key, TagText] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a run read; a version is also one of its datasets from then on."""

    datasets: Annotated[list[DatasetInput], Len(0, 100)] = field(default_factory=list)
    versions: Annotated[list[VersionInput], Len(0, 100)] = field(default_factory=list)
    models: Annotated[list[ModelInput], Len(0, 1000)] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a run wrote."""

    models: Annotated[list[ModelOutput], Len(0, 1000)] = field(default_factory=list)
    versions: Annotated[list[VersionOutput], Len(0, 100)] = field(default_factory=list)
