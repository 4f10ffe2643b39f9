"""Long work on its way: the only file that talks to SQS. A job is some words; the rooms' reactions do it.

A message comes at least once, and a job may be done twice, by several at once, or be broken off anywhere. One
that needs another piece is sent again, so that a piece is never longer than a function may run.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from functions import aws, telemetry
from functions.aws import Refused
from functions.errors import Unavailable
from functions.settings import settings

# A job that is not done then has lost its way: it goes to the dead letters. Pieces take about ten seconds.
MOST_PIECES = 5_000
# Seconds before the next piece of a job that others were in the way of.
PAUSE_SECONDS = 5
_TRIES = 3


class Job(NamedTuple):
    """Something to be done in a team."""

    what: str
    team: str
    words: tuple[str, ...]
    piece: int = 1


def handed_over(what: str, team: str, *words: str) -> bool:
    """Give a job to the deployment's queue; False where there is none, so that it is done at once.

    Raises:
        Unavailable: the queue does not take it.
    """
    if not settings().jobs_queue:
        return False
    _send(Job(what, team, words), 0)
    return True


def again(job: Job) -> None:
    """Give back a job that needs another piece.

    Raises:
        RuntimeError: it had its pieces.
        Unavailable: the queue does not take it.
    """
    if job.piece >= MOST_PIECES:
        message = f"{job.what} of team {job.team} is not done after {job.piece} pieces"
        raise RuntimeError(message)
    _send(job._replace(piece=job.piece + 1), PAUSE_SECONDS)


def read(body: str) -> Job:
    """The job in a message.

    Raises:
        ValueError: there is none.
    """
    try:
        said = json.loads(body)
        return Job(str(said["job"]), str(said["team"]), tuple(map(str, said["words"])), int(said["piece"]))
    except (KeyError, TypeError, ValueError) as error:
        message = "this message is no job"
        raise ValueError(message) from error


def forget() -> None:
    """Drop the client (other settings, a fork)."""
    _clients.clear()


def _send(job: Job, delay: int) -> None:
    said = {"job": job.what, "team": job.team, "words": job.words, "piece": job.piece}
    region, queue = settings().region, settings().jobs_queue
    if region not in _clients:
        retries = {"mode": "standard", "total_max_attempts": _TRIES}
        made = aws.client("sqs", region, "", {}, connect_timeout=2, read_timeout=5, retries=retries)
        _clients[region] = made
    body = json.dumps(said, separators=(",", ":"))
    try:
        asked = {"QueueUrl": queue, "MessageBody": body, "DelaySeconds": delay}
        aws.asked(_clients[region], "send_message", asked)
    except Refused as refused:
        telemetry.logger().error("a job could not be sent", extra={"job": job.what, "why": refused.code})
        raise Unavailable("The queue takes no job right now.", retry_after=2) from refused


_clients: dict[str, Any] = {}
