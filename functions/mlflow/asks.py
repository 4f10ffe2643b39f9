"""What a request asks: JSON as protobuf reads it, only stricter.

Where MLflow's server stores 0 for a number that it cannot read, the dialect refuses. It takes an integer
as JSON number, as a string or as a whole float (`1.0`, `"1"`; not `1.5`, `true` or 2^63); a number also as a
numeric string or as NaN, Infinity and -Infinity, words or literals, but nothing that overflows (`1e400`). A
missing field and `null` are the same; unknown fields are ignored.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec

from functions import literals
from functions.errors import Unacceptable
from functions.mlflow.errors import invalid, missing

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
VIEWS = {1: "ACTIVE_ONLY", 2: "DELETED_ONLY", 3: "ALL"}

_NEED_JSON = frozenset({"POST", "PUT", "PATCH"})


class Fields:
    """A JSON object or a query, read field by field; *at* is its own place in the request, for messages."""

    def __init__(self, values: Mapping[str, Any], at: str = "") -> None:
        self.values, self._at = values, at

    def _given(self, name: str) -> Any:
        return self.values.get(name)

    def place(self, name: str) -> str:
        """Where a field stands in the request, such as `metrics[3].key`."""
        return f"{self._at}.{name}" if self._at else name

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._given(name) is not None

    def text(self, name: str) -> str | None:
        """A string, or None where there is none.

        Raises:
            Unacceptable: it is something else.
        """
        value = self._given(name)
        if value is None or isinstance(value, str):
            return value
        raise invalid(self.place(name), value, f"a string, not {_kind(value)}")

    def need(self, name: str) -> str:
        """A string that must be there and not be empty.

        Raises:
            Unacceptable: it is missing, empty or something else.
        """
        value = self.text(name)
        if not value:
            raise missing(self.place(name))
        return value

    def whole(self, name: str, least: int = INT64_MIN, most: int = INT64_MAX) -> int | None:
        """An integer between *least* and *most*, or None where there is none.

        Raises:
            Unacceptable: it is something else.
        """
        value = self._given(name)
        if value is None:
            return None
        try:
            number: int = msgspec.convert(value, int, strict=False)
        except msgspec.ValidationError:
            raise invalid(self.place(name), value, "an integer of 64 bits") from None
        if not least <= number <= most:
            raise invalid(self.place(name), value, f"an integer from {least} to {most}")
        return number

    def need_whole(self, name: str, least: int = INT64_MIN, most: int = INT64_MAX) -> int:
        """An integer that must be there.

        Raises:
            Unacceptable: it is missing or something else.
        """
        if self._given(name) in (None, ""):
            raise missing(self.place(name))
        return self.whole(name, least, most) or 0

    def need_number(self, name: str) -> float:
        """A double that must be there; NaN and the infinities are numbers.

        Raises:
            Unacceptable: it is missing, or is no number that a double can hold.
        """
        value = self._given(name)
        if value is None or value == "":
            raise missing(self.place(name))
        try:
            return msgspec.convert(value, float, strict=False)
        except (msgspec.ValidationError, OverflowError):
            raise invalid(self.place(name), value, "a double (64-bit floating point)") from None

    def flag(self, name: str) -> bool:
        """A truth, False where there is none.

        Raises:
            Unacceptable: it is something else.
        """
        value = self._given(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        raise invalid(self.place(name), value, "'true' or 'false'")

    def word(self, name: str, words: Mapping[int, str]) -> str | None:
        """An enum's word, given as the word or as its number in the protocol, or None where there is none.

        Raises:
            Unacceptable: it is neither.
        """
        word = self.known_word(name, words)
        if word is None and self.has(name):
            raise invalid(self.place(name), self._given(name), f"one of {', '.join(words.values())}")
        return word

    def known_word(self, name: str, words: Mapping[int, str]) -> str | None:
        """As `word`, but one that is not known counts as none, as protobuf's JSON has it."""
        value = self._given(name)
        if isinstance(value, bool):
            return None
        return next((word for at, word in words.items() if value in (word, at, str(at))), None)

    def each(self, name: str) -> Sequence[Any]:
        """A list; empty where there is none.

        Raises:
            Unacceptable: it is something else.
        """
        value = self._given(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise invalid(self.place(name), value, f"a list, not {_kind(value)}")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of strings; empty where there is none.

        Raises:
            Unacceptable: it is something else.
        """
        listed = self.each(name)
        for position, value in enumerate(listed):
            if not isinstance(value, str):
                raise invalid(self.place(f"{name}[{position}]"), value, f"a string, not {_kind(value)}")
        return list(listed)

    def objects(self, name: str) -> "list[Fields]":
        """A list of JSON objects; empty where there is none.

        Raises:
            Unacceptable: it is something else.
        """
        listed = enumerate(self.each(name))
        return [_object(value, self.place(f"{name}[{position}]")) for position, value in listed]

    def inner(self, name: str) -> "Fields | None":
        """A JSON object inside this one, or None where there is none.

        Raises:
            Unacceptable: it is something else.
        """
        value = self._given(name)
        return None if value is None else _object(value, self.place(name))

    def pairs(self, name: str) -> list[tuple[str, str]]:
        """A list of `{"key", "value"}`; a missing value is empty, as protobuf reads it.

        Raises:
            Unacceptable: an entry without a key, or a key or value that is no string.
        """
        return [(one.need("key"), one.text("value") or "") for one in self.objects(name)]


class Ask(Fields):
    """A request as the dialect's verbs see it.

    A GET with a query is read from there, everything else from the JSON body, decoded at the first look.

    Attributes:
        body: the bytes as they came.
        path: the values of the route's placeholders, decoded once.
        query: the query's values, each as often as it was given.
    """

    def __init__(
        self,
        method: str,
        content_type: str | None,
        query: Mapping[str, list[str]],
        path: Mapping[str, str],
        body: bytes,
    ) -> None:
        self._method, self._content_type, self._at, self._broken = method, content_type, "", ""
        self.query, self.path, self.body = query, path, body

    @cached_property
    def values(self) -> Mapping[str, Any]:  # type: ignore[override]
        """The query of a GET, or the JSON body's object."""
        if self._method == "GET" and self.query:
            return {name: values[0] for name, values in self.query.items()}
        self.check_content_type()
        try:
            return literals.decoded(self.body)
        except literals.Malformed:
            # MLflow takes it for an empty body and then misses what it needs. So do we, but never for whole.
            self._broken = "The request's body is not valid JSON."
            return {}

    def check_content_type(self) -> None:
        """Demand that a body claims to be JSON, which a web page of another origin cannot do unasked.

        Raises:
            Unacceptable: it claims to be something else, or nothing.
        """
        if self._method not in _NEED_JSON:
            return
        if self._content_type is None:
            message = "Bad Request. Content-Type header is missing."
            raise Unacceptable(message, field="Content-Type")
        if self._content_type.split(";")[0].strip().lower() != "application/json":
            message = "Bad Request. Content-Type must be one of ['application/json']."
            raise Unacceptable(message, field="Content-Type")

    def _given(self, name: str) -> Any:
        value = self.values.get(name)
        if self._broken:
            raise Unacceptable(self._broken, field="body")
        return value

    def need(self, name: str) -> str:
        """As in Fields; a body that is no JSON misses everything."""
        if not self.values and self._broken:
            message = f"Missing value for required parameter '{name}'. {self._broken}"
            raise Unacceptable(message, field=name)
        return super().need(name)

    def each(self, name: str) -> Sequence[Any]:
        """As in Fields; in a query, every value of that name."""
        if self._method == "GET" and self.query:
            return self.query.get(name, [])
        return super().each(name)

    def run_id(self) -> str:
        """The run that is meant, by either of its two names in the protocol."""
        by_old_name = self.values.get("run_uuid") and not self.values.get("run_id")
        return self.need("run_uuid" if by_old_name else "run_id")

    def experiment_id(self, name: str = "experiment_id") -> str:
        """The experiment that is meant: digits, as in MLflow's own store."""
        return as_experiment_id(self.need(name), name)

    def experiment_ids(self) -> list[str]:
        """The experiments that are searched, each once."""
        name = "experiment_ids"
        return list(dict.fromkeys(as_experiment_id(one, name) for one in self.texts(name)))

    def page_token(self) -> str | None:
        """The token of the page that is asked for; an empty one is none."""
        return self.text("page_token") or None

    def page_size(self, usual: int, most: int, *, none: int | None = None) -> int:
        """How many results a page may have; *usual* where nothing is said, or *none*, which says nothing.

        Raises:
            Unacceptable: it is not from 1 to *most*.
        """
        size = self.whole("max_results")
        if size in {None, none}:
            size = usual
        if not 1 <= size <= most:
            rule = "a positive integer" if size < 1 else f"at most {most}"
            message = f"Invalid value {size} for parameter 'max_results' supplied. It must be {rule}."
            raise Unacceptable(message, field="max_results")
        return size


def as_experiment_id(text: str, field: str = "experiment_id") -> str:
    """The text, if it is a whole number.

    Raises:
        Unacceptable: anything else.
    """
    if not (text.isascii() and text.isdigit()):
        message = f"Invalid experiment ID {text[:80]!a}. Experiment ID must be a valid integer."
        raise Unacceptable(message, field=field)
    return text


def _object(value: Any, at: str) -> Fields:
    if not isinstance(value, dict):
        raise invalid(at, value, f"a JSON object, not {_kind(value)}")
    return Fields(value, at)


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "a truth"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"
