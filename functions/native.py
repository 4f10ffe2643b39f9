"""What a native body must be before pydantic reads it, which takes true for 1 and 1e400 for infinity."""

import math
from collections.abc import Iterator
from typing import Any

from starlette.types import Message, Receive

from functions import literals
from functions.errors import Unacceptable
from functions.ids import shown

_NUMBERS = (
    *("value", "timestamp", "step", "first", "start_time", "end_time", "limit", "expires_in_days"),
    *("version", "size", "rows", "columns"),
)


async def checked(receive: Receive) -> Receive:
    """The request's body, read whole and found to be sound, for who reads it next.

    Raises:
        Unacceptable: it is too deep, or has true, false or an overflowing number where a number is due.
    """
    parts: list[bytes] = []
    message: Message = {"more_body": True}
    while message.get("more_body", False):
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
    body = b"".join(parts)
    try:
        _demand_numbers(literals.decoded(body))
    except literals.Malformed:
        raise Unacceptable("The body must be a JSON object.", field="body") from None
    answers = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def again() -> Message:
        return next(answers, None) or await receive()

    return again


def _demand_numbers(body: dict[str, Any]) -> None:
    for record in _objects(body):
        for name in _NUMBERS:
            value = record.get(name)
            if isinstance(value, bool) or (_is_measured(record, name) and _overflows(value)):
                message = (
                    f"Invalid value {shown(value)} for parameter '{name}' supplied: it must be a number."
                )
                raise Unacceptable(message, field=name)


def _objects(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting: list[Any] = [body]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += [value for value in one.values() if isinstance(value, dict | list)]
        else:
            waiting += [value for value in one if isinstance(value, dict | list)]


def _is_measured(record: dict[str, Any], name: str) -> bool:
    """Whether this is a metric's value; a param's and a tag's are text, whatever it says."""
    return name == "value" and ("timestamp" in record or record.get("kind") == "metric")


def _overflows(value: object) -> bool:
    try:
        return isinstance(value, str) and math.isinf(float(value)) and "inf" not in value.lower()
    except ValueError:
        return False
