"""JSON as clients have ever written it: strict JSON, or Python's with NaN and Infinity; no huge number."""

import json
from typing import Any

import msgspec

from functions.errors import Unacceptable

_decode = msgspec.json.Decoder().decode
_LITERALS = (b"NaN", b"Infinity")


class Malformed(ValueError):
    """The bytes are no JSON text."""


def decoded(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; an empty body and `null` are an empty object.

    Old clients send their object as a JSON string in JSON, which is decoded twice.

    Raises:
        Malformed: it is no JSON.
        Unacceptable: it is JSON, but an array or a scalar, too deep, or with a number that no double holds.
    """
    value = _any(body)
    if isinstance(value, str):
        value = _any(value.encode())
    if value is None:
        return {}
    if not isinstance(value, dict):
        message = "The request's body must be a JSON object."
        raise Unacceptable(message, field="body")
    return value


def _any(body: bytes) -> Any:
    if not body.strip():
        return None
    try:
        return _decode(body)
    except RecursionError:
        raise _too_deep() from None
    except msgspec.ValidationError:
        raise _out_of_range() from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        if not any(literal in body for literal in _LITERALS):
            raise Malformed from None
        return _with_literals(body)


def _with_literals(body: bytes) -> Any:
    try:
        value = json.loads(body.decode(), parse_float=_float)
        # Half of a surrogate pair passes Python's reader, but is no text that can be stored.
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise Malformed from None
    return value


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _out_of_range()
    return value


def _out_of_range() -> Unacceptable:
    message = "The request's body holds a number that is too large for a double."
    return Unacceptable(message, field="body")


def _too_deep() -> Unacceptable:
    message = "The request's body is nested too deeply."
    return Unacceptable(message, field="body")
