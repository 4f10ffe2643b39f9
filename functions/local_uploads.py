"""Multipart uploads into the laptop's buckets. A part stays the file it is: completing copies nothing."""

import json
import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from hashlib import md5, sha256
from typing import NamedTuple

from functions.local_bytes import Draft
from functions.local_objects import Objects, Refused, Stored

PARTS = 10_000
PART_BYTES = 5 * 1024 * 1024  # the least size of a part that is not the last


class Upload(NamedTuple):
    """A multipart upload that was begun and not yet completed; `begun` is in seconds since 1970."""

    id: str
    bucket: str
    key: str
    about: dict[str, str]
    algorithm: str
    begun: float


class Part(NamedTuple):
    """A part that has arrived; its checksum is empty or `SHA256:<base64>`."""

    upload: str
    number: int
    file: str
    size: int
    etag: str
    checksum: str
    modified: float


class Uploads:
    """The uploads into all buckets, beside their objects."""

    def __init__(self, objects: Objects) -> None:
        self.objects, self._db = objects, objects.db

    def begin(self, bucket: str, key: str, about: Mapping[str, str], algorithm: str = "") -> Upload:
        """Begin an upload.

        Args:
            bucket: into which bucket.
            key: the name of the object that is to be.
            about: headers that will come back with it.
            algorithm: of the checksums that every part must carry; "" for none.
        """
        made = Upload(secrets.token_urlsafe(48), bucket, key, dict(about), algorithm, time.time())
        with self.objects.writing():
            row = made._replace(about=json.dumps(made.about))  # type: ignore[arg-type]
            self._db.execute("INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?)", row)
        return made

    def get(self, bucket: str, key: str | None, upload: str) -> Upload:
        """An upload that is under way, of that key if one is given.

        Raises:
            Refused: NoSuchUpload.
        """
        query = "SELECT * FROM uploads WHERE id = ? AND bucket = ? AND key = ifnull(?, key)"
        with self.objects.lock:
            row = self._db.execute(query, (upload, bucket, key)).fetchone()
        if row is None:
            raise Refused(404, "NoSuchUpload", "There is no such upload; it may be completed or aborted.")
        return Upload(*row)._replace(about=json.loads(row[3]))

    def listing(self, bucket: str) -> list[Upload]:
        """The uploads into a bucket that are under way, by key."""
        query = "SELECT * FROM uploads WHERE bucket = ? ORDER BY key, begun"
        with self.objects.lock:
            rows = self._db.execute(query, (bucket,)).fetchall()
        return [Upload(*row)._replace(about=json.loads(row[3])) for row in rows]

    def put_part(self, upload: Upload, number: int, draft: Draft, checksum: str) -> Part:
        """Make a finished draft a part, in place of an earlier one of that number.

        Raises:
            Refused: NoSuchUpload: it was completed or aborted meanwhile.
        """
        part = Part(upload.id, number, draft.id, draft.size, draft.etag, checksum, time.time())
        with self.objects.writing():
            self.get(upload.bucket, upload.key, upload.id)
            there = self.parts(upload, after=number - 1, limit=1)
            before = [each.file for each in there if each.number == number]
            self._db.execute("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)", part)
        self.objects.unlink(upload.bucket, before)
        return part

    def parts(self, upload: Upload, *, after: int = 0, limit: int = PARTS) -> list[Part]:
        """The parts that have arrived, by number."""
        query = "SELECT * FROM parts WHERE upload = ? AND number > ? ORDER BY number LIMIT ?"
        with self.objects.lock:
            return [Part(*row) for row in self._db.execute(query, (upload.id, after, limit))]

    def complete(
        self,
        upload: Upload,
        wanted: Sequence[tuple[int, str, str]],
        *,
        only_new: bool = False,
        versioned: bool = True,
    ) -> Stored:
        """Make parts an object, all at once.

        Args:
            upload: the upload.
            wanted: number, ETag and checksum of each part, ascending.
            only_new: refuse where there is an object of that name already.
            versioned: keep what was there before.

        Raises:
            Refused: InvalidPartOrder, InvalidPart, EntityTooSmall, InvalidRequest, PreconditionFailed.
        """
        with self.objects.writing():
            self.get(upload.bucket, upload.key, upload.id)
            there = self.parts(upload)
            chosen = _chosen(upload, {part.number: part for part in there}, wanted)
            if only_new:
                self.objects.must_be_free(upload.bucket, upload.key)
            self._forget(upload)
            stored = self.objects.insert(
                upload.bucket,
                upload.key,
                _etag(chosen),
                [(part.file, part.size) for part in chosen],
                about=upload.about,
                checksum=_checksum(upload, chosen),
                upload=upload.id,
                versioned=versioned,
            )
        self.objects.unlink(upload.bucket, {part.file for part in there} - {part.file for part in chosen})
        return stored

    def abort(self, upload: Upload) -> None:
        """Forget an upload and what has arrived of it."""
        with self.objects.writing():
            files = [part.file for part in self.parts(upload)]
            self._forget(upload)
        self.objects.unlink(upload.bucket, files)

    def _forget(self, upload: Upload) -> None:
        self._db.execute("DELETE FROM parts WHERE upload = ?", (upload.id,))
        self._db.execute("DELETE FROM uploads WHERE id = ?", (upload.id,))


def _chosen(upload: Upload, there: Mapping[int, Part], wanted: Sequence[tuple[int, str, str]]) -> list[Part]:
    numbers = [number for number, _, _ in wanted]
    if not numbers:
        raise Refused(400, "MalformedXML", "A completed upload has at least one part.")
    if numbers != sorted(set(numbers)):
        raise Refused(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
    for number, etag, checksum in wanted:
        part = there.get(number)
        if part is None or etag.strip('"') != part.etag or checksum not in {"", part.checksum}:
            raise Refused(400, "InvalidPart", f"Part {number} has not arrived, or is another one.")
        if upload.algorithm and not checksum:
            message = f"The request must name the {upload.algorithm} checksum of each part."
            raise Refused(400, "InvalidRequest", message)
        if part.size < PART_BYTES and number != numbers[-1]:
            raise Refused(400, "EntityTooSmall", f"Part {number} has less than {PART_BYTES} bytes.")
    return [there[number] for number in numbers]


def _etag(parts: Sequence[Part]) -> str:
    """S3's: the MD5 of the parts' MD5s, and how many there are."""
    joined = b"".join(bytes.fromhex(part.etag) for part in parts)
    return f"{md5(joined, usedforsecurity=False).hexdigest()}-{len(parts)}"


def _checksum(upload: Upload, parts: Sequence[Part]) -> str:
    """S3's composite checksum, in the same way."""
    if upload.algorithm != "SHA256":
        return ""
    joined = b"".join(b64decode(part.checksum.partition(":")[2]) for part in parts)
    return f"SHA256:{b64encode(sha256(joined).digest()).decode()}-{len(parts)}"
