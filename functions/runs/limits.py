"""What a run's keys and values may be (pure). The numbers are MLflow's: its clients meet no surprise."""

from collections.abc import Mapping
from functools import lru_cache

from functions import limits
from functions.errors import Unacceptable

PARAM_CHARS, TAG_CHARS, NAME_CHARS = 6000, 8000, 500
INPUT_TAG_KEY_CHARS, INPUT_TAG_CHARS = 255, 500
STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
ENDED = frozenset({"FINISHED", "FAILED", "KILLED"})


@lru_cache(maxsize=65536)
def is_key(key: str) -> bool:
    """Whether *key* may name a metric; remembered, for a training loop logs the same names for ever."""
    try:
        limits.key(key)
    except Unacceptable:
        return False
    return True


def check_texts(texts: Mapping[str, str], most: int, field: str) -> dict[str, str]:
    """Params or tags, if every key and value is one.

    Raises:
        Unacceptable: naming the key that is none, or whose value is too long.
    """
    for key, value in texts.items():
        limits.key(key, f"{field}.key")
        limits.text(value, f"{field}['{key}']", most)
    return dict(texts)
