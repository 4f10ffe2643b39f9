"""What a run's keys and values may be (pure). The numbers are MLflow's: its clients meet no surprise."""

from collections.abc import Mapping
from functools import lru_cache

from functions import limits
from functions.errors import Unacceptable
from functions.ids import shown
from functions.runs.merge import NAME_TAG
from functions.runs.names import invented

PARAM_CHARS, TAG_CHARS, NAME_CHARS = 6000, 8000, 500
INPUT_TAG_KEY_CHARS, INPUT_TAG_CHARS = 255, 500
STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
# The tag of an input that says what a dataset was read for: `train`, `eval`.
CONTEXT_TAG = "mlflow.data.context"
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
    """Params or tags, if every key and value is one; the tag `mlflow.runName` is as short as a name.

    Raises:
        Unacceptable: naming the key that is none, or whose value is too long.
    """
    for key, value in texts.items():
        limits.key(key, f"{field}.key")
        limits.text(value, f"{field}['{key}']", NAME_CHARS if key == NAME_TAG else most)
    return dict(texts)


def check_input_tags(tags: Mapping[str, str]) -> None:
    """Demand that these may be the tags of an input."""
    for key, value in tags.items():
        limits.text(key, "tags.key", INPUT_TAG_KEY_CHARS, shortest=1)
        limits.text(value, f"tags['{key}']", INPUT_TAG_CHARS)


def agreed_name(name: str | None, tagged: str | None) -> str:
    """A new run's name, from its name and its tag `mlflow.runName`, or an invented one.

    Raises:
        Unacceptable: both are given and differ, or it is too long.
    """
    if name and tagged and name != tagged:
        message = (
            f"Both 'run_name' ({shown(name)}) and the tag '{NAME_TAG}' ({shown(tagged)}) were given;"
            " they must agree."
        )
        raise Unacceptable(message, field="run_name")
    return limits.text(name or tagged or invented(), "run_name", NAME_CHARS)
