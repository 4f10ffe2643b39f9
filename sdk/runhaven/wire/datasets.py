"""Datasets: what runs read as MLflow's clients tell it, and versions of datasets that Runhaven keeps."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Len, Lt

from runhaven.wire.artifacts import MOST_FILES, MOST_PARTS, Download, Path, Sha256, Size
from runhaven.wire.keys import KEY_LENGTH, Key
from runhaven.wire.metrics import TAG_LENGTH

NAME_LENGTH, DIGEST_LENGTH, SOURCE_LENGTH = 500, 36, 65_535
SCHEMA_LENGTH, PROFILE_LENGTH = 1_048_575, 16_777_215
CONTEXT_LENGTH = 500

#: What the native API allows for the datasets that it keeps.
KEPT_NAME_LENGTH, URI_LENGTH, TEXT_LENGTH = 250, 4096, 1_048_575
DESCRIPTION_LENGTH, ALIAS_LENGTH, MOST_ALIASES = 8000, 100, 100
MOST_VERSION_FILES = 10_000

#: Letters and digits, and between them also `_ . -` and spaces.
Name = Annotated[str, Len(1, KEPT_NAME_LENGTH)]
Count = Annotated[int, Ge(0), Lt(2**63)]
TagText = Annotated[str, Len(0, TAG_LENGTH)]
Description = Annotated[str, Len(0, DESCRIPTION_LENGTH)]
#: A number, `latest`, or an alias.
Version = int | Annotated[str, Len(1, ALIAS_LENGTH)]


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


@dataclass(frozen=True, slots=True)
class VersionFile:
    """A file of a version.

    Attributes:
        path: where it is to be found below the dataset.
        size: in bytes.
        sha256: of the whole file, 64 hex digits.
        parts: of a file that goes up in parts, the SHA-256 of each, as for artifacts.
    """

    path: Path
    size: Size
    sha256: Sha256
    parts: Annotated[list[Sha256], Len(0, MOST_PARTS)] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class VersionManifest:
    """Files that are to be sent for a version; of a larger one, some of them at a time."""

    files: Annotated[list[VersionFile], Len(1, MOST_FILES)]


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version of a dataset: a reference to data that lies elsewhere, or files that have been sent.

    The same digest again is the same version, whatever else is said of it.

    Attributes:
        source: by reference: the URI where the data lies. It is never fetched, and carries no password.
        source_type: by reference: MLflow's word for such a source; without it the URI's scheme.
        source_version: by reference: what the data's own home calls this version, such as a commit.
        digest: by reference: what tells this content from any other; without it made of source and version.
        files: all files of the version.
        schema: its columns, as JSON text.
        profile: its statistics, as JSON text; without it `rows` and `columns`.
        rows: how many.
        columns: how many.
        description: free text.
        tags: free text under keys.
        run_id: the run that wrote it.
    """

    source: Annotated[str, Len(1, URI_LENGTH)] | None = None
    source_type: Annotated[str, Len(1, NAME_LENGTH)] | None = None
    source_version: Annotated[str, Len(1, NAME_LENGTH)] | None = None
    digest: Annotated[str, Len(1, DIGEST_LENGTH)] | None = None
    files: Annotated[list[VersionFile], Len(0, MOST_VERSION_FILES)] = field(default_factory=list)
    schema: Annotated[str, Len(0, TEXT_LENGTH)] | None = None
    profile: Annotated[str, Len(0, TEXT_LENGTH)] | None = None
    rows: Count | None = None
    columns: Count | None = None
    description: Description = ""
    tags: dict[Key, TagText] = field(default_factory=dict)
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """A version of a dataset. All but `description` and `tags` never changes. Times are ms since 1970 UTC.

    Attributes:
        dataset: the name of the dataset.
        version: its number, from 1.
        digest: what MLflow's clients know it by, beside the name.
        kind: `reference` to data elsewhere, or `files` in the team's vault.
        source: where it lies: the URI, or that of Runhaven's own files.
        source_type: MLflow's word for such a source; `runhaven` for files.
        source_version: what the data's own home calls it.
        schema: its columns, as JSON text.
        profile: its statistics, as JSON text.
        rows: how many.
        columns: how many.
        files: how many files it has; 0 for a reference.
        size: of all files, in bytes.
        run_id: the run that wrote it, where it was said when the version was made.
        created_at: when it was made.
        created_by: the verified caller who made it.
        description: free text.
        tags: free text under keys.
    """

    dataset: str
    version: int
    digest: str
    kind: Literal["reference", "files"]
    source: str
    source_type: str
    source_version: str | None
    schema: str | None
    profile: str | None
    rows: int | None
    columns: int | None
    files: int
    size: int
    run_id: str | None
    created_at: int
    created_by: str
    description: str
    tags: dict[str, str]


@dataclass(frozen=True, slots=True)
class VersionMade:
    """The version, or why there is none: files that have not arrived, by path."""

    version: DatasetVersion | None
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DatasetVersions:
    """A page of versions, the newest first; `next` is what to send as `after` for the following page."""

    versions: list[DatasetVersion]
    next: int | None = None


@dataclass(frozen=True, slots=True)
class KeptDataset:
    """A dataset that has versions. Times are milliseconds since 1970 UTC.

    Attributes:
        name: unique in the team.
        latest: the number of the newest version; None when all were deleted.
        aliases: names for single versions, each with its number.
        description: free text.
        tags: free text under keys.
        created_at: when its first version was made.
        updated_at: when it, or which versions it has, was last changed.
        created_by: the verified caller who made the first version.
    """

    name: str
    latest: int | None
    aliases: dict[str, int]
    description: str
    tags: dict[str, str]
    created_at: int
    updated_at: int
    created_by: str


@dataclass(frozen=True, slots=True)
class KeptDatasets:
    """A page of datasets in an order of its own; `next` is what to send as `after` for the following page."""

    datasets: list[KeptDataset]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """What is to change about a dataset or a version; what is missing stays, a tag that is null goes."""

    description: Description | None = None
    tags: dict[Annotated[str, Len(1, KEY_LENGTH)], TagText | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AliasTarget:
    """Which version an alias is to mean."""

    version: Annotated[int, Ge(1)]


@dataclass(frozen=True, slots=True)
class FileOfVersion:
    """A file of a version. `sha256` is proved where the file went up whole, else as its sender gave it."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class FilesOfVersion:
    """A page of files by path; `next` is what to send as `after` for the following page."""

    files: list[FileOfVersion]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class WantedPaths:
    """Files to be downloaded."""

    paths: Annotated[list[Path], Len(1, MOST_FILES)]


@dataclass(frozen=True, slots=True)
class VersionDownloads:
    """Where files can be fetched, in the order in which they were asked for."""

    files: list[Download]


@dataclass(frozen=True, slots=True)
class VersionRemoval:
    """That a version is being removed for good, since when (ms since 1970 UTC)."""

    dataset: str
    version: int
    since: int
