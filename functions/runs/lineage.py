"""What runs read and wrote, kept in their heads, and the way back to them from a dataset or a logged model.

An edge is written before the head that it leads to, so none is ever missing. One whose head never came, or
whose run was purged meanwhile, leads nowhere: who follows it looks at the head.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

from functions import limits, table
from functions.access.grants import Grant
from functions.access.principal import Principal
from functions.errors import NotFound
from functions.experiments import service as experiments
from functions.experiments.service import Dataset
from functions.ids import RunId, parse_model_id, parse_run_id
from functions.parallel import together
from functions.runs import items, store
from functions.runs.content import Content, Input, Output
from functions.runs.items import READ, WROTE, Edge, Head, Stored
from functions.runs.limits import CONTEXT_TAG, check_input_tags
from functions.runs.merge import Run
from functions.runs.opening import Open, open_to_write, seen

EndT = TypeVar("EndT", Input, Output)


def log_inputs(
    who: Principal,
    run_id: str,
    *,
    datasets: Sequence[tuple[Dataset, Mapping[str, str]]] = (),
    models: Sequence[tuple[str, Mapping[str, str]]] = (),
) -> None:
    """Add datasets and logged models that the run read, each with its tags; one that is there keeps its tags.

    Raises:
        NotFound: no such run in the team.
        Unacceptable: a dataset breaks a limit, or a tag does, or the run is deleted.
    """
    for _, tags in (*datasets, *models):
        check_input_tags(tags)
    known_as = experiments.dataset_ids([dataset for dataset, _ in datasets])
    inputs = [Input(one, "", dict(tags)) for one, (_, tags) in zip(known_as, datasets, strict=True)]
    inputs += [Input("", parse_model_id(one).text, dict(tags)) for one, tags in models]
    opened = open_to_write(who, run_id)
    read = [(dataset, tags.get(CONTEXT_TAG)) for dataset, tags in datasets]
    together(
        partial(experiments.put_datasets, opened.grant, opened.run.experiment, read),
        partial(_put_edges, opened, READ, _fresh(inputs, Content(opened.stored.blob).inputs)),
    )

    def how(_: Head, content: Content) -> bool:
        fresh = _fresh(inputs, content.inputs)
        content.inputs = [*content.inputs, *fresh]
        return bool(fresh)

    store.change(opened.grant, opened.run, opened.stored, how)


def log_outputs(
    who: Principal,
    run_id: str,
    models: Sequence[tuple[str, int]] = (),
    datasets: Sequence[Dataset] = (),
) -> None:
    """Add what the run wrote: datasets and logged models, each of these with its step, which then stays.

    Raises:
        NotFound: no such run in the team.
        Unacceptable: a step that is no int64, or the run is deleted.
    """
    outputs = [Output(parse_model_id(one).text, limits.int64(step, "step")) for one, step in models]
    known_as = experiments.dataset_ids(datasets)
    outputs += [Output("", 0, one) for one in known_as]
    opened = open_to_write(who, run_id)
    written = [(one, None) for one in datasets]
    together(
        partial(experiments.put_datasets, opened.grant, opened.run.experiment, written, are_read=False),
        partial(_put_edges, opened, WROTE, _fresh(outputs, Content(opened.stored.blob).outputs)),
    )

    def how(_: Head, content: Content) -> bool:
        fresh = _fresh(outputs, content.outputs)
        content.outputs = [*content.outputs, *fresh]
        return bool(fresh)

    store.change(opened.grant, opened.run, opened.stored, how)


def runs_around(grant: Grant, known_as: str, verb: str, after: str | None = None) -> Iterator[str]:
    """The runs that may have read or written a dataset or a logged model, the latest start first.

    Args:
        grant: the right to see them.
        known_as: the id of the dataset or the model.
        verb: `READ` or `WROTE`.
        after: begin behind this run id.

    Yields:
        The runs' ids.
    """
    behind = None if after is None else verb + after
    for raw in table.query(items.node(grant, known_as), verb, after=behind):
        yield raw["SK"]["S"].removeprefix(verb)


def several(grant: Grant, run_ids: Sequence[str]) -> dict[str, Run]:
    """The runs that exist among these, deleted ones too."""
    wanted = [parse_run_id(one) for one in dict.fromkeys(run_ids)]
    places = list(dict.fromkeys(run.experiment for run in wanted))
    parents, *found = together(
        partial(experiments.several, grant, places), *(partial(_read, grant, run) for run in wanted)
    )
    there = {one.sk: one for one in found if one is not None and one.experiment_id in parents}
    runs = (seen(one, parents[one.experiment_id]) for one in there.values())
    return {run.run_id: run for run in runs}


def forget_node(grant: Grant, known_as: str) -> None:
    """Remove every edge that begins at something that was purged."""
    place = items.node(grant, known_as)
    names = [raw["SK"]["S"] for raw in table.query(place)]
    table.delete_many([items.edge_lying(grant, known_as, name) for name in names])


def forget_run(grant: Grant, run: RunId, stored: Stored) -> None:
    """Remove the edges that lead to a run, as long as its head says which they are."""
    content = Content(stored.blob)
    read = [(one.dataset_id or one.model_id, READ) for one in content.inputs]
    wrote = [(one.dataset_id or one.model_id, WROTE) for one in content.outputs]
    table.delete_many([items.edge_key(grant, node, verb, run.text) for node, verb in (*read, *wrote)])


def _put_edges(opened: Open, verb: str, fresh: Sequence[Input] | Sequence[Output]) -> None:
    ends = [one.dataset_id or one.model_id for one in fresh]
    places = [items.edge_key(opened.grant, known_as, verb, opened.run.text) for known_as in ends]
    table.put_many([Edge(place.pk, place.sk) for place in places])


def _fresh(ends: Sequence[EndT], known: Sequence[EndT]) -> list[EndT]:
    """The ends that are not known yet, each once, the first of the same."""
    there = {(one.dataset_id, one.model_id) for one in known}
    found: dict[tuple[str, str], EndT] = {}
    for one in ends:
        found.setdefault((one.dataset_id, one.model_id), one)
    return [one for place, one in found.items() if place not in there]


def _read(grant: Grant, run: RunId) -> Stored | None:
    try:
        return store.read(grant, run)
    except NotFound:
        return None
