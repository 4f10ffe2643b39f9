"""A run that is open to be written to: read once, then amended or appended to without reading again."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from functions.access.grants import Grant, grant, own
from functions.access.policy import Action
from functions.access.principal import Principal
from functions.errors import Unacceptable
from functions.experiments import service as experiments
from functions.experiments.service import Experiment
from functions.ids import RunId, parse_run_id, shown
from functions.parallel import together
from functions.runs import items, store
from functions.runs.content import Content, in_ranges
from functions.runs.items import Head, Stored
from functions.runs.merge import NAME_TAG, Goals, Run, with_numbers
from functions.runs.points import Batch


class Open(NamedTuple):
    """A run that was read: the caller may. What `open_to_write` gives is active."""

    grant: Grant
    run: RunId
    stored: Stored
    experiment: Experiment


class Writer(NamedTuple):
    """Whose records a change carries: an SDK writer, all their numbers, the tags as (number, key, value)."""

    name: str
    numbers: Sequence[int]
    tags: Sequence[tuple[int, str, str]]


def open_to_write(who: Principal, run_id: str) -> Open:
    """Read a run that is about to be written to.

    Raises:
        NotFound: no such run in the team.
        NotAllowed: a log token's, but not its own run.
        Unacceptable: the run or its experiment is deleted.
    """
    opened = _read(who, run_id, Action.LOG)
    if seen(opened.stored, opened.experiment).lifecycle != "active":
        message = f"The run {opened.run.text} must be in the 'active' state. Current state is deleted."
        raise Unacceptable(message, field="run_id")
    return opened


def lifecycle(who: Principal, run_id: str) -> str:
    """Whether a run is `active` or `deleted`, going by its experiment as it was at most a minute ago.

    Raises:
        NotFound: no such run in the team.
        NotAllowed: a log token's, but not its own run.
    """
    opened = _read(who, run_id, Action.READ_RUN)
    return seen(opened.stored, opened.experiment).lifecycle


def _read(who: Principal, run_id: str, action: Action) -> Open:
    """A run whose experiment is mostly known already: then it is one call."""
    g, run = grant(who, action), parse_run_id(run_id)
    experiment = experiments.remembered(g, run.experiment)
    if experiment is None:
        stored, experiment = together(
            lambda: store.read(g, run), lambda: experiments.known(g, run.experiment)
        )
    else:
        stored = store.read(g, run)
    own(who, stored.head.tok)
    return Open(g, run, stored, experiment)


def append(opened: Open, batch: Batch) -> Stored:
    """Leave a batch of points in the run's tail: written when this returns, and seen by every reader."""
    tails = items.tails_of(opened.grant, opened.run, batch)
    store.put_tails(tails)
    known = dict(opened.stored.tails) | {key: tail.d for key, tail in tails}
    before = opened.stored
    return Stored(before.head, before.blob, list(known.items()), together=before.together)


def demand_room(opened: Open, batch: Batch) -> None:
    """Demand that the run has room for a batch's new metrics.

    Raises:
        Unacceptable: it has none.
    """
    store.demand_room(opened.run, opened.stored, batch, goals_of(opened.experiment))


def amend_open(
    opened: Open, params: Mapping[str, str], tags: Mapping[str, str], writer: Writer | None = None
) -> Open:
    """`amend` on a run that was just read, with keys and values already checked.

    A writer's tags are set once by their numbers: a record that comes again cannot undo what came after it.
    """

    def how(head: Head, content: Content) -> bool:
        before = (dict(content.params), dict(content.tags), head.n, content.writers)
        for key, value in params.items():
            if content.params.setdefault(key, value) != value:
                raise _param_changed(opened.run, key, content.params[key], value)
        content.tags.update(tags)
        if writer is not None:
            had = content.writers.get(writer.name, [])
            new = [(key, value) for number, key, value in writer.tags if not in_ranges(had, number)]
            content.tags.update(new)
            content.writers = {**content.writers, writer.name: with_numbers(had, writer.numbers)}
        head.n = content.tags.pop(NAME_TAG, None) or head.n
        return before != (content.params, content.tags, head.n, content.writers)

    if not params and not tags and writer is None:
        return opened
    return opened._replace(stored=store.change(opened.grant, opened.run, opened.stored, how))


def goals_of(experiment: Experiment) -> Goals:
    """The experiment's goals in the form that merging takes."""
    return Goals(experiment.goals, experiment.primary)


def seen(stored: Stored, experiment: Experiment) -> Run:
    """The run as its readers see it."""
    facts = items.facts(stored.raw)
    restored = experiment.restored_at or 0
    gone = experiment.lifecycle != "active" or (facts.deleted_at is not None and facts.deleted_at > restored)
    return Run(
        facts,
        stored.blob,
        stored.tails,
        lifecycle="deleted" if gone else "active",
        goals=goals_of(experiment),
    )


def _param_changed(run: RunId, key: str, stands: str, value: str) -> Unacceptable:
    message = (
        f"Changing param values is not allowed. Param with key={shown(key)} was already logged with"
        f" value={shown(stands)} for run ID={shown(run.text)}. Attempted logging new value {shown(value)}."
    )
    return Unacceptable(message, field="params")
