"""What a version of a dataset is made of, checked and brought into one form (pure).

The digest of files is the SHA-256 of one line for each, `<address> <size> <path>`, in the order of the paths'
bytes, cut to 32 hex digits. An address is the SHA-256 of a file that goes up whole; see artifacts/content.py.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from functions import limits
from functions.artifacts import content, paths
from functions.artifacts.content import Content
from functions.errors import Unacceptable
from functions.ids import nfc
from runhaven.wire import datasets as wire
from runhaven.wire.datasets import NewVersion, VersionFile

REFERENCE, FILES = "reference", "files"
#: The source type of a version whose files the team's vault holds.
OWN = "runhaven"
LATEST = "latest"

_DIGITS = 32
_NAME = re.compile(r"\w(?:[\w. -]*\w)?")
_ALIAS = re.compile(r"[A-Za-z_][\w.-]*")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# Schemes that say how the one behind them is to be read, such as `jdbc:` and `r2dbc:pool:`.
_OUTER = re.compile(r"(?:[A-Za-z][\w+.-]*:)+(?=[A-Za-z][\w+.-]*://)|jdbc:", re.ASCII | re.IGNORECASE)
# `jdbc:oracle:thin:user/password@host`
_ORACLE = re.compile(r"oracle:\w+:[^/@]+/[^@]+@", re.IGNORECASE)
# What a URI would carry that lets its reader in, by the names of its parameters and by their ends.
_SECRET = frozenset({"key", "pass", "auth", "authorization", "bearer", "jwt", "sas"})
_SECRETS = (
    "signature", "credential", "credentials", "token", "password", "passwd", "passphrase", "pwd", "secret",
    "sig", "apikey", "accesskey", "accountkey", "privatekey", "secretkey", "sharedkey",
)  # fmt: skip
_PARAMETER = re.compile(r"[;&?#(),]\s*([^=;&?#(),/]+)=")


class File(NamedTuple):
    """A file of a version: its path in the one form that paths have, and what it holds."""

    path: str
    content: Content


class Body(NamedTuple):
    """What never changes about a version."""

    digest: str
    kind: str
    source: str = ""
    source_type: str = OWN
    source_version: str | None = None
    schema: str | None = None
    profile: str | None = None
    rows: int | None = None
    columns: int | None = None
    files: int = 0
    size: int = 0


def name(text: object, field: str = "name") -> str:
    """The name of a dataset in its one form.

    Raises:
        Unacceptable: it is none.
    """
    found = nfc(limits.text(text, field, wire.KEPT_NAME_LENGTH, shortest=1))
    if not _NAME.fullmatch(found):
        why = "a name has letters and digits, and between them also spaces and the characters _-."
        raise limits.refused(text, field, why)
    return limits.text(found, field, wire.KEPT_NAME_LENGTH)


def alias(text: object) -> str:
    """An alias.

    Raises:
        Unacceptable: it is none, or a word that means something already.
    """
    found = limits.text(text, "alias", wire.ALIAS_LENGTH, shortest=1)
    if not _ALIAS.fullmatch(found) or found == LATEST:
        why = "an alias begins with a letter, goes on with letters, digits and _-. and is not 'latest'."
        raise limits.refused(text, "alias", why)
    return found


def file(one: VersionFile) -> File:
    """A file with its path in its one form.

    Raises:
        Unacceptable: a path, a size or a digest that cannot be.
    """
    return File(paths.file(one.path), content.content(one.size, one.sha256, one.parts))


def files(wanted: Sequence[VersionFile]) -> list[File]:
    """Files in the order of their paths' bytes.

    Raises:
        Unacceptable: a path, a size or a digest that cannot be, or a path that stands there twice.
    """
    found = sorted(map(file, wanted), key=lambda one: one.path.encode())
    here = {one.path for one in found}
    if len(here) < len(found):
        twice = next(a.path for a, b in pairwise(found) if a.path == b.path)
        raise limits.refused(twice, "files.path", "it stands there twice.")
    for path in here:
        above = path.rpartition("/")[0]
        while above:
            if above in here:
                raise limits.refused(above, "files.path", "it cannot be a file and a directory.")
            above = above.rpartition("/")[0]
    return found


def body(wanted: NewVersion, some: Sequence[File]) -> Body:
    """What a version will be.

    Raises:
        Unacceptable: it is neither by reference nor of files, or both, or says something that cannot be.
    """
    if bool(some) is (wanted.source is not None):
        message = "A version is either a reference to a 'source', or made of 'files'."
        raise Unacceptable(message, field="source")
    for field in ("schema", "profile"):
        if (text := getattr(wanted, field)) is not None:
            limits.text(text, field, wire.TEXT_LENGTH)
    profile = wanted.profile
    counts = {"num_rows": wanted.rows, "num_columns": wanted.columns}
    told = {key: limits.int64(count, key[4:], least=0) for key, count in counts.items() if count is not None}
    if profile is None and told:
        profile = json.dumps(told)
    about = (wanted.schema, profile, wanted.rows, wanted.columns)
    if wanted.source is not None:
        return _reference(wanted, wanted.source)._replace(
            schema=about[0], profile=about[1], rows=about[2], columns=about[3]
        )
    for field in ("digest", "source_version", "source_type"):
        if getattr(wanted, field) is not None:
            why = "it belongs to a reference; files have a digest of their own."
            raise limits.refused(getattr(wanted, field), field, why)
    lines = (f"{one.content.address} {one.content.size} {one.path}\n" for one in some)
    digest = _digest("".join(lines))
    return Body(digest, FILES, "", OWN, None, *about, len(some), sum(one.content.size for one in some))


def _reference(wanted: NewVersion, source: str) -> Body:
    _plain(limits.text(source, "source", wire.URI_LENGTH, shortest=1))
    version, digest = wanted.source_version, wanted.digest
    if version is not None:
        limits.text(version, "source_version", wire.NAME_LENGTH, shortest=1)
    if digest is None:
        if version is None:
            message = "Say which content it is: by a 'digest', or by the 'source_version'."
            raise Unacceptable(message, field="digest")
        digest = _digest(f"{source}\0{version}")
    digest = limits.text(digest, "digest", wire.DIGEST_LENGTH, shortest=1)
    if not digest.isprintable():
        raise limits.refused(digest, "digest", "it holds a character that cannot be seen.")
    scheme = _SCHEME.match(source)
    word = scheme[1].lower() if scheme else "local"
    kind = wanted.source_type or {"https": "http", "file": "local", "s3a": "s3", "s3n": "s3"}.get(word, word)
    limits.text(kind, "source_type", wire.NAME_LENGTH, shortest=1)
    return Body(digest, REFERENCE, source, kind, version)


def _plain(source: str) -> None:
    """Demand that a URI lets nobody in who reads it here."""
    if not source.isprintable():
        raise limits.refused(source, "source", "it holds a character that cannot be seen.")
    inner = _OUTER.sub("", source, count=1) if _OUTER.match(source) else source
    try:
        parts = urlsplit(inner)
        secret = parts.password is not None or (
            parts.username is not None and parts.scheme.rpartition("+")[2] in {"http", "https"}
        )
    except ValueError:
        raise limits.refused("…", "source", "it is no URI.") from None
    secret = secret or _ORACLE.match(inner) is not None
    if secret or any(_is_secret(each[1]) for each in _PARAMETER.finditer(inner)):
        message = "Invalid value for parameter 'source' supplied: it carries a password or a signature."
        raise Unacceptable(f"{message} Say where the data lies, not how to get in.", field="source")


def _is_secret(parameter: str) -> bool:
    name = re.sub(r"[\s_.-]", "", unquote(parameter.replace("+", " ")).lower())
    return name in _SECRET or name.endswith(_SECRETS)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
