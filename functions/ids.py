"""Identifiers, made and read strictly: an id that does not parse does not exist.

A run id is 32 hex digits: 44 bit (2^44 - 1 - start time in ms) | 40 bit experiment | 4 bit shard | 40 random.
Ascending run ids are therefore MLflow's default order (start time descending, then id), and a run is found
from its id alone. A logged model's id is `m-` and the same 32 digits, with its creation time.
"""

import hashlib
import re
import secrets
import time
import unicodedata
from typing import NamedTuple

from functions.errors import NotFound, Unacceptable

TIME_BITS, EXPERIMENT_BITS, SHARD_BITS, RANDOM_BITS = 44, 40, 4, 40
LATEST_MS = 2**TIME_BITS - 1
# How many of the 16 shard values new runs use. It may only grow, and readers are deployed first.
SHARDS = 4

_RUN = re.compile(r"[0-9a-f]{32}", re.ASCII)
_EXPERIMENT = re.compile(r"0|[1-9][0-9]{0,12}", re.ASCII)


class RunId(NamedTuple):
    """A parsed run id."""

    text: str
    experiment: str
    shard: int
    start_ms: int


class ModelId(NamedTuple):
    """A parsed logged-model id."""

    text: str
    experiment: str
    shard: int
    created_ms: int


def now_ms() -> int:
    """Milliseconds since 1970 UTC by the server's clock."""
    return time.time_ns() // 1_000_000


def new_experiment_id() -> str:
    """A random experiment id; the transaction that writes it makes it unique in its team."""
    return str(1 + secrets.randbelow(2**EXPERIMENT_BITS - 1))


def parse_experiment_id(text: object) -> str:
    """The experiment id, or NotFound when *text* cannot be one."""
    if not isinstance(text, str) or not _EXPERIMENT.fullmatch(text) or int(text) >= 2**EXPERIMENT_BITS:
        message = f"No experiment with id {shown(text)} exists."
        raise NotFound(message, field="experiment_id")
    return text


def new_run_id(experiment: str, start_ms: int, key: str | None = None) -> RunId:
    """A run id for a start time; with a client's *key* always the same one: a retry is the same run."""
    if key is None:
        tail = secrets.randbits(SHARD_BITS + RANDOM_BITS)
    else:
        digest = hashlib.sha256(nfc(key).encode()).digest()
        tail = int.from_bytes(digest[:6], "big") & (2 ** (SHARD_BITS + RANDOM_BITS) - 1)
    shard = (tail >> RANDOM_BITS) % SHARDS
    number = ((LATEST_MS - start_ms) << EXPERIMENT_BITS | int(experiment)) << SHARD_BITS | shard
    number = number << RANDOM_BITS | tail & (2**RANDOM_BITS - 1)
    return RunId(f"{number:032x}", experiment, shard, start_ms)


def parse_run_id(text: object) -> RunId:
    """The parts of a run id, or NotFound when *text* cannot be one."""
    if not isinstance(text, str) or not _RUN.fullmatch(text):
        message = f"No run with id {shown(text)} exists."
        raise NotFound(message, field="run_id")
    return RunId(text, *_parts(text))


def new_model_id(experiment: str, created_ms: int) -> ModelId:
    """A random logged-model id."""
    run = new_run_id(experiment, created_ms)
    return ModelId("m-" + run.text, run.experiment, run.shard, run.start_ms)


def parse_model_id(text: object) -> ModelId:
    """The parts of a logged-model id, or NotFound when *text* cannot be one."""
    if not isinstance(text, str) or not text.startswith("m-") or not _RUN.fullmatch(text[2:]):
        message = f"No logged model with id {shown(text)} exists."
        raise NotFound(message, field="model_id")
    return ModelId(text, *_parts(text[2:]))


def _parts(digits: str) -> tuple[str, int, int]:
    number = int(digits, 16) >> RANDOM_BITS
    shard = number & (2**SHARD_BITS - 1)
    number >>= SHARD_BITS
    return str(number & (2**EXPERIMENT_BITS - 1)), shard, LATEST_MS - (number >> EXPERIMENT_BITS)


def start_time(value: int | None, field: str = "start_time") -> int:
    """A start time that fits an id; missing means now.

    Raises:
        Unacceptable: negative, or 2^44 ms (the year 2527) or later.
    """
    if value is None:
        return now_ms()
    if not 0 <= value <= LATEST_MS:
        message = f"Invalid value {value} for parameter '{field}' supplied: expected 0 <= {field} < 2^44 ms."
        raise Unacceptable(message, field=field)
    return value


def nfc(text: str) -> str:
    """The one canonical form of a text (Unicode NFC), so that equal-looking names are equal."""
    return unicodedata.normalize("NFC", text)


def name_hash(*texts: str) -> str:
    """32 hex digits that stand for user-chosen text inside a key (DynamoDB keys end at 1,024 bytes)."""
    return hashlib.sha256(
        "\0".join(nfc(text) for text in texts).encode("utf-8", "surrogatepass")
    ).hexdigest()[:32]


def shown(value: object) -> str:
    """A value from outside as it may stand in a message: quoted and short."""
    text = ascii(value)
    return text if len(text) <= 80 else text[:77] + "..."
