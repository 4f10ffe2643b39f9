"""How answers are printed: JSON as protobuf writes it, and no more of it than one answer carries."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec
from starlette.responses import Response

from functions.access.principal import Principal
from functions.mlflow.asks import Ask

# Lambda ends at 6 MB; an answer stays well below, whatever page was asked for.
ANSWER_BYTES = 3_500_000

RecordT = TypeVar("RecordT")
Answer = Mapping[str, Any] | Response
Verb = Callable[[Principal, Ask], Answer]


class Route(NamedTuple):
    """An endpoint.

    Attributes:
        method: its HTTP method.
        path: its path behind `/api/2.0/mlflow/`.
        verb: what answers it.
        writes: whether that changes anything.
    """

    method: str
    path: str
    verb: Verb
    writes: bool = False


def number(value: float) -> float | str:
    """A double as protobuf's JSON has it: NaN and infinities are words, which clients read back exactly."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def listed(texts: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags or params as MLflow lists them."""
    return [{"key": key, "value": value} for key, value in texts.items()]


def lean(**given: Any) -> dict[str, Any]:
    """An object without what is None or an empty list, as protobuf prints unset fields."""
    return {name: value for name, value in given.items() if value is not None and value != []}


def printed(body: Mapping[str, Any], status: int = 200) -> Response:
    """An answer as compact JSON."""
    return Response(msgspec.json.encode(body), status, media_type="application/json")


def page_of(rows: Iterable[Mapping[str, Any]]) -> tuple[list[msgspec.Raw], bool]:
    """As many rows, in JSON, as one answer carries (one at the least), and whether that is all of them."""
    taken: list[msgspec.Raw] = []
    size = 0
    for row in rows:
        text = msgspec.json.encode(row)
        size += len(text) + 1
        if taken and size > ANSWER_BYTES:
            return taken, False
        taken.append(msgspec.Raw(text))
    return taken, True


class Page(Protocol[RecordT]):
    """A page that was found, as `search.service` gives it."""

    @property
    def records(self) -> list[RecordT]:
        """What was found."""

    @property
    def next(self) -> str | None:
        """The next page's token, if there is one."""

    @property
    def token(self) -> Callable[[RecordT], str]:
        """What makes a token for the page after a record."""


def found_page(
    name: str, found: Page[RecordT], show: Callable[[RecordT], Mapping[str, Any]]
) -> dict[str, Any]:
    """The answer to a search: as much of the page as one answer carries, and where the next one begins."""
    rows, whole = page_of(show(record) for record in found.records)
    token = found.next if whole else found.token(found.records[len(rows) - 1])
    return lean(**{name: rows, "next_page_token": token})
