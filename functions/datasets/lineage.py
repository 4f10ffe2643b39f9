"""What a dataset, a run or a logged model comes from, and what came of it.

Runs say what they read and wrote, logged models which run made them; the edges that lead to a run are kept
beside. An edge counts only if the run or the model that it leads to says so too.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from heapq import merge
from itertools import groupby, islice
from typing import Literal, NamedTuple

from functions.access.grants import Grant, grant
from functions.access.policy import Action
from functions.access.principal import Principal
from functions.datasets import versions
from functions.errors import NotFound
from functions.experiments import service as experiments
from functions.experiments.service import Dataset
from functions.ids import nfc, parse_model_id, parse_run_id, shown
from functions.logged_models import service as logged_models
from functions.logged_models.service import LoggedModel
from functions.parallel import together
from functions.runs import service as runs
from functions.runs.limits import CONTEXT_TAG
from functions.runs.merge import Run
from functions.runs.service import READ, WROTE
from runhaven.wire.lineage import MOST_NODES, Edge, Kind, Lineage, More, Node, Way

# Of how many nodes the neighbours are looked for at once: their candidates are held together.
_AT_ONCE = 32


class Place(NamedTuple):
    """A node that may exist."""

    kind: Kind
    id: str


class Reach(NamedTuple):
    """How far to look.

    Attributes:
        ways: upwards, downwards, or both.
        depth: how many edges away from the node that is asked for.
        limit: how many neighbours of each node.
        after: leave out the neighbours of the node that is asked for up to this id.
    """

    ways: Sequence[Way]
    depth: int
    limit: int
    after: str | None = None


def of_dataset(who: Principal, name: str, wanted: str | None, digest: str | None, reach: Reach) -> Lineage:
    """The lineage of a dataset: of a version, or of what an MLflow client logged with this digest.

    Raises:
        NotFound: there is no such version, and nothing has to do with this digest.
    """
    g = grant(who, Action.READ)
    if digest is None:
        digest = versions.find(g, nfc(name), wanted or "latest").digest
    dataset = Dataset(name, digest, "", "")
    (known_as,) = experiments.dataset_ids([dataset])
    walk = _Walk(g)
    walk.datasets[known_as] = dataset
    found = walk.around(Place("dataset", known_as), reach)
    if not found.edges and found.nodes[0].version is None:
        message = f"Nothing is known of a dataset {shown(name)} with digest {shown(digest)}."
        raise NotFound(message, field="digest")
    return found


def of_run(who: Principal, run_id: str, reach: Reach) -> Lineage:
    """The lineage of a run, also of a deleted one.

    Raises:
        NotFound: there is no such run.
    """
    walk = _Walk(grant(who, Action.READ))
    start = Place("run", parse_run_id(run_id).text)
    walk.meet([start])
    if start.id not in walk.runs:
        raise NotFound(f"Run '{start.id}' not found.", field="run")
    return walk.around(start, reach)


def of_model(who: Principal, model_id: str, reach: Reach) -> Lineage:
    """The lineage of a logged model, also of a deleted one.

    Raises:
        NotFound: there is no such logged model.
    """
    walk = _Walk(grant(who, Action.READ))
    start = Place("model", parse_model_id(model_id).text)
    walk.meet([start])
    if start.id not in walk.models:
        raise NotFound(f"Logged model with ID '{start.id}' not found.", field="model")
    return walk.around(start, reach)


class _Ends(NamedTuple):
    """What a run read, each with its context, and what it wrote."""

    read: dict[str, str | None]
    wrote: set[str]


class _Walk:
    """One look around: what was met, and how it hangs together."""

    def __init__(self, g: Grant) -> None:
        self._grant = g
        self.runs: dict[str, Run] = {}
        self.models: dict[str, LoggedModel] = {}
        self.datasets: dict[str, Dataset] = {}
        self._ends: dict[str, _Ends] = {}
        self._shown: dict[str, Place] = {}
        self._edges: dict[tuple[str, str, str], Edge] = {}
        self._more: list[More] = []

    def around(self, start: Place, reach: Reach) -> Lineage:
        """The nodes around one that exists, and the edges between them."""
        self._shown[start.id] = start
        for way in reach.ways:
            here, seen = [start], {start.id}
            for _ in range(reach.depth):
                after = reach.after if here == [start] else None
                behind: list[Place] = []
                for first in range(0, len(here), _AT_ONCE):
                    behind += self._step(here[first : first + _AT_ONCE], way, after, reach.limit)
                here = [one for one in dict.fromkeys(behind) if one.id not in seen]
                seen |= {one.id for one in here}
        return Lineage(self._nodes(), list(self._edges.values()), self._more)

    def _step(self, here: Sequence[Place], way: Way, after: str | None, limit: int) -> Iterator[Place]:
        """The neighbours of some nodes, as far as there is room for them."""
        found = self._fitting(together(*(partial(self._candidates, one, way, after, limit) for one in here)))
        self.meet([one for some, _ in found for one in some])
        for one, (some, cut) in zip(here, found, strict=True):
            yield from self._link(one, way, some, cut=cut)

    def _fitting(self, found: Iterable[tuple[list[Place], bool]]) -> list[tuple[list[Place], bool]]:
        """Candidates up to the first that would be one node too many, so that no more of them are read."""
        taken, fitting = set(self._shown), list[tuple[list[Place], bool]]()
        for some, cut in found:
            end = len(some)
            for number, one in enumerate(some):
                if len(taken) >= MOST_NODES and one.id not in taken:
                    end = number
                    break
                taken.add(one.id)
            fitting.append((some[:end], cut or end < len(some)))
        return fitting

    def meet(self, places: Iterable[Place]) -> None:
        """Read the runs and models among these that were not met yet."""
        wanted = dict.fromkeys(places)
        new_runs = [one.id for one in wanted if one.kind == "run" and one.id not in self.runs]
        new_models = [one.id for one in wanted if one.kind == "model" and one.id not in self.models]
        if new_models:
            self.models |= logged_models.several(self._grant, new_models)
        wanted_of = defaultdict[str, list[str]](list)
        for run_id, run in (runs.several(self._grant, new_runs) if new_runs else {}).items():
            read = {one.dataset_id or one.model_id: one.tags.get(CONTEXT_TAG) for one in run.inputs}
            self.runs[run_id] = run
            self._ends[run_id] = _Ends(read, {one.dataset_id or one.model_id for one in run.outputs})
            ends = [one.dataset_id for one in run.inputs] + [one.dataset_id for one in run.outputs]
            wanted_of[run.experiment_id] += [one for one in ends if one]
        bodies = (partial(experiments.datasets, self._grant, *some) for some in wanted_of.items())
        for found in together(*bodies):
            self.datasets |= found

    def _candidates(self, one: Place, way: Way, after: str | None, limit: int) -> tuple[list[Place], bool]:
        """Who may be a neighbour, by id, and whether there are more."""
        ids: Iterator[str]
        if one.kind == "run":
            ends = self._ends[one.id]
            made = logged_models.made_by(self._grant, one.id, after) if way == "down" else ()
            ids = merge(sorted(ends.read if way == "up" else ends.wrote), made)
        else:
            ids = runs.runs_around(self._grant, one.id, WROTE if way == "up" else READ, after)
            model = self.models.get(one.id)
            if way == "up" and model is not None and model.source_run_id:
                ids = merge(ids, [model.source_run_id])
        some = list(islice((each for each, _ in groupby(ids) if after is None or each > after), limit + 1))
        return [Place(_kind(one, each), each) for each in some[:limit]], len(some) > limit

    def _link(self, one: Place, way: Way, some: Sequence[Place], *, cut: bool) -> Iterator[Place]:
        """Add the edges between a node and those of its neighbours that say so too."""
        for other in some:
            source, target = (other, one) if way == "up" else (one, other)
            edge = self._edge(source, target)
            if edge is not None:
                self._shown.setdefault(other.id, other)
                self._edges.setdefault((edge.source, edge.target, edge.what), edge)
                yield other
        if cut:
            self._more.append(More(one.id, way, some[-1].id if some else None))

    def _edge(self, source: Place, target: Place) -> Edge | None:
        """What flowed from the one to the other; None where it did not, or where one of them is not there."""
        if not (self._is_there(source) and self._is_there(target)):
            return None
        if target.kind == "run":
            read = self._ends[target.id].read
            return Edge(source.id, target.id, "read", read[source.id]) if source.id in read else None
        made = target.kind == "model" and self.models[target.id].source_run_id == source.id
        if made or target.id in self._ends[source.id].wrote:
            return Edge(source.id, target.id, "wrote")
        return None

    def _is_there(self, one: Place) -> bool:
        if one.kind == "run":
            return one.id in self.runs
        return one.id in (self.models if one.kind == "model" else self.datasets)

    def _nodes(self) -> list[Node]:
        bodies = {one.id: self.datasets[one.id] for one in self._shown.values() if one.kind == "dataset"}
        models = {one.id: self.models[one.id] for one in self._shown.values() if one.kind == "model"}
        known = versions.known(self._grant, [(body.name, body.digest) for body in bodies.values()])
        parents = experiments.several(self._grant, [one.experiment_id for one in models.values()])
        nodes = []
        for one in self._shown.values():
            if one.kind == "run":
                run = self.runs[one.id]
                state = _state(gone=run.lifecycle != "active")
                nodes.append(Node(one.id, one.kind, run.name, state, experiment_id=run.experiment_id))
            elif one.kind == "model":
                model = models[one.id]
                parent = parents.get(model.experiment_id)
                gone = model.deleted_at is not None or parent is None or parent.lifecycle != "active"
                place = model.experiment_id
                nodes.append(Node(one.id, one.kind, model.name, _state(gone=gone), experiment_id=place))
            else:
                body = bodies[one.id]
                number, gone = known.get((body.name, body.digest), (None, False))
                state = _state(gone=gone)
                nodes.append(Node(one.id, one.kind, body.name, state, body.digest, number))
        return nodes


def _kind(one: Place, neighbour: str) -> Kind:
    if one.kind != "run":
        return "run"
    return "model" if neighbour.startswith("m-") else "dataset"


def _state(*, gone: bool) -> Literal["active", "deleted"]:
    return "deleted" if gone else "active"
