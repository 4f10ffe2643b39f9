"""Artifacts: what is uploaded, what is stored, and the presigned URLs between the two.

A file of at most `SINGLE_BYTES` goes up in one PUT; a larger one in parts of `part_bytes(size)`, all but the
last equally long. A URL is good for one request on one object, with exactly the headers that stand beside it.
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Len, Lt

from runhaven.wire.metrics import Step

PATH_LENGTH, DIGEST_LENGTH = 1024, 64
MOST_FILES = 1000
SINGLE_BYTES, PART_BYTES, MOST_PARTS = 32 * 2**20, 16 * 2**20, 2000
FILE_BYTES = 5 * 2**40

Path = Annotated[str, Len(1, PATH_LENGTH)]
#: 64 lower-case hex digits.
Sha256 = Annotated[str, Len(DIGEST_LENGTH, DIGEST_LENGTH)]
Size = Annotated[int, Ge(0), Lt(FILE_BYTES + 1)]
Time = Annotated[int, Ge(0), Lt(2**44)]


def part_bytes(size: int) -> int:
    """How long the parts of a file are; 0 for a file that goes up whole."""
    if size <= SINGLE_BYTES:
        return 0
    part = PART_BYTES
    while part * MOST_PARTS < size:
        part *= 2
    return part


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be uploaded.

    Attributes:
        path: where it is to be found below the run's or the logged model's artifacts.
        size: in bytes.
        sha256: of the whole file, 64 hex digits.
        parts: of a file above `SINGLE_BYTES`, the SHA-256 of each part of `part_bytes(size)` bytes.
        step: of the training, where it has one.
        time: when it was logged, in ms since 1970 UTC; the server's now when it is missing.
    """

    path: Path
    size: Size
    sha256: Sha256
    parts: Annotated[list[Sha256], Len(0, MOST_PARTS)] = field(default_factory=list)
    step: Step | None = None
    time: Time | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Files to be uploaded; two with the same path are two versions."""

    files: Annotated[list[NewFile], Len(1, MOST_FILES)]


@dataclass(frozen=True, slots=True)
class SignedPart:
    """Where one part of a file goes, counted from 1."""

    number: int
    url: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Offer:
    """What is still to be sent of one file.

    Attributes:
        path: the file, in the one form that paths have.
        sha256: the file's.
        time: what to say in the completion.
        state: `have`: nothing; `put`: the whole file to `url`; `parts`: these parts.
        url: where to PUT it. 412 means that it is there already, which is as good.
        headers: to send with it, exactly.
        part_size: how long each part is, the last one excepted.
        parts: those that have not arrived, the first ones only where there are very many.
        more: how many more parts are missing: send these and ask again.
    """

    path: str
    sha256: str
    time: int
    state: Literal["have", "put", "parts"]
    url: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    part_size: int = 0
    parts: list[SignedPart] = field(default_factory=list)
    more: int = 0


@dataclass(frozen=True, slots=True)
class Offers:
    """What is still to be sent, file by file, in the manifest's order."""

    files: list[Offer]


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that has been sent: the same words as in the manifest, with the offer's `time`."""

    path: Path
    size: Size
    sha256: Sha256
    time: Time
    parts: Annotated[list[Sha256], Len(0, MOST_PARTS)] = field(default_factory=list)
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """Files that have been sent. The same completion may be asked for any number of times."""

    files: Annotated[list[SentFile], Len(1, MOST_FILES)]


@dataclass(frozen=True, slots=True)
class Completion:
    """What came of it: the files that are stored now, and those to be offered and sent again, by path."""

    stored: list["Artifact"]
    missing: list[str]


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file or a directory below a run's or a logged model's artifacts.

    Attributes:
        path: from the root of the artifacts.
        is_dir: whether it is a directory, which has nothing but its path.
        size: in bytes.
        time: when it was logged, in ms since 1970 UTC.
        step: of the training, where it was given.
        sha256: of the whole file, proved by S3 where it went up in one PUT, else as its sender gave it; None
            for a file that an MLflow client sent.
        version: what names this version; None where only the newest one can be had by its path.
    """

    path: str
    is_dir: bool = False
    size: int | None = None
    time: int | None = None
    step: int | None = None
    sha256: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Artifacts:
    """A page of artifacts by path; `next` is what to send as `after` for the following page."""

    artifacts: list[Artifact]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Versions:
    """A page of the versions of one path, the newest first; `next` is what to send as `after`."""

    versions: list[Artifact]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file to be downloaded: the newest version of its path, or the one that is named.

    Attributes:
        path: which file.
        version: which of its versions.
        inline: to be shown in a page instead of saved: pictures and plain text only.
    """

    path: Path
    version: Annotated[str, Len(1, 1100)] | None = None
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Files to be downloaded."""

    files: Annotated[list[WantedFile], Len(1, MOST_FILES)]


@dataclass(frozen=True, slots=True)
class Download:
    """Where a file can be fetched for a quarter of an hour, and what must come out.

    `headers` are to be sent with the GET, exactly; a `Range` may stand beside them.
    """

    path: str
    url: str
    headers: dict[str, str]
    size: int
    sha256: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Downloads:
    """Where files can be fetched, in the order in which they were asked for."""

    files: list[Download]


@dataclass(frozen=True, slots=True)
class Purge:
    """That something is being removed for good, since when (ms since 1970 UTC)."""

    purging: str
    since: int


@dataclass(frozen=True, slots=True)
class Deleted:
    """That nothing is left of a path and what lay below it."""

    deleted: str
