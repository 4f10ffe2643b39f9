"""Lineage: which run read or wrote which dataset and model, as nodes and edges."""

from dataclasses import dataclass
from typing import Literal

MOST_DEPTH = 10
MOST_NODES = 1000

Kind = Literal["dataset", "run", "model"]
Way = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Node:
    """A dataset, a run or a logged model.

    Attributes:
        id: the run's or the model's; of a dataset a hash of name and digest.
        kind: what it is.
        name: what it is called.
        state: `deleted` also while its experiment is, and for a version of which only this is left.
        digest: a dataset's.
        version: a dataset's number, where Runhaven keeps it as a version.
        experiment_id: where a run or a model lies.
    """

    id: str
    kind: Kind
    name: str
    state: Literal["active", "deleted"]
    digest: str | None = None
    version: int | None = None
    experiment_id: str | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """That something flowed: from a dataset or a model into a run that read it, or out of one that wrote it.

    Attributes:
        source: the id of the node from which it came.
        target: the id of the node into which it went.
        what: what the run did; one of both ends is a run.
        context: what a dataset was read for, such as `train`.
    """

    source: str
    target: str
    what: Literal["read", "wrote"]
    context: str | None = None


@dataclass(frozen=True, slots=True)
class More:
    """That a node has further neighbours: ask for it, this way, with this as `after`."""

    node: str
    way: Way
    after: str | None


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a node comes from (`up`) and what came of it (`down`), the node itself first.

    Attributes:
        nodes: each once.
        edges: between them.
        more: whose neighbours are not all here, where there were too many.
    """

    nodes: list[Node]
    edges: list[Edge]
    more: list[More]
