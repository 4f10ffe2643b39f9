"""Datasets that runs read."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Len

NAME_LENGTH, DIGEST_LENGTH, SOURCE_LENGTH = 500, 36, 65_535
SCHEMA_LENGTH, PROFILE_LENGTH = 1_048_575, 16_777_215
CONTEXT_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset, known in an experiment by its name and digest; it never changes.

    Attributes:
        name: what it is called.
        digest: a hash of its content, made by the client.
        source_type: where it comes from, such as `local` or `s3`.
        source: how to find it there, as JSON text.
        schema: its columns, as JSON text.
        profile: its statistics, as JSON text.
    """

    name: Annotated[str, Len(1, NAME_LENGTH)]
    digest: Annotated[str, Len(1, DIGEST_LENGTH)]
    source_type: Annotated[str, Len(0, NAME_LENGTH)]
    source: Annotated[str, Len(0, SOURCE_LENGTH)]
    schema: Annotated[str, Len(0, SCHEMA_LENGTH)] | None = None
    profile: Annotated[str, Len(0, PROFILE_LENGTH)] | None = None


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """A dataset in an experiment, once for each context (`train`, `eval`, none) in which a run read it."""

    experiment_id: str
    name: str
    digest: str
    context: str | None = None


@dataclass(frozen=True, slots=True)
class DatasetSummaries:
    """The datasets of an experiment."""

    datasets: list[DatasetSummary]
