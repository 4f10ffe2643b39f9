"""What is stored about artifacts. The bytes themselves lie in the team's vault.

T#<team>             VAULT                            where the team's artifacts lie, once proved
BUCKET#<name>        META                             which team a bucket serves: one only
ROLE#<hash(arn)>     META                             which team a role serves: one only
T#<team>#F#<address> META                             content that the team holds, or that is being let go
                     REF#<owner>#<hash(path)>#<ms>    who needs it
                     UP                               its last multipart upload
T#<team>#R#<run>     P#<hash(path)>#<ms>#<address>    a version of a path, logged natively
T#<team>#L#<model>   P#<hash(path)>#<ms>#<address>    the same of a logged model
T#<team>#LATER       <ms>#<random>                    what is looked at once more when it expires
"""

import secrets

from pynamodb.attributes import BinaryAttribute, BooleanAttribute, NumberAttribute, UnicodeAttribute

from functions.access.grants import Grant
from functions.ids import name_hash
from functions.revision import Revised
from functions.table import Item, Key


class VaultItem(Revised):
    """T#<team> / VAULT: the team's vault; without `active_at` it is not proved yet. Times are in ms."""

    external_id = UnicodeAttribute()
    prefix = UnicodeAttribute()
    created_at = NumberAttribute()
    created_by = UnicodeAttribute()
    active_at = NumberAttribute(null=True)
    active_by = UnicodeAttribute(null=True)
    account = UnicodeAttribute(default="")
    bucket = UnicodeAttribute(default="")
    region = UnicodeAttribute(default="")
    role_arn = UnicodeAttribute(default="")
    kms_key = UnicodeAttribute(null=True)


class Claim(Item):
    """BUCKET#<name> / META or ROLE#<hash(arn)> / META: whose it is."""

    team = UnicodeAttribute()


def vault(grant: Grant) -> Key:
    """A team's vault."""
    return Key(f"T#{grant.team}", "VAULT")


def bucket_claim(_grant: Grant, bucket: str) -> Key:
    """The note which team a bucket serves. Bucket names are unique in all of AWS, and short."""
    return Key(f"BUCKET#{bucket}", "META")


def role_claim(_grant: Grant, role_arn: str) -> Key:
    """The note which team a role serves."""
    return Key(f"ROLE#{name_hash(role_arn)}", "META")


class FileItem(Item):
    """T#<team>#F#<address> / META: content in the vault, with the object's one version.

    `state` is held, or on the way out: doubted (it may be needed after all), doomed (it is being deleted),
    gone (remembered for a day, so that who saw it absent before notices if it came and went meanwhile).
    In a table that was brought back from an earlier day it is `unproved`: it may have been deleted since.
    """

    state = UnicodeAttribute()
    rv = NumberAttribute()
    size = NumberAttribute()
    version = UnicodeAttribute(null=True)
    unproved = BooleanAttribute(null=True)
    ttl = NumberAttribute(null=True)


class Need(Item):
    """T#<team>#F#<address> / REF#<owner>: that somebody needs the content."""


class Upload(Item):
    """T#<team>#F#<address> / UP: the multipart upload that brings the content, or brought it."""

    upload_id = UnicodeAttribute()
    ttl = NumberAttribute()


class Entry(Item):
    """T#<team>#R#<run> or T#<team>#L#<model> / P#…: a version of a path. `t` is when it was logged, in ms."""

    path = UnicodeAttribute()
    address = UnicodeAttribute()
    sha256 = UnicodeAttribute()
    size = NumberAttribute()
    t = NumberAttribute()
    step = NumberAttribute(null=True)
    by = UnicodeAttribute()


class Later(Item):
    """T#<team>#LATER: after `ttl` somebody must look whether anything was left behind.

    Either content of these `addresses` that was offered a place and may never have been committed, or what
    was at a `place` that was purged while URLs to it were still good: its kind and id.
    """

    ttl = NumberAttribute()
    place = UnicodeAttribute(null=True)
    addresses = BinaryAttribute(legacy_encoding=False, null=True)


PATH, NEED = "P#", "REF#"


def content(grant: Grant, address: str) -> Key:
    """Content, by its address."""
    return Key(_contents(grant, address), "META")


def need(grant: Grant, address: str, owner: str) -> Key:
    """That an owner needs content."""
    return Key(_contents(grant, address), NEED + owner)


def upload(grant: Grant, address: str) -> Key:
    """The multipart upload of content."""
    return Key(_contents(grant, address), "UP")


def entries(grant: Grant, owner: str, path: str | None = None) -> Key:
    """Where the versions of a path begin; without a path, those of all paths of a run or logged model."""
    kind = "L" if owner.startswith("m-") else "R"
    return Key(f"T#{grant.team}#{kind}#{owner}", PATH if path is None else f"{PATH}{name_hash(path)}#")


def entry(grant: Grant, owner: str, path: str, time: int, address: str) -> Key:
    """One version of a path."""
    place = entries(grant, owner, path)
    return Key(place.pk, f"{place.sk}{time:014d}#{address[:16]}")


def owner_of(entry: Key) -> str:
    """By which name an entry needs its content: the run or logged model, the path and the time."""
    _, _, _, owner = entry.pk.split("#")
    return f"{owner}#{entry.sk[len(PATH) :].rpartition('#')[0]}"


def later(grant: Grant, now: int) -> Key:
    """Something to look at later."""
    return Key(f"T#{grant.team}#LATER", f"{now:014d}#{secrets.token_hex(6)}")


def _contents(grant: Grant, address: str) -> str:
    return f"T#{grant.team}#F#{address}"
