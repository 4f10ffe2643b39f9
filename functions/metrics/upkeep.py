"""Folding tails into blocks, compacting blocks into segments, settling runs that ended.

All of it may be done twice, by several at once, or be broken off anywhere.
"""

from contextlib import suppress
from functools import partial

from functions import table
from functions.access.grants import Grant, for_job
from functions.errors import NotFound
from functions.experiments import service as experiments
from functions.ids import RunId, parse_run_id
from functions.metrics import history, items
from functions.metrics.downsample import BUCKETS, downsampled, pack
from functions.parallel import together
from functions.runs import service as runs
from functions.runs.content import AtBest, Content
from functions.runs.limits import ENDED
from functions.runs.merge import Goals, news
from functions.runs.points import Columns, Point, distinct
from functions.runs.service import Head, Stored, goals_of

# A tail of this many items or bytes is folded.
TAIL_ITEMS, TAIL_BYTES = 16, 64 * 1024
# A run that ends with fewer blocks keeps them: a segment per metric would cost more than its reads ever save.
FEW_BLOCKS = 8
_FOLDS = 3


def is_long(stored: Stored) -> bool:
    """Whether the tail should be folded."""
    return len(stored.tails) >= TAIL_ITEMS or sum(len(blob) for _, blob in stored.tails) >= TAIL_BYTES


def fold(grant: Grant, run: RunId, stored: Stored, goals: Goals) -> Stored:
    """Write the tail's points as a block, merge them into the head, remove the tail: in this order.

    Where others keep writing the head, the tail stays for the next one who finds it long.
    """
    for _ in range(_FOLDS):
        tails = stored.batches()
        fresh, _ = news(Content(stored.blob), tails)
        blocks = items.blocks(grant, run, fresh) if fresh else []
        if blocks:
            together(*(partial(table.put, block) for block in blocks))
        try:
            return runs.fold(grant, run, stored, tails=tails, goals=goals, blocks=len(blocks))
        except runs.Outrun:
            stored = runs.read(grant, run)
    return stored


def settle(team: str, run_id: str) -> bool:
    """The job that follows a head that became due: fold, compact, and make exact what was only nearly so.

    Whoever calls it calls it again after an error. Two at once do the same work twice.

    Returns:
        Whether the run is settled; False when it changed meanwhile and is still due.

    Raises:
        Busy: others kept changing the run, or the table is throttled.
        Unavailable: the table does not answer.
    """
    grant, run = for_job(team), parse_run_id(run_id)
    try:
        stored = runs.read(grant, run)
        goals = goals_of(experiments.known(grant, run.experiment))
    except NotFound:
        return True
    ended = stored.head.st in ENDED
    if stored.tails and (ended or is_long(stored)):
        stored = fold(grant, run, stored, goals)
    if ended and stored.tails:
        return False
    if stored.head.nb > (FEW_BLOCKS if ended else runs.COMPACT_AT - 1):
        _compact(grant, run)
    return _finish(grant, run, goals, ended=ended)


def _compact(grant: Grant, run: RunId) -> None:
    """Segments first, then the lines that they outdate, then the blocks go."""
    keys, found = history.blocks(grant, run)
    for metric, part in found.items():
        points = distinct(part.points(metric))
        table.put_many(items.segments(grant, run, metric, points))
        _draw(grant, run, metric, points)
    table.delete_many([items.history_key(grant, run, key) for key in keys])


def _draw(grant: Grant, run: RunId, metric: str, new: list[Point]) -> None:
    """Write a metric's line when its points have doubled, or when *new* ones lie in the time that it covers.

    So every segment that a line does not cover begins after the line's `until`, and a reader finds it.
    """
    line = table.get(items.Line, items.line_key(grant, run, metric))
    if line is None and len(new) < BUCKETS:
        return
    if line is not None and new[0][2] > line.until and len(new) < line.n:
        return
    _write_line(grant, run, metric, distinct(history.in_segments(grant, run, metric)))


def _write_line(grant: Grant, run: RunId, metric: str, points: list[Point]) -> None:
    place = items.line_key(grant, run, metric)
    line = items.Line(place.pk, place.sk, n=len(points), until=points[-1][2], d=pack(downsampled(points)))
    with suppress(table.Lost):  # a job that saw more was quicker
        table.put(line, items.Line.PK.does_not_exist() | (items.Line.n <= len(points)))


def _finish(grant: Grant, run: RunId, goals: Goals, *, ended: bool) -> bool:
    """Say that nothing is due; if the run ended, count its points and find its values at best."""
    stored = runs.read(grant, run)
    keys, in_blocks = history.blocks(grant, run)
    counts, best = _reckon(grant, run, stored, goals, in_blocks) if ended else ({}, None)
    revision, blocks = int(stored.head.rv), int(stored.head.nb)
    done = [False]

    def how(head: Head, content: Content) -> bool:
        head.nb = max(0, head.nb + len(keys) - blocks)  # another job may have counted the same ones off
        done[0] = head.rv == revision if ended else head.nb < runs.COMPACT_AT and head.st not in ENDED
        if done[0]:
            head.due = None
        if done[0] and ended:
            for metric, count in counts.items():
                if metric in content.metrics:
                    content.metrics.changed[metric] = content.metrics[metric]._replace(count=count)
            content.at_best = best or content.at_best
        return True

    runs.change(grant, run, stored, how, runs.ROOM)
    return done[0]


def _reckon(
    grant: Grant, run: RunId, stored: Stored, goals: Goals, in_blocks: dict[str, Columns]
) -> tuple[dict[str, int], AtBest | None]:
    counts: dict[str, int] = {}
    values: dict[str, float] = {}
    step = _best_step(Content(stored.blob), goals)
    for metric, points in history.whole(grant, run, in_blocks):
        counts[metric] = len(points)
        if len(points) > BUCKETS:
            _write_line(grant, run, metric, points)
        here = [point for point in points if point[3] == step]
        if here:
            values[metric] = here[-1][1]
    if goals.best is None or step is None:
        return counts, None
    primary, goal = goals.best
    leader = Content(stored.blob).metrics[primary]
    values[primary] = leader.min if goal == "min" else leader.max
    return counts, AtBest(primary, goal, step, values)


def _best_step(content: Content, goals: Goals) -> int | None:
    if goals.best is None or goals.best[0] not in content.metrics:
        return None
    primary, goal = goals.best
    leader = content.metrics[primary]
    return leader.min_step if goal == "min" else leader.max_step
