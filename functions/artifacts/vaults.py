"""What is done in a team's vault: presigned URLs, and the few calls that the house makes itself.

The way into S3 for the whole house, and with its parts `sessions` and `signing` the only one. It knows no
table. Every key is given and returned below the vault's prefix, so that what lies above cannot be spelled.
"""

from __future__ import annotations

import time
from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from functions.artifacts.sessions import (
    Vault,
    closed,
    ended,
    forget,
    session,
    session_policy,
)
from functions.artifacts.signing import (
    KEY_BYTES,
    OCTETS,
    URL_SECONDS,
    Signed,
    base64,
    placed,
    presign_get,
    presign_part,
    presign_put,
)
from functions.aws import Refused
from functions.errors import (
    Aborted,
    AlreadyExists,
    Busy,
    HouseError,
    NotFound,
    TooLarge,
    Unacceptable,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = [
    "KEY_BYTES", "OCTETS", "URL_SECONDS", "Object", "Part", "Signed", "Stat", "Vault", "abort_upload",
    "complete_upload", "create_upload", "delete", "delete_all", "erase", "forget", "head", "listing",
    "parts", "presign_get", "presign_part", "presign_put", "put_small", "read_small", "session",
    "session_policy", "versions",
]  # fmt: skip

# How many objects one DeleteObjects takes.
_DELETES = 1000

_ABSENT = frozenset({"404", "405", "MethodNotAllowed", "NoSuchKey", "NoSuchVersion", "NotFound"})
_FORBIDDEN = frozenset({"403", "AccessDenied"})
_ENDED = frozenset({"ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "TokenRefreshRequired"})
_OF_REQUEST = frozenset({
    "BadDigest", "EntityTooLarge", "EntityTooSmall", "InvalidArgument", "InvalidDigest", "InvalidPart",
    "InvalidPartOrder", "InvalidRequest", "KeyTooLongError", "MalformedXML",
})  # fmt: skip
# Behind every key in a directory: S3 does not say whether a listing that starts after `a/` shows `a/` again.
_LAST = "\U0010ffff"


@dataclass(frozen=True)
class Stat:
    """An object: bytes, etag with its quotes, time in ms, and its SHA-256 in hex where S3 was told it.

    S3 has no SHA-256 of the whole of an object that came in parts, but that of its parts' digests, which is
    told as `<hex>-<number of parts>`.
    """

    size: int
    etag: str
    sha256: str | None
    version: str | None
    modified_ms: int


@dataclass(frozen=True)
class Object:
    """An entry of a listing; a directory ends with '/' and has no size. `deleted` is a delete marker."""

    key: str
    size: int = 0
    etag: str = ""
    modified_ms: int = 0
    is_dir: bool = False
    version: str | None = None
    latest: bool = True
    deleted: bool = False


@dataclass(frozen=True)
class Part:
    """A part of a multipart upload that has arrived, or that completes it; `sha256` in hex."""

    number: int
    etag: str
    sha256: str | None = None
    size: int = 0


def create_upload(vault: Vault, key: str, *, checksums: bool = False) -> str:
    """Begin a multipart upload and give its id; with *checksums* every part must bring its SHA-256."""
    asked: dict[str, Any] = {"ChecksumAlgorithm": "SHA256"} if checksums else {}
    made = _call(vault, "create_multipart_upload", Key=placed(vault, key), ContentType=OCTETS, **asked)
    return str(made["UploadId"])


def complete_upload(
    vault: Vault, key: str, upload_id: str, arrived: Sequence[Part], *, immutable: bool = False
) -> Stat:
    """Make one object of the parts. Its size is not told by S3, and is 0 here.

    Raises:
        NotFound: no such upload is open; perhaps it was completed by an earlier try.
        AlreadyExists: the object exists and is *immutable*.
        Unacceptable: a part is missing, too small or another one.
    """
    asked: dict[str, Any] = {"IfNoneMatch": "*"} if immutable else {}
    told = [
        {"PartNumber": each.number, "ETag": each.etag}
        | ({} if each.sha256 is None else {"ChecksumSHA256": base64(each.sha256)})
        for each in sorted(arrived, key=lambda part: part.number)
    ]
    made = _call(
        vault,
        "complete_multipart_upload",
        Key=placed(vault, key),
        UploadId=upload_id,
        MultipartUpload={"Parts": told},
        **asked,
    )
    return Stat(0, made.get("ETag", ""), None, made.get("VersionId"), int(time.time() * 1000))


def abort_upload(vault: Vault, key: str, upload_id: str) -> None:
    """End a multipart upload and drop its parts; one that is not open is no error."""
    gone = frozenset({"NoSuchUpload"})
    _call(vault, "abort_multipart_upload", absent=gone, Key=placed(vault, key), UploadId=upload_id)


def parts(vault: Vault, key: str, upload_id: str) -> list[Part]:
    """The parts of a multipart upload that have arrived, in order.

    Raises:
        NotFound: no such upload is open.
    """
    found: list[Part] = []
    marker: dict[str, Any] = {}
    while True:
        page = _call(vault, "list_parts", Key=placed(vault, key), UploadId=upload_id, **marker)
        found += [
            Part(each["PartNumber"], each["ETag"], _hex(each.get("ChecksumSHA256")), each["Size"])
            for each in page.get("Parts", ())
        ]
        if not page.get("IsTruncated"):
            return found
        marker = {"PartNumberMarker": page["NextPartNumberMarker"]}


def head(vault: Vault, key: str, version: str | None = None) -> Stat | None:
    """What is known of an object, or None where there is none."""
    place = placed(vault, key)
    asked: dict[str, Any] = {"VersionId": version} if version is not None else {}
    absent = _ABSENT | _FORBIDDEN
    for _ in range(2):  # once more where it came between the look and the list
        found = _call(vault, "head_object", absent=absent, Key=place, ChecksumMode="ENABLED", **asked)
        if found is not None:
            sha256 = _hex(found.get("ChecksumSHA256"))
            modified = int(found["LastModified"].timestamp() * 1000)
            return Stat(found["ContentLength"], found["ETag"], sha256, found.get("VersionId"), modified)
        # S3 says 403, not 404, to a session that may list by prefix only: a list says whether it is there.
        there = [each for each in versions(vault, key) if not each.deleted]
        if not any(each.latest if version is None else each.version == version for each in there):
            return None
    raise closed(vault, "S3 does not show an object that is there")


def listing(
    vault: Vault, prefix: str, *, delimiter: bool = True, after: str | None = None
) -> Iterator[Object]:
    """The objects whose keys begin with *prefix*, in key order, read page by page.

    Args:
        vault: in which vault.
        prefix: what the keys begin with; a directory's ends with '/'.
        delimiter: whether what lies below a further '/' is one directory.
        after: begin behind this entry of an earlier listing.
    """
    asked: dict[str, Any] = {"Prefix": vault.prefix + prefix, **({"Delimiter": "/"} if delimiter else {})}
    if after is not None:
        asked["StartAfter"] = vault.prefix + after + (_LAST if after.endswith("/") else "")
    while True:
        page = _call(vault, "list_objects_v2", **asked)
        found = [_object(vault, each) for each in page.get("Contents", ())]
        below = [each["Prefix"].removeprefix(vault.prefix) for each in page.get("CommonPrefixes", ())]
        found += [Object(each, is_dir=True) for each in below]
        yield from sorted(found, key=lambda each: each.key.encode())
        if not page.get("IsTruncated"):
            return
        asked["ContinuationToken"] = page["NextContinuationToken"]


def versions(vault: Vault, key: str) -> list[Object]:
    """The versions of one object, the newest first, the marks of its deletion among them."""
    place, found, marker = placed(vault, key), list[Object](), dict[str, Any]()
    while True:
        page = _call(vault, "list_object_versions", Prefix=place, **marker)
        here = [each for each in page.get("Versions", ()) if each["Key"] == place]
        gone = [each for each in page.get("DeleteMarkers", ()) if each["Key"] == place]
        found += [_object(vault, each) for each in here] + [
            _object(vault, each, deleted=True) for each in gone
        ]
        if not page.get("IsTruncated") or page["NextKeyMarker"] != place:
            return sorted(found, key=lambda each: (not each.latest, -each.modified_ms))
        marker = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}


def put_small(vault: Vault, key: str, body: bytes, *, immutable: bool = False) -> Stat:
    """Write an object that came through the house.

    Raises:
        AlreadyExists: the object exists and is *immutable*.
    """
    asked: dict[str, Any] = {"IfNoneMatch": "*"} if immutable else {}
    made = _call(vault, "put_object", Key=placed(vault, key), Body=body, ContentType=OCTETS, **asked)
    return Stat(len(body), made["ETag"], None, made.get("VersionId"), int(time.time() * 1000))


def read_small(vault: Vault, key: str, *, version: str | None = None, most: int = 4 * 2**20) -> bytes | None:
    """An object's bytes, or None where there is none.

    Raises:
        TooLarge: it has more than *most* bytes.
    """
    asked: dict[str, Any] = {"VersionId": version} if version is not None else {}
    found = _call(vault, "get_object", absent=_ABSENT | _FORBIDDEN, Key=placed(vault, key), **asked)
    if found is None:
        if head(vault, key, version) is not None:
            raise closed(vault, "S3 does not give an object that is there")
        return None
    with found["Body"] as body:
        if found["ContentLength"] > most:
            raise TooLarge(f"The object has {found['ContentLength']} bytes; here it may have {most}.")
        return bytes(body.read())


def delete(vault: Vault, keys: Iterable[str]) -> None:
    """Delete objects; their versions stay until they are purged. What is not there is no error."""
    _delete(vault, [{"Key": placed(vault, key)} for key in keys])


def erase(vault: Vault, wanted: Iterable[tuple[str, str | None]]) -> None:
    """Delete versions of objects for good, as (key, version); what is not there is no error."""
    _delete(
        vault,
        [
            {"Key": placed(vault, key), **({} if version is None else {"VersionId": version})}
            for key, version in wanted
        ],
    )


def delete_all(vault: Vault, prefix: str, *, deadline: float) -> bool:
    """Delete every version of every object below a directory; True once a last look has found nothing.

    Args:
        vault: in which vault.
        prefix: ends with '/', or is empty and means the whole vault.
        deadline: by `time.monotonic()`; then it answers False, and the next call goes on.
    """
    if prefix and not prefix.endswith("/"):
        raise ValueError(prefix)
    while time.monotonic() < deadline:
        page = _call(vault, "list_object_versions", Prefix=vault.prefix + prefix)
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if not found:
            return True
        _delete(vault, [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found])
    return False


def _delete(vault: Vault, wanted: list[dict[str, str]]) -> None:
    for start in range(0, len(wanted), _DELETES):
        some = {"Objects": wanted[start : start + _DELETES], "Quiet": True}
        for error in _call(vault, "delete_objects", Delete=some).get("Errors", ()):
            raise _meant(vault, Refused(error.get("Code", ""), 200, error.get("Message", "")))


def _hex(checksum: str | None) -> str | None:
    """A checksum as S3 tells it. That of several parts is the one of their digests, `-` and their number."""
    if checksum is None:
        return None
    digest, _, number = checksum.partition("-")
    return b64decode(digest).hex() + (f"-{number}" if number else "")


def _object(vault: Vault, raw: dict[str, Any], *, deleted: bool = False) -> Object:
    return Object(
        raw["Key"].removeprefix(vault.prefix),
        raw.get("Size", 0),
        raw.get("ETag", ""),
        int(raw["LastModified"].timestamp() * 1000),
        version=raw.get("VersionId"),
        latest=raw.get("IsLatest", True),
        deleted=deleted,
    )


def _meant(vault: Vault, refused: Refused) -> HouseError:
    if refused.slower:
        return Busy("The vault is throttled; slow down.", retry_after=1)
    if refused.passing:
        return Unavailable("The vault does not answer right now.", retry_after=2)
    match refused.code:
        case "NoSuchUpload":
            return NotFound("No such upload exists; it was completed or aborted.", field="upload_id")
        case "PreconditionFailed":
            return AlreadyExists("An object of that name is in the vault already.")
        case "ConditionalRequestConflict" | "OperationAborted":
            return Aborted("The same object is being written by others; try again.", retry_after=1)
        case code if code in _OF_REQUEST:
            return Unacceptable(f"The vault does not take it: S3 answers {code}.")
    return closed(vault, f"S3 answers {refused.code} for its bucket")


def _call(vault: Vault, operation: str, *, absent: frozenset[str] = frozenset(), **asked: Any) -> Any:
    """Call S3; None for an answer whose code is *absent*. A session that ended early is replaced once."""
    for again in (True, False):
        held = session(vault)
        try:
            return held.ask(operation, **asked)
        except Refused as refused:
            if refused.code in absent:
                return None
            if not again or refused.code not in _ENDED:
                raise _meant(vault, refused) from refused
            ended(held)
    return None
