"""The verbs of runs. Metrics are logged one floor up: `metrics.service` folds what `append` leaves here."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from heapq import merge as merged
from itertools import chain, islice

from functions import limits
from functions.access.grants import grant, own
from functions.access.policy import Action
from functions.access.principal import Principal
from functions.errors import Aborted, NotFound, Unacceptable
from functions.experiments import service as experiments
from functions.experiments.service import Experiment
from functions.ids import (
    SHARDS,
    RunId,
    new_run_id,
    now_ms,
    parse_experiment_id,
    parse_run_id,
    shown,
    start_time,
)
from functions.parallel import together
from functions.runs import items, store
from functions.runs.content import Content
from functions.runs.items import READ, WROTE, Head, Stored
from functions.runs.limits import (
    ENDED,
    NAME_CHARS,
    PARAM_CHARS,
    STATUSES,
    TAG_CHARS,
    agreed_name,
    check_texts,
)
from functions.runs.lineage import (
    forget_node,
    log_inputs,
    log_outputs,
    runs_around,
    several,
)
from functions.runs.merge import NAME_TAG, Run
from functions.runs.opening import (
    Open,
    Writer,
    amend_open,
    append,
    demand_room,
    goals_of,
    lifecycle,
    open_to_write,
    seen,
)
from functions.runs.removal import condemn, erase, every, is_condemned, mark
from functions.runs.store import COMPACT_AT, ROOM, Outrun, change, fold, read

__all__ = [
    "COMPACT_AT",
    "READ",
    "ROOM",
    "WROTE",
    "Head",
    "Open",
    "Outrun",
    "Stored",
    "Writer",
    "amend",
    "amend_open",
    "append",
    "change",
    "condemn",
    "create",
    "delete",
    "delete_tag",
    "demand_room",
    "erase",
    "every",
    "fold",
    "forget_node",
    "get",
    "goals_of",
    "is_condemned",
    "lifecycle",
    "listing",
    "log_inputs",
    "log_outputs",
    "mark",
    "open_to_write",
    "read",
    "restore",
    "retag",
    "runs_around",
    "several",
    "update",
]

# How many items one page of a shard reads at the most, when only the first runs are asked for.
PAGE_ITEMS = 1000


def create(
    who: Principal,
    *,
    experiment_id: str,
    name: str | None = None,
    start: int | None = None,
    user_id: str = "",
    tags: Mapping[str, str] | None = None,
    key: str | None = None,
) -> Run:
    """Start a run.

    Args:
        who: the caller, stamped on the run as `created_by`.
        experiment_id: an active experiment of the team.
        name: the run's name; the tag `mlflow.runName` says the same, and one of both may be left out.
        start: start time in ms; missing means now. It never changes.
        user_id: who the client says it is: a claim only.
        tags: first tags.
        key: a client's own key: with the same experiment and start time always the same run.

    Raises:
        NotFound: no such experiment.
        Unacceptable: a bad name, tag or time, or the experiment is deleted.
    """
    g = grant(who, Action.CREATE_RUN)
    if key is not None and start is None:
        message = "Send 'start_time' with 'key': the same key, experiment and start time are the same run."
        raise Unacceptable(message, field="start_time")
    started = start_time(start)
    content = Content()
    content.tags = check_texts(tags or {}, TAG_CHARS, "tags")
    name = agreed_name(name, content.tags.pop(NAME_TAG, None))
    limits.text(user_id, "user_id", NAME_CHARS)
    experiment = experiments.get(who, parse_experiment_id(experiment_id))
    if experiment.lifecycle != "active":
        message = f"The experiment {experiment_id} must be in the 'active' state. Current state is deleted."
        raise Unacceptable(message, field="experiment_id")
    blob = content.packed()
    if len(blob) > items.BLOB_BYTES:
        message = "The first tags of a run take at most 400 KB; send the rest with later calls."
        raise Unacceptable(message, field="tags")
    while True:
        run = new_run_id(experiment_id, started, key)
        head = items.new_head(
            g, run, blob, n=name, st="RUNNING", s=started, u=user_id or None, by=who.name, tok=who.token
        )
        stood = store.put_new(head)
        if stood is None:
            return seen(Stored(head, blob, []), experiment)
        if key is not None:
            own(who, stood.tok)
            if stood.purge is not None:
                raise Aborted("The run with this key is being removed for good; try again.", retry_after=1)
            return seen(read(g, run), experiment)


def get(who: Principal, run_id: str) -> Run:
    """One run with everything that was logged before this call.

    Raises:
        NotFound: no such run in the team.
    """
    g, run = grant(who, Action.READ_RUN), parse_run_id(run_id)
    stored, experiment = together(lambda: read(g, run), lambda: _experiment(who, run))
    own(who, stored.head.tok)
    return seen(stored, experiment)


def update(
    who: Principal,
    run_id: str,
    *,
    status: str | None = None,
    end_time: int | None = None,
    name: str | None = None,
) -> Run:
    """Change a run's status, end time or name; what is None stays.

    A run that ends becomes due for settling: the house's jobs fold its tail and compact its history.
    """
    if status is not None and status not in STATUSES:
        raise limits.refused(status, "status", f"expected one of {', '.join(STATUSES)}.")
    if end_time is not None:
        limits.int64(end_time, "end_time", least=0)
    if name:
        limits.text(name, "run_name", NAME_CHARS)

    def how(head: Head, _: Content) -> bool:
        before = (head.st, head.e, head.n, head.due)
        if status is not None:
            head.st = status
            if status in ENDED:
                head.due = now_ms()
        if end_time is not None:
            head.e = end_time
        if name:
            head.n = name
        return before != (head.st, head.e, head.n, head.due)

    opened = open_to_write(who, run_id)
    return seen(change(opened.grant, opened.run, opened.stored, how), opened.experiment)


def amend(
    who: Principal,
    run_id: str,
    *,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Set params, which never change once they are set, and tags, which may.

    Raises:
        Unacceptable: a param has another value already (then nothing is written), or a bad key or value.
    """
    checked = check_texts(params or {}, PARAM_CHARS, "params"), check_texts(tags or {}, TAG_CHARS, "tags")
    amend_open(open_to_write(who, run_id), *checked)


def retag(who: Principal, run_id: str, key: str, how: Callable[[str | None], str]) -> None:
    """Set a tag to what *how* makes of its value, None where there is none; no change of others is lost.

    Raises:
        Unacceptable: a bad key or value, or the run is deleted.
    """

    def retagged(_: Head, content: Content) -> bool:
        value = how(content.tags.get(key))
        changed = content.tags.get(key) != value
        content.tags.update(check_texts({key: value}, TAG_CHARS, "tags"))
        return changed

    opened = open_to_write(who, run_id)
    change(opened.grant, opened.run, opened.stored, retagged)


def delete_tag(who: Principal, run_id: str, key: str) -> None:
    """Remove a tag.

    Raises:
        NotFound: the run has no such tag.
        Unacceptable: it is the run's name, which can be changed only.
    """
    if key == NAME_TAG:
        message = f"The tag '{NAME_TAG}' is the run's name; a run always has one."
        raise Unacceptable(message, field="key")
    removed = False

    def how(_: Head, content: Content) -> bool:
        nonlocal removed
        if key in content.tags:
            del content.tags[key]
            removed = True
            return True
        if removed:  # by a write of ours whose answer was lost, or by another caller
            return False
        message = f"No tag with name: {shown(key)} in run with id {run_id}."
        raise NotFound(message, field="key")

    opened = open_to_write(who, run_id)
    change(opened.grant, opened.run, opened.stored, how)


def delete(who: Principal, run_id: str) -> None:
    """Hide a run until it is restored; deleting twice is the same as once."""
    _mark_deleted(who, run_id, now_ms())


def restore(who: Principal, run_id: str) -> None:
    """Bring a deleted run back; restoring an active one changes nothing.

    Raises:
        Unacceptable: its whole experiment is deleted.
    """
    _mark_deleted(who, run_id, None)


def listing(
    who: Principal, experiment_ids: Sequence[str], *, after: str | None = None, page: int | None = None
) -> tuple[Iterator[Run], list[Experiment]]:
    """All runs of these experiments, deleted ones too, in MLflow's default order (ascending run id).

    Args:
        who: the caller.
        experiment_ids: where to look.
        after: begin behind this run id.
        page: how many runs will be asked for, where that is known: then only about as much is read.

    Returns:
        The runs, and those of the experiments that exist, both read in the same round.
    """
    g = grant(who, Action.READ)
    limit = None if page is None else min(PAGE_ITEMS, 2 * page)

    def begin(experiment_id: str, shard: int) -> tuple[list[Stored], Iterator[Stored]]:
        found = store.read_shard(g, experiment_id, shard, after, limit)
        return list(islice(found, page)), found

    shards = [partial(begin, one, shard) for one in experiment_ids for shard in range(SHARDS)]
    searched, *started = together(lambda: experiments.several(g, experiment_ids), *shards)
    stored = merged(*(chain(first, rest) for first, rest in started), key=lambda one: one.sk)
    return (seen(one, searched[one.experiment_id]) for one in stored if one.experiment_id in searched), [
        *searched.values()
    ]


def _experiment(who: Principal, run: RunId) -> Experiment:
    try:
        return experiments.get(who, run.experiment)
    except NotFound:
        raise store.not_found(run) from None


def _mark_deleted(who: Principal, run_id: str, at: int | None) -> None:
    g, run = grant(who, Action.DELETE), parse_run_id(run_id)
    stored, experiment = together(lambda: read(g, run), lambda: _experiment(who, run))
    if at is None and experiment.lifecycle != "active":
        message = f"The experiment {experiment.id} is deleted; restore it first."
        raise Unacceptable(message, field="run_id")

    restored = experiment.restored_at or 0
    if at is not None:  # another host's clock may have been ahead
        at = max(at, restored + 1)

    def how(head: Head, _: Content) -> bool:
        gone = head.gone is not None and head.gone > restored
        head.gone = at
        return gone != (at is not None)

    change(g, run, stored, how)
