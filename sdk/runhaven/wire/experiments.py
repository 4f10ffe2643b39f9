"""Experiments: what runs are kept in."""

from dataclasses import dataclass, field
from typing import Annotated, Literal, cast

from annotated_types import Len

from runhaven.wire.keys import Key

NAME_LENGTH, TAG_LENGTH = 500, 20_000
GOAL_TAG, PRIMARY_TAG = "runhaven.goal.", "runhaven.primary"

Name = Annotated[str, Len(1, NAME_LENGTH)]
TagText = Annotated[str, Len(0, TAG_LENGTH)]
Goal = Literal["min", "max"]


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment as it was stored when it was read. Times are milliseconds since 1970 UTC.

    Attributes:
        id: decimal digits; "0" is the team's Default.
        name: unique in the team, in Unicode's form NFC; reserved also while the experiment is deleted.
        created_at: when it was created.
        updated_at: when anything about it was last changed.
        deleted_at: when it was deleted; None while it is active.
        restored_at: when it was last restored; runs that were deleted before that are active again.
        tags: free text under keys; `runhaven.goal.<metric>` and `runhaven.primary` set its goals.
    """

    id: str
    name: str
    created_at: int
    updated_at: int
    deleted_at: int | None = None
    restored_at: int | None = None
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def lifecycle(self) -> Literal["active", "deleted"]:
        """Whether it is active or deleted."""
        return "active" if self.deleted_at is None else "deleted"

    @property
    def goals(self) -> dict[str, Goal]:
        """Which way each metric is better."""
        goals = {key: value for key, value in self.tags.items() if key.startswith(GOAL_TAG)}
        return {key.removeprefix(GOAL_TAG): cast("Goal", value) for key, value in goals.items()}

    @property
    def primary(self) -> str | None:
        """The metric that decides which step of a run is its best."""
        return self.tags.get(PRIMARY_TAG)


@dataclass(frozen=True, slots=True)
class Experiments:
    """A page of experiments; `next` is what to send as `after` for the following page."""

    experiments: list[Experiment]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class NewExperiment:
    """What creates an experiment."""

    name: Name
    tags: dict[Key, TagText] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rename:
    """What renames an experiment."""

    name: Name


@dataclass(frozen=True, slots=True)
class TagValue:
    """What sets a tag of an experiment."""

    value: TagText
