"""Page tokens: where the last page ended, as the last record's sort values, never an offset.

A token is base64url of JSON `[version, check, values]`. The check is a hash over the search (what is
searched, filter, order, view) and the values, so that a token of another search, or one that was changed,
does not pass. It is keyless on purpose: a token carries no right, it only says where to go on.
"""

import hashlib
import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from functions.errors import Unacceptable

VERSION = 1
LONGEST = 1_048_576

Scalar = str | int | float | None


def fingerprint(*parts: Any) -> str:
    """A hash over the parts of a search, which are JSON values."""
    return hashlib.sha256(_json(parts)).hexdigest()


def encode(search: str, values: Sequence[Scalar]) -> str:
    """The token for the page after the record with these sort values, in the search with this fingerprint."""
    return urlsafe_b64encode(_json([VERSION, fingerprint(search, values)[:32], list(values)])).decode("ascii")


def decode(token: str, search: str, numeric: Sequence[bool]) -> list[Scalar]:
    """The sort values that `encode` was given.

    Args:
        token: from outside.
        search: the fingerprint of the search that is asked for now.
        numeric: for each key of its order, whether the values are numbers.

    Raises:
        Unacceptable: of field `page_token`: broken, changed, or made by another search.
    """
    if len(token) > LONGEST:
        raise refusal()
    try:
        content = json.loads(b64decode(token, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        raise refusal() from None
    match content:
        case [_, _, list(values)] if len(values) == len(numeric):
            if all(map(_fits, values, numeric)) and token == encode(search, values):
                return values
    raise refusal()


def _fits(value: Any, numeric: bool) -> bool:  # noqa: FBT001  (mapped)
    if value is None:
        return True
    return (
        isinstance(value, int | float) and not isinstance(value, bool) if numeric else isinstance(value, str)
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def refusal() -> Unacceptable:
    """The error for a token that this search did not make."""
    message = (
        "Invalid page token: it was not made by this search. Repeat the search that gave it with the same "
        "experiments, filter, order and view, or start again without a token."
    )
    return Unacceptable(message, field="page_token")
