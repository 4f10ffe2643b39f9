"""How datasets lie in the table. `h` is the hash of a dataset's name, `d` that of a version's digest.

T#<team>          D#<h>        a dataset: its words, its aliases, its last number
T#<team>#D#<h>    V#<number>   a version; what it is never changes
                  G#<d>        the number that a digest has: the same digest again is the same version
                  U#<d>        that a version is being made of files; it expires when that has come to nothing
T#<team>#D#<h>#<d> P#<number>  its files, in the order of their paths
"""

import re
import zlib
from typing import NamedTuple

import msgspec
from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

from functions.access.grants import Grant
from functions.datasets.manifest import Body, File
from functions.errors import Unacceptable
from functions.ids import name_hash
from functions.revision import Revised
from functions.table import Item, Key

# An item ends at 400 KB, for what never changes and the words together.
BODY_BYTES, WORDS_BYTES = 260 * 1024, 128 * 1024
_PARTITION = re.compile(r"T#[^#]+#D#[^#]+")
DATASET, VERSION, DIGEST, BEGUN, FILE = "D#", "V#", "G#", "U#", "P#"


class Place(NamedTuple):
    """A version by its hashes: as much as its keys tell."""

    dataset: str
    digest: str


class DatasetItem(Revised):
    """T#<team> / D#<h>: `number` was given last, `latest` is the newest version that is left. Times in ms."""

    name = UnicodeAttribute()
    number = NumberAttribute(default=0)
    latest = NumberAttribute(null=True)
    created_at = NumberAttribute()
    created_by = UnicodeAttribute()
    updated_at = NumberAttribute()
    words = BinaryAttribute(legacy_encoding=False)


class VersionItem(Revised):
    """T#<team>#D#<h> / V#<number>; `purge` stands there while its files are being removed."""

    name = UnicodeAttribute()
    digest = UnicodeAttribute()
    kind = UnicodeAttribute()
    body = BinaryAttribute(legacy_encoding=False)
    run_id = UnicodeAttribute(null=True)
    created_at = NumberAttribute()
    created_by = UnicodeAttribute()
    words = BinaryAttribute(legacy_encoding=False)
    deleted_at = NumberAttribute(null=True)
    deleted_by = UnicodeAttribute(null=True)
    purge = NumberAttribute(null=True)


class DigestItem(Item):
    """T#<team>#D#<h> / G#<d>: which version it is; `deleted` where it was."""

    number = NumberAttribute()
    deleted = NumberAttribute(null=True)


class Begun(Item):
    """T#<team>#D#<h> / U#<d>: a version is being made of files, or what is left of one is `clearing`."""

    ttl = NumberAttribute()
    clearing = NumberAttribute(null=True)


class FileItem(Item):
    """T#<team>#D#<h>#<d> / P#<number>: a file of a version."""

    path = UnicodeAttribute()
    address = UnicodeAttribute()
    sha256 = UnicodeAttribute()
    size = NumberAttribute()


class Words(msgspec.Struct, array_like=True):
    """What may change: of a dataset, or of a version."""

    description: str = ""
    tags: dict[str, str] = {}
    aliases: dict[str, int] = {}

    def packed(self) -> bytes:
        """The words as bytes.

        Raises:
            Unacceptable: they outgrow their place.
        """
        blob = msgspec.msgpack.encode(self)
        if len(blob) > WORDS_BYTES:
            message = f"Description and tags take {len(blob)} bytes; {WORDS_BYTES} can be kept."
            raise Unacceptable(message, field="tags")
        return blob


def words(blob: bytes) -> Words:
    """The words in a blob."""
    return msgspec.msgpack.decode(blob, type=Words)


def packed(body: Body) -> bytes:
    """What never changes, as bytes.

    Raises:
        Unacceptable: it outgrows its place; `field` is its longest part.
    """
    blob = zlib.compress(msgspec.msgpack.encode(body))
    if len(blob) > BODY_BYTES:
        field = max(("schema", "profile"), key=lambda each: len(getattr(body, each) or ""))
        message = f"The version takes {len(blob)} bytes even when compressed, most of it its {field}; "
        raise Unacceptable(message + f"{BODY_BYTES} can be kept.", field=field)
    return blob


def body(blob: bytes) -> Body:
    """What never changes, from a blob."""
    return msgspec.msgpack.decode(zlib.decompress(blob), type=Body)


def place(name: str, digest: str) -> Place:
    """A version's hashes."""
    return Place(name_hash(name), name_hash(digest))


def datasets(grant: Grant, name: str | None = None) -> Key:
    """Where a dataset lies; without a name, where all begin."""
    return Key(f"T#{grant.team}", DATASET + ("" if name is None else name_hash(name)))


def version(grant: Grant, dataset: str, number: int | None = None) -> Key:
    """Where a version lies; without a number, where all begin. *dataset* is the hash of its name."""
    return Key(_versions(grant, dataset), VERSION + ("" if number is None else f"{number:08d}"))


def digest(grant: Grant, at: Place) -> Key:
    """Where it lies which version a digest is."""
    return Key(_versions(grant, at.dataset), DIGEST + at.digest)


def begun(grant: Grant, at: Place) -> Key:
    """Where it lies that a version is being made of files."""
    return Key(_versions(grant, at.dataset), BEGUN + at.digest)


def files(grant: Grant, at: Place, number: int | None = None) -> Key:
    """Where a file lies; without a number, where all begin."""
    name = "" if number is None else f"{number:05d}"
    return Key(f"{_versions(grant, at.dataset)}#{at.digest}", FILE + name)


def file(grant: Grant, at: Place, number: int, one: File) -> FileItem:
    """A file as it is stored."""
    key, what = files(grant, at, number), one.content
    return FileItem(key.pk, key.sk, path=one.path, address=what.address, sha256=what.sha256, size=what.size)


def owner_of(at: Place, number: int) -> str:
    """By which name a file of a version needs its content."""
    return f"D#{at.dataset}#{at.digest}#{number:05d}"


def is_of_versions(pk: str) -> bool:
    """Whether versions of a dataset lie in a partition."""
    return _PARTITION.fullmatch(pk) is not None


def named(pk: str) -> tuple[str, str]:
    """The team and the hash of the dataset in the partition of its versions."""
    _, team, _, dataset = pk.split("#")
    return team, dataset


def number_of(sk: str) -> int:
    """The number at the end of the key of a version or a file."""
    return int(sk[2:])


def _versions(grant: Grant, dataset: str) -> str:
    return f"T#{grant.team}#D#{dataset}"
