"""What S3 answers when one object is read, written or deleted: on the port and in the house alike."""

import hashlib
import re
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from email.utils import formatdate, parsedate_to_datetime
from functools import partial
from typing import NamedTuple, Protocol

from functions.local_objects import Objects, Refused, Stored
from functions.local_uploads import PARTS, Upload, Uploads

_UNSIGNED = "UNSIGNED-PAYLOAD"
_KEY_BYTES = 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_KEPT = frozenset(
    {
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-type",
        "expires",
    }
)
_META = "x-amz-meta-"
_CHECKSUM = "x-amz-checksum-"
# What a write may say besides. What is not here would mean something that is not done: better refused.
_UNDERSTOOD = frozenset({
    "x-amz-content-sha256", "x-amz-date", "x-amz-expected-bucket-owner", "x-amz-sdk-checksum-algorithm",
    "x-amz-security-token", "x-amz-checksum-algorithm", "x-amz-checksum-type", "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-user-agent",
})  # fmt: skip


class Answer(NamedTuple):
    """An answer. What `body` gives has the length that the headers say; after HEAD it is nothing."""

    status: int
    headers: dict[str, str]
    body: Iterable[bytes] = ()


class Place(NamedTuple):
    """An object's bucket and name, and whether the bucket keeps what was there before."""

    bucket: str
    key: str
    versioned: bool


class Digest(Protocol):
    """A sum that is made while bytes arrive."""

    def update(self, data: bytes, /) -> None:
        """Take some more bytes."""

    def digest(self) -> bytes:
        """The sum."""


class _Crc32:
    def __init__(self) -> None:
        self._sum = 0

    def update(self, data: bytes, /) -> None:
        self._sum = zlib.crc32(data, self._sum)

    def digest(self) -> bytes:
        return self._sum.to_bytes(4, "big")


_DIGESTS: dict[str, Callable[[], Digest]] = {
    "content-md5": partial(hashlib.md5, usedforsecurity=False),
    f"{_CHECKSUM}crc32": _Crc32,
    f"{_CHECKSUM}sha1": partial(hashlib.sha1, usedforsecurity=False),
    f"{_CHECKSUM}sha256": hashlib.sha256,
}


def about(headers: Mapping[str, str]) -> dict[str, str]:
    """Those headers of a write that come back with the object."""
    kept = {name: value for name, value in headers.items() if name in _KEPT or name.startswith(_META)}
    return {"content-type": "binary/octet-stream", **kept}


def told(stored: Stored) -> dict[str, str]:
    """What every answer says of a version."""
    version = {} if stored.version == "null" else {"x-amz-version-id": stored.version}
    return ({} if stored.marker else {"etag": f'"{stored.etag}"'}) | version


def read(
    objects: Objects,
    place: Place,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    *,
    head: bool = False,
) -> Answer:
    """Answer GET or HEAD of an object.

    Raises:
        Refused: NoSuchKey, NoSuchVersion, MethodNotAllowed (a marker), PreconditionFailed, InvalidRange.
    """
    stored = _found(objects, place, query.get("versionid"))
    said = {
        **stored.about,
        **told(stored),
        "accept-ranges": "bytes",
        "last-modified": formatdate(int(stored.modified), usegmt=True),
    }
    said |= {
        name.removeprefix("response-"): value for name, value in query.items() if name.startswith("response-")
    }
    if not _wanted(stored, headers):
        return Answer(304, {name: said[name] for name in ("etag", "last-modified")})
    status, start, length = _span(stored, headers.get("range", ""))
    said["content-length"] = str(length)
    if status == 206:
        said["content-range"] = f"bytes {start}-{start + length - 1}/{stored.size}"
    elif headers.get("x-amz-checksum-mode", "").upper() == "ENABLED" and stored.checksum:
        algorithm, _, value = stored.checksum.partition(":")
        kind = "COMPOSITE" if "-" in value else "FULL_OBJECT"
        said |= {_CHECKSUM + algorithm.lower(): value, f"{_CHECKSUM}type": kind}
    return Answer(status, said, () if head else _bytes(objects, stored, start, length))


def write(
    uploads: Uploads, place: Place, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
) -> Answer:
    """Answer PUT of a body that is here already; see `Arrival`."""
    arrival = Arrival(uploads, place, headers, query)
    try:
        arrival.write(body)
    except BaseException:
        arrival.discard()
        raise
    return arrival.finish()


def delete(objects: Objects, place: Place, version: str = "") -> Answer:
    """Answer DELETE of an object or of one of its versions; what is not there is no error."""
    gone = objects.delete(place.bucket, place.key, version, versioned=place.versioned)
    said = {"x-amz-version-id": gone.version} if gone and place.versioned else {}
    return Answer(204, said | ({"x-amz-delete-marker": "true"} if gone and gone.marker else {}))


class Arrival:
    """The bytes of a PUT, on their way into an object or into a part of one.

    Args:
        uploads: where they go, into parts or, beside them, into objects.
        place: the object.
        headers: of the request, names in lower case.
        query: of the request, names in lower case; `partnumber` and `uploadid` make it a part.

    Raises:
        Refused: what can be refused before the first byte.
    """

    def __init__(
        self,
        uploads: Uploads,
        place: Place,
        headers: Mapping[str, str],
        query: Mapping[str, str],
    ) -> None:
        self._uploads, self._place, self._headers = uploads, place, headers
        self._only_new = _only_new(headers)
        _understood(headers)
        if len(place.key.encode()) > _KEY_BYTES:
            raise Refused(400, "KeyTooLongError", "Your key is too long.")
        self._upload: Upload | None = None
        self._number = 0
        if "uploadid" in query or "partnumber" in query:
            number = query.get("partnumber", "")
            self._number = int(number) if number.isdecimal() and len(number) < 6 else 0
            if not 1 <= self._number <= PARTS:
                raise Refused(400, "InvalidArgument", f"partNumber must be 1 to {PARTS}.")
            self._upload = uploads.get(place.bucket, place.key, query.get("uploadid", ""))
        elif self._only_new:
            uploads.objects.must_be_free(place.bucket, place.key)
        self._sums = _sums(headers)
        self._same_kind()
        self._draft = uploads.objects.draft(place.bucket)

    def write(self, chunk: bytes) -> None:
        """Take some more bytes."""
        self._draft.write(chunk)
        for digest, _, _ in self._sums.values():
            digest.update(chunk)

    def finish(self) -> Answer:
        """Store what has arrived, or forget it, and answer.

        Raises:
            Refused: a sum is another one, or meanwhile somebody else was faster.
        """
        try:
            return self._stored()
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Forget what has arrived: it ended too early."""
        self._draft.discard()

    def _stored(self) -> Answer:
        for name, (digest, expected, code) in self._sums.items():
            if digest.digest() != expected:
                raise Refused(400, code, f"The {name} you specified did not match what we received.")
        self._draft.finish()
        checksum = self._checksum()
        if self._upload is not None:
            part = self._uploads.put_part(self._upload, self._number, self._draft, checksum)
            said = {"etag": f'"{part.etag}"'}
        else:
            said = told(
                self._uploads.objects.put(
                    self._place.bucket,
                    self._place.key,
                    self._draft,
                    only_new=self._only_new,
                    about=about(self._headers),
                    checksum=checksum,
                    versioned=self._place.versioned,
                )
            )
        algorithm, _, value = checksum.partition(":")
        return Answer(200, {**said, **({_CHECKSUM + algorithm.lower(): value} if checksum else {})})

    def _checksum(self) -> str:
        named = [name for name in self._sums if name.startswith(_CHECKSUM)]
        return "".join(f"{name.removeprefix(_CHECKSUM).upper()}:{self._headers[name]}" for name in named)

    def _same_kind(self) -> None:
        """See that a part brings the checksum that its upload was begun with, and no other."""
        if self._upload is None:
            return
        given = "".join(name.removeprefix(_CHECKSUM) for name in self._sums if name.startswith(_CHECKSUM))
        expected = self._upload.algorithm.lower()
        if given != expected:
            said = f"expected checksum Type: {expected or 'null'}, actual checksum Type: {given or 'null'}"
            raise Refused(400, "InvalidRequest", f"Checksum Type mismatch occurred, {said}")


def _found(objects: Objects, place: Place, version: str | None) -> Stored:
    if version is None:
        stored = objects.newest(place.bucket, place.key)
        if stored is None or stored.marker:
            raise Refused(404, "NoSuchKey", "The specified key does not exist.")
        return stored
    stored = objects.version(place.bucket, place.key, version)
    if stored is None:
        raise Refused(404, "NoSuchVersion", "The specified version does not exist.")
    if stored.marker:
        raise Refused(405, "MethodNotAllowed", "The version is a delete marker.")
    return stored


def _wanted(stored: Stored, headers: Mapping[str, str]) -> bool:
    """Whether the reader does not know it yet.

    Raises:
        Refused: PreconditionFailed.
    """
    etag, modified = stored.etag, int(stored.modified)
    if (match := headers.get("if-match")) is not None:
        failed = not _names(match, etag)
    else:
        failed = (since := _date(headers.get("if-unmodified-since"))) is not None and modified > since
    if failed:
        raise Refused(412, "PreconditionFailed", "At least one of the pre-conditions did not hold.")
    if (known := headers.get("if-none-match")) is not None:
        return not _names(known, etag)
    return (since := _date(headers.get("if-modified-since"))) is None or modified > since


def _span(stored: Stored, said: str) -> tuple[int, int, int]:
    """Status, first byte and length of what a Range header asks for; one that is no range asks for all.

    Raises:
        Refused: InvalidRange.
    """
    found, size = _RANGE.fullmatch(said.strip()), stored.size
    if (
        found is None
        or not (found[1] or found[2])
        or (found[1] and found[2] and int(found[1]) > int(found[2]))
    ):
        return 200, 0, size
    first = int(found[1]) if found[1] else max(size - int(found[2]), 0)
    last = min(int(found[2]), size - 1) if found[1] and found[2] else size - 1
    if first > last:
        raise Refused(
            416, "InvalidRange", f"The requested range is not satisfiable; the object has {size} bytes."
        )
    return 206, first, last - first + 1


def _bytes(objects: Objects, stored: Stored, start: int, length: int) -> Iterator[bytes]:
    """The bytes, with the first of them read already, so that what was removed meanwhile is still a 404."""
    chunks = objects.read(stored, start, length)
    try:
        first = next(chunks, b"")
    except FileNotFoundError:
        raise Refused(404, "NoSuchKey", "The specified key does not exist.") from None

    def rest() -> Iterator[bytes]:
        yield first
        yield from chunks

    return rest()


def _sums(headers: Mapping[str, str]) -> dict[str, tuple[Digest, bytes, str]]:
    """The sums that a write is held to, by header: the digest, what it must give, what is answered if not."""
    found: dict[str, tuple[Digest, bytes, str]] = {}
    for name in headers:
        make = _DIGESTS.get(name)
        if make is not None:
            found[name] = make(), _decoded(headers[name], name), "BadDigest"
        elif name.startswith(_CHECKSUM) and name not in _UNDERSTOOD:
            raise Refused(501, "NotImplemented", f"{name} is not computed here; use SHA256.")
    if sum(name.startswith(_CHECKSUM) for name in found) > 1:
        raise Refused(400, "InvalidRequest", "Expecting a single x-amz-checksum- header.")
    body = headers.get("x-amz-content-sha256", _UNSIGNED)
    if re.fullmatch("[0-9a-f]{64}", body):
        found["x-amz-content-sha256"] = hashlib.sha256(), bytes.fromhex(body), "XAmzContentSHA256Mismatch"
    elif body != _UNSIGNED:
        raise Refused(501, "NotImplemented", "Bodies in signed chunks are not taken here.")
    return found


def _decoded(text: str, name: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise Refused(400, "InvalidRequest", f"Value for {name} header is invalid.") from None


def _only_new(headers: Mapping[str, str]) -> bool:
    condition = headers.get("if-none-match")
    if condition not in {None, "*"} or "if-match" in headers:
        raise Refused(501, "NotImplemented", "Of the conditions of a write, only If-None-Match: * is served.")
    return condition == "*"


def _understood(headers: Mapping[str, str]) -> None:
    amazon = {
        name for name in headers if name.startswith("x-amz-") and not name.startswith((_META, _CHECKSUM))
    }
    if unknown := amazon - _UNDERSTOOD:
        raise Refused(501, "NotImplemented", f"{min(unknown)} is not served here.")


def _names(tags: str, etag: str) -> bool:
    return any(tag.strip().removeprefix("W/").strip('"') in {"*", etag} for tag in tags.split(","))


def _date(text: str | None) -> float | None:
    try:
        return None if text is None else parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None
