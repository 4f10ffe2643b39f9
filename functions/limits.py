"""What may be sent: text, keys and numbers, checked inside the verbs so that every dialect refuses the same.

Each check gives the value back, or raises Unacceptable with the field that is to blame.
"""

import posixpath
import re

from functions.errors import TooLarge, Unacceptable
from functions.ids import shown
from runhaven.wire.keys import KEY_LENGTH

_KEY = re.compile(r"[/\w.\- :]+")
_INT64 = 2**63

# What a file may have whose bytes come through the house: Lambda takes 6 MB, and they arrive as base64.
FILE_BYTES = 4 * 2**20


def refused(value: object, field: str, why: str) -> Unacceptable:
    """The error for a value that cannot be taken, in MLflow's words."""
    return Unacceptable(f"Invalid value {shown(value)} for parameter '{field}' supplied: {why}", field=field)


def file_too_large() -> TooLarge:
    """The error for a file that a client of MLflow should have sent straight to the vault."""
    return TooLarge(
        f"A file of more than {FILE_BYTES} bytes goes straight to the team's vault. MLflow 3.18 does that by"
        " itself; for an earlier client set MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD=true and"
        " MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE=1 in its environment.",
        field="body",
    )


def text(value: object, field: str, longest: int, *, shortest: int = 0) -> str:
    """Text of *shortest* to *longest* characters.

    Raises:
        Unacceptable: it is no text, too short, too long, or holds half of a surrogate pair.
    """
    if not isinstance(value, str):
        raise refused(value, field, "it must be text.")
    if len(value) > longest:
        raise refused(value, field, f"'{field}' exceeds the maximum length of {longest} characters")
    if len(value) < shortest:
        raise refused(value, field, f"it must have at least {shortest} characters.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise refused(value, field, "it is no valid Unicode text.") from None
    return value


def key(value: object, field: str = "key") -> str:
    """The name of a metric, param or tag, by MLflow's rule: mlflow/utils/validation.py.

    Raises:
        Unacceptable: it is empty, too long, has other characters, or would resolve to another path.
    """
    name = text(value, field, KEY_LENGTH, shortest=1)
    if not _KEY.fullmatch(name):
        raise refused(value, field, "names may only contain letters, digits, spaces and the characters _-.:/")
    plain = posixpath.normpath(name)
    if plain != name or name.startswith(("/", "..")) or name == ".":
        raise refused(value, field, f"as a path it would resolve to {plain!r}.")
    return name


def int64(value: object, field: str, *, least: int = -_INT64) -> int:
    """A whole number from *least* to 2^63 - 1.

    Raises:
        Unacceptable: it is no whole number, or out of range.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise refused(value, field, "it must be a whole number.")
    if not least <= value < _INT64:
        raise refused(value, field, f"it must be at least {least} and less than 2^63.")
    return value


def float64(value: object, field: str) -> float:
    """A number as a float64; NaN and the infinities are numbers.

    Raises:
        Unacceptable: it is no number, or a whole number beyond what a float64 reaches.
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise refused(value, field, "it must be a number.")
    try:
        return float(value)
    except OverflowError:
        raise refused(value, field, "it is beyond what a float64 reaches.") from None
