"""What the house itself asks of the laptop's S3: single objects, lists, uploads, deletions."""

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from functions import local_answers as answers
from functions.local_answers import Answer, Place
from functions.local_objects import Refused, Stored
from functions.local_signed import Request, action, parameters
from functions.local_uploads import Upload

if TYPE_CHECKING:
    from moto.s3.models import FakeBucket

    from functions.local_bucket import LocalBuckets

_OWNER = "x-amz-expected-bucket-owner"
_TEMPORARY = re.compile(r"Credential=(ASIA[^/]+)/")  # what STS issues
_PAGE = 1000
_OF_PART = ("PartNumber", "ETag", "ChecksumSHA256")


class Asked:
    """A request to S3 from the house's own process: one at a time."""

    def __init__(self, ours: "LocalBuckets", name: str, key: str, request: Request, body: bytes) -> None:
        self.ours, self.objects, self.uploads = ours, ours.objects, ours.uploads
        self.name, self.key, self.body, self.request = name, key, body, request
        self.method, self.headers = request.method, request.headers
        self.query = {name.lower(): value for name, value in parameters(request.query)}
        named = _TEMPORARY.search(self.headers.get("authorization", ""))
        self.session = ours.session(named[1]) if named else None

    def bucket(self) -> "FakeBucket":
        """The bucket that is asked for."""
        return self.ours.bucket(self.name)

    def permit(self) -> None:
        """See that a session does only what it may; the house's own credentials may do all."""
        if self.session is None:
            return
        bucket = self.bucket()
        if self.headers.get(_OWNER, bucket.account_id) != bucket.account_id:
            raise Refused(403, "AccessDenied", "Access Denied")
        if self._deletes():
            for key, version in self._doomed():
                wanted = action("DELETE", {"versionid"} if version else (), of_object=True)
                self.ours.permit(self.session, wanted, bucket, key)
        else:
            wanted = action(self.method, self.query, of_object=bool(self.key))
            self.ours.permit(self.session, wanted, bucket, self.key, prefix=self.query.get("prefix", ""))

    def of_bucket(self) -> Any:
        """The answer about the objects of a bucket; None if it is not about them."""
        if self._deletes():
            bucket = self.bucket()
            for key, version in self._doomed():
                answers.delete(self.objects, Place(bucket.name, key, bucket.is_versioned), version)
            return _said("DeleteResult", Deleted=[{"Key": key} for key, _ in self._doomed()])
        if self.method != "GET":
            return None
        if "versions" in self.query:
            return self._list_versions()
        if "uploads" in self.query:
            found = [
                each for each in self.uploads.listing(self.bucket().name) if each.key.startswith(self._prefix)
            ]
            begun = [{"Key": each.key, "UploadId": each.id, "Initiated": _time(each.begun)} for each in found]
            return _said("ListMultipartUploadsResult", IsTruncated=False, Upload=begun)
        return self._list() if "list-type" in self.query else None

    def of_object(self) -> Any:
        """The answer about one object."""
        bucket = self.bucket()
        place, upload = Place(bucket.name, self.key, bucket.is_versioned), self.query.get("uploadid")
        match self.method:
            case "GET" if upload is not None:
                return self._list_parts(self.uploads.get(place.bucket, place.key, upload))
            case "GET" | "HEAD":
                answer = self.ours.read(self.session, place, self.request)
            case "DELETE" if upload is not None:
                self.uploads.abort(self.uploads.get(place.bucket, place.key, upload))
                answer = Answer(204, {})
            case "DELETE":
                answer = answers.delete(self.objects, place, self.query.get("versionid", ""))
            case "PUT":
                answer = answers.write(self.uploads, place, self.headers, self.query, self.body)
            case "POST" if "uploads" in self.query:
                algorithm = self.headers.get("x-amz-checksum-algorithm", "")
                begun = self.uploads.begin(place.bucket, place.key, answers.about(self.headers), algorithm)
                return _said("InitiateMultipartUploadResult", UploadId=begun.id)
            case "POST" if upload is not None:
                return self._complete(place, upload)
            case _:
                raise Refused(501, "NotImplemented", "That is not served here.")
        return answer.status, answer.headers, b"".join(answer.body)

    @property
    def _prefix(self) -> str:
        return self.query.get("prefix", "")

    def _most(self, name: str = "max-keys") -> int:
        return min(int(self.query.get(name, _PAGE)), _PAGE)

    def _deletes(self) -> bool:
        return self.method == "POST" and not self.key and "delete" in self.query

    def _doomed(self) -> Iterator[tuple[str, str]]:
        """Key and version of each that DeleteObjects names."""
        for each in ET.fromstring(self.body).iterfind("{*}Object"):  # noqa: S314  (the house's own)
            yield each.findtext("{*}Key", ""), each.findtext("{*}VersionId", "")

    def _list(self) -> Any:
        token, most = self.query.get("continuation-token"), self._most()
        after = base64.urlsafe_b64decode(token).decode() if token else self.query.get("start-after", "")
        found = self.objects.listing(
            self.bucket().name,
            self._prefix,
            delimiter=self.query.get("delimiter", ""),
            after=after,
            limit=most + 1,
        )
        shown, result = found[:most], {"KeyCount": len(found[:most]), "EncodingType": "url"}
        result["Contents"] = [_entry(each) for each in shown if isinstance(each, Stored)]
        result["CommonPrefixes"] = [{"Prefix": quote(each)} for each in shown if isinstance(each, str)]
        result["IsTruncated"] = len(found) > most
        if shown and len(found) > most:
            last = shown[-1] if isinstance(shown[-1], str) else shown[-1].key
            result["NextContinuationToken"] = base64.urlsafe_b64encode(last.encode()).decode()
        return _said("ListBucketResult", **result)

    def _list_versions(self) -> Any:
        after, most = (
            (self.query.get("key-marker", ""), self.query.get("version-id-marker", "")),
            self._most(),
        )
        found = self.objects.versions(self.bucket().name, self._prefix, after=after, limit=most + 1)
        shown, result = found[:most], {"IsTruncated": len(found) > most, "EncodingType": "url"}
        result["Version"] = [_entry(each) for each in shown if not each.marker]
        result["DeleteMarker"] = [_entry(each) for each in shown if each.marker]
        if shown and len(found) > most:
            result |= {"NextKeyMarker": quote(shown[-1].key), "NextVersionIdMarker": shown[-1].version}
        return _said("ListVersionsResult", **result)

    def _list_parts(self, upload: Upload) -> Any:
        most = self._most("max-parts")
        after = int(self.query.get("part-number-marker", 0))
        found = self.uploads.parts(upload, after=after, limit=most + 1)
        told = [
            {
                "PartNumber": each.number,
                "ETag": f'"{each.etag}"',
                "Size": each.size,
                "LastModified": _time(each.modified),
                **({"ChecksumSHA256": each.checksum.partition(":")[2]} if each.checksum else {}),
            }
            for each in found[:most]
        ]
        next_ = {"NextPartNumberMarker": told[-1]["PartNumber"]} if told else {}
        return _said("ListPartsResult", IsTruncated=len(found) > most, Part=told, **next_)

    def _complete(self, place: Place, upload: str) -> Any:
        stored = self.objects.newest(place.bucket, place.key)
        if stored is None or stored.upload != upload:  # otherwise the same completion has come again
            tree = ET.fromstring(self.body)  # noqa: S314  (the house's own)
            wanted = []
            for part in tree.iterfind("{*}Part"):
                number, etag, sha256 = (part.findtext(f"{{*}}{name}", "") for name in _OF_PART)
                wanted.append((int(number), etag, sha256 and f"SHA256:{sha256}"))
            stored = self.uploads.complete(
                self.uploads.get(place.bucket, place.key, upload),
                wanted,
                only_new=self.headers.get("if-none-match") == "*",
                versioned=place.versioned,
            )
        status, headers, body = _said("CompleteMultipartUploadResult", ETag=f'"{stored.etag}"')
        return status, {**headers, **answers.told(stored)}, body


def _entry(stored: Stored) -> dict[str, Any]:
    return {
        "Key": quote(stored.key),
        "LastModified": _time(stored.modified),
        "ETag": f'"{stored.etag}"',
        "Size": stored.size,
        "StorageClass": "STANDARD",
        "VersionId": stored.version,
        "IsLatest": bool(stored.latest),
    }


def _time(seconds: float) -> str:
    """A time as S3 tells it: without its milliseconds."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _said(root: str, **content: Any) -> tuple[int, dict[str, str], bytes]:
    """An answer in XML."""
    space = "http://s3.amazonaws.com/doc/2006-03-01/"
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{space}">{_xml(content)}</{root}>'
    return 200, {"content-type": "application/xml"}, text.encode()


def _xml(content: Any) -> str:
    if not isinstance(content, dict):
        return escape(str(content).lower() if isinstance(content, bool) else str(content))
    each = (
        (name, one)
        for name, values in content.items()
        for one in (values if isinstance(values, list) else [values])
    )
    return "".join(f"<{name}>{_xml(one)}</{name}>" for name, one in each)
