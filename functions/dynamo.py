"""DynamoDB: its client, as whom that calls, what its errors mean, and which items are not to be misread."""

from __future__ import annotations

import time
from base64 import b64decode
from random import SystemRandom
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from functions import aws, jobs, roles, tenancy
from functions.errors import Aborted, Busy, Outdated, Unavailable
from functions.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Raw = dict[str, Any]

# The newest format of an item that this code reads.
FORMAT = 1
_FIRST = {"N": "1"}

_TRIES = 6
_random = SystemRandom()  # functions that start from one snapshot must not pause in step
THROTTLED = frozenset({
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "ThrottlingError",
    "RequestLimitExceeded",
    "LimitExceededException",
})  # fmt: skip

# The credentials are no longer good, whatever they said.
_ENDED = frozenset({"ExpiredTokenException", "UnrecognizedClientException"})
# What a session is told that was revoked, and a bug that asks for what is another team's.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
_DENIED = "AccessDeniedException"


class Lost(Exception):
    """A condition did not hold, and nothing was written.

    `items` has an entry per write: what stood there ({} where nothing did), or None for a write of a
    transaction whose own condition held.
    """

    def __init__(self, items: Sequence[Raw | None]) -> None:
        super().__init__("condition failed")
        self.items = list(items)


_clients: dict[tuple[str, str], Any] = {}


def client() -> Any:
    """The DynamoDB client of this process, made at the first call.

    Three tries within about three seconds, so that a caller behind API Gateway gets an honest 429 or 503.
    """
    chosen = settings()
    place = (chosen.region, chosen.dynamodb_url)
    if place not in _clients:
        made = aws.client(
            "dynamodb",
            chosen.region,
            chosen.dynamodb_url,
            {},
            connect_timeout=2,
            read_timeout=10,
            max_pool_connections=32,
            retries={"mode": "standard", "total_max_attempts": 3},
            parameter_validation=False,
        )
        made.meta.events.register("before-parse.dynamodb.Query", _read_page)
        _clients[place] = roles.as_actor(made)
    return _clients[place]


def _read_page(response_dict: Raw, customized_response_dict: Raw, **_: Any) -> None:
    """Read a page of items in C: botocore's own parser takes half of a search's time.

    Our items are flat: a value is S, N or B, and only B is not what JSON says already.
    """
    if response_dict["status_code"] != 200:
        return
    page = msgspec.json.decode(response_dict["body"])
    for item in page.get("Items", ()):
        for value in item.values():
            if "B" in value:
                value["B"] = b64decode(value["B"])
    customized_response_dict.update(page)
    response_dict["body"] = b"{}"


def forget_clients() -> None:
    """Drop the clients of this process, so that the next call makes new ones (another endpoint, a fork)."""
    _clients.clear()
    for module in (tenancy, roles, jobs, aws):
        module.forget()


def known(raw: Raw) -> Raw:
    """An item that was read, if this code knows its format.

    Raises:
        Outdated: a newer one wrote it.
    """
    if raw.get("f", _FIRST) != _FIRST and int(raw["f"]["N"]) > FORMAT:
        message = "This was written by a newer Runhaven: upgrade this deployment."
        raise Outdated(message, retry_after=30)
    return raw


def call(operation: str, partitions: Sequence[str], *, table: bool = True, **asked: Any) -> Any:
    """Call DynamoDB, for team data as the role of the team in which the house works.

    Args:
        operation: its name in botocore.
        partitions: those that it touches.
        table: whether the table is named by the call itself.
        asked: what is asked.

    Raises:
        Lost: the condition of a single write did not hold.
        Busy: DynamoDB is throttled.
        Aborted: others are changing the same item.
        Unavailable: it does not answer, or team data cannot be entered right now.
    """
    if table:
        asked["TableName"] = settings().table
    actor = tenancy.actor(partitions)
    try:
        if actor is None:
            return getattr(client(), operation)(**asked)
        with roles.acting(actor):
            return getattr(client(), operation)(**asked)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code == "ConditionalCheckFailedException":
            answer: Raw = {**error.response}
            raise Lost([known(answer.get("Item", {}))]) from error
        if actor is not None and (code in _ENDED or (code == _DENIED and roles.is_old(actor))):
            tenancy.ended(actor)
            raise Unavailable("The table cannot be entered right now.", retry_after=1) from error
        if code in THROTTLED:
            message = "The table is throttled; slow down."
            raise Busy(message, retry_after=1) from error
        if code in {"TransactionInProgressException", "TransactionConflictException"}:
            message = "The same thing is being changed by others; try again."
            raise Aborted(message, retry_after=1) from error
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
            message = "The table does not answer right now."
            raise Unavailable(message, retry_after=2) from error
        raise
    except BotoCoreError as error:
        message = "The table cannot be reached right now."
        raise Unavailable(message, retry_after=2) from error


def attempts(otherwise: Exception | None = None) -> Iterator[int]:
    """The numbers of a few tries; beyond them it raises *otherwise*, or Unavailable."""
    yield from range(_TRIES)
    raise otherwise or Unavailable(
        "The table is too busy to take the whole request; send it again.", retry_after=1
    )


def pause(attempt: int) -> None:
    """Wait a jittered moment that doubles with each try."""
    time.sleep(_random.uniform(0.2, 1) * 0.02 * 2**attempt)
