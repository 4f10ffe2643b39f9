"""The names of artifacts: what a path may be, and where in a team's vault it lies. Pure.

A path from outside has been decoded exactly once, by the server that read the request; nothing here decodes
again, so `%2e%2e` is six odd characters of a name and never a way up. What is left is tried against a list of
what is allowed:

* letters, marks, digits, punctuation, symbols and spaces of any script, but no backslash; of the invisible
  characters only the two joiners that Persian, Indic scripts and emoji are written with. No control
  character, no line separator, no override of the writing direction, nothing private or unassigned, no half
  surrogate;
* segments between single slashes, none empty, none of dots and spaces only (`.`, `..`, and `.. `, which
  Windows reads as `..`), none that begins like a drive (`C:`);
* at most 1,024 bytes of UTF-8 as the whole key in the bucket, which is where S3 ends.

Paths are Unicode NFC. macOS spells `é` as two characters, and S3 compares bytes: without one form a file that
was logged on one machine would be another file when it is asked for on the next.
"""

import re
from typing import NamedTuple
from unicodedata import category, normalize

from functions.errors import NotFound, Unacceptable
from functions.ids import ModelId, RunId, parse_model_id, parse_run_id, shown

KEY_BYTES = 1024
RUNS, MODELS, FILES = "runs/", "models/", "files/"

_KINDS = frozenset("LMNPS")
_JOINERS = frozenset("\u200c\u200d")
_DRIVE = re.compile(r"[A-Za-z]:", re.ASCII)
_ARTIFACTS = "artifacts"


class Place(NamedTuple):
    """A path below the artifacts of a run or a logged model, told by its id."""

    owner: str
    path: str


def file(text: object, field: str = "path") -> str:
    """The path of a file in its one form.

    Raises:
        Unacceptable: it is no path that an artifact can have.
    """
    if not isinstance(text, str):
        raise _refused(text, field, "it must be text.")
    if len(text) > KEY_BYTES:
        raise _refused(text, field, f"a path has at most {KEY_BYTES} bytes.")
    path = normalize("NFC", text)
    for character in path:
        if not _allowed(character):
            raise _refused(text, field, f"the character {character!a} may not stand in a path.")
    for segment in path.split("/"):
        if not segment.strip(". "):
            why = "a path is relative, with something beside dots and spaces between its slashes."
            raise _refused(text, field, why)
        if _DRIVE.match(segment):
            raise _refused(text, field, f"{shown(segment)} begins like a drive.")
    if len(path.encode()) > KEY_BYTES:
        raise _refused(text, field, f"a path has at most {KEY_BYTES} bytes.")
    return path


def directory(text: object, field: str = "path") -> str:
    """The path of a directory in its one form; "" is the root.

    Raises:
        Unacceptable: it is no path that a directory can have.
    """
    return "" if text == "" or text is None else file(text, field)


def of_run(run: RunId) -> str:
    """Where the artifacts of a run begin, below the vault's prefix."""
    return f"{all_of_run(run)}{_ARTIFACTS}/"


def of_model(model: ModelId) -> str:
    """Where the artifacts of a logged model begin, below the vault's prefix."""
    return f"{all_of_model(model)}{_ARTIFACTS}/"


def all_of_run(run: RunId) -> str:
    """Where everything of a run lies."""
    return f"{RUNS}{run.experiment}/{run.text}/"


def all_of_model(model: ModelId) -> str:
    """Where everything of a logged model lies."""
    return f"{MODELS}{model.experiment}/{model.text}/"


def all_of_experiment(experiment_id: str) -> tuple[str, str]:
    """Where everything of an experiment's runs lies, and of its logged models."""
    return f"{RUNS}{experiment_id}/", f"{MODELS}{experiment_id}/"


def of_content(address: str) -> str:
    """Where content lies that is known by its address: once for the whole team, whoever logs it."""
    return FILES + address


def key(prefix: str, root: str, path: str, field: str = "path") -> str:
    """The key of a path below a root, without the vault's prefix, which counts all the same.

    Raises:
        Unacceptable: the whole key is longer than S3 takes.
    """
    place = root + path
    if (size := len((prefix + place).encode())) > KEY_BYTES:
        why = f"as a key in the bucket it takes {size} bytes; S3 takes {KEY_BYTES}."
        raise _refused(path, field, why)
    return place


def located(text: object) -> Place:
    """What a path of MLflow's `mlflow-artifacts:` scheme names, decoded once.

    `<experiment>/<run>/artifacts[/<path>]` or `<experiment>/models/<model>/artifacts[/<path>]`.

    Raises:
        Unacceptable: it is no path at all.
        NotFound: it lies below no run and no logged model.
    """
    experiment, *rest = file(text, "artifact_path").split("/")
    is_model = rest[:1] == ["models"]
    owner, *rest = [*rest[is_model:], ""]
    where = (parse_model_id(owner) if is_model else parse_run_id(owner)).experiment
    if rest[:1] != [_ARTIFACTS] or where != experiment:
        message = f"No artifacts lie at {shown(text)}."
        raise NotFound(message, field="artifact_path")
    return Place(owner, "/".join(rest[1:-1]))


def _allowed(character: str) -> bool:
    if character == "\\":
        return False
    kind = category(character)
    return kind[0] in _KINDS or kind == "Zs" or character in _JOINERS


def _refused(value: object, field: str, why: str) -> Unacceptable:
    return Unacceptable(f"Invalid path {shown(value)} for '{field}': {why}", field=field)
