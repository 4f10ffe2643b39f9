"""Presigned URLs: for one key and one method, 15 minutes at the most, never outliving the session that signs.

What is signed besides binds what is sent: the bucket's owner, the body's length and SHA-256, that the object
must be new. A URL that is followed without headers (a redirect, a link) carries none of that.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import quote

from functions.artifacts.sessions import Session, Vault, dns_suffix, signer
from functions.errors import Unacceptable
from functions.ids import shown
from functions.settings import settings

URL_SECONDS = 15 * 60
# How long a key in S3 may be, in bytes.
KEY_BYTES = 1024
OCTETS = "application/octet-stream"

# How much of a longer name a browser is told, in bytes: an address quotes each twice, as five characters.
NAME_BYTES = 100

# An empty segment, `.` or `..`: a client on the way would resolve it to another key.
_DOTTED = re.compile(r"(?:^|/)\.{0,2}(?:/|$)")
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Signed:
    """A presigned URL, and the headers that must be sent with it, as they are."""

    url: str
    headers: dict[str, str]


def presign_put(
    vault: Vault,
    key: str,
    *,
    length: int | None = None,
    sha256: str | None = None,
    immutable: bool = False,
    bare: bool = False,
    expires: int = URL_SECONDS,
) -> Signed:
    """A URL that writes one object.

    Args:
        vault: in which vault.
        key: which object.
        length: how many bytes the body must have.
        sha256: which SHA-256 (hex) the body must have.
        immutable: refuse to write an object that exists.
        bare: the URL must do without headers (a redirect), so that neither owner nor type is signed.
        expires: seconds, cut to what the session has left.

    Raises:
        Unacceptable: the key is not one, or the vault does not let the house in.
        Unavailable: STS does not answer.
    """
    headers = _of_body(vault, length, sha256, bare=bare)
    if immutable:
        headers["if-none-match"] = "*"
    return _signed(vault, "PUT", key, expires=expires, headers=headers, asked={})


def presign_part(
    vault: Vault,
    key: str,
    upload_id: str,
    part: int,
    *,
    length: int | None = None,
    sha256: str | None = None,
    bare: bool = False,
    expires: int = URL_SECONDS,
) -> Signed:
    """A URL that writes one part (1 to 10,000) of a multipart upload; otherwise like `presign_put`."""
    headers = _of_body(vault, length, sha256, bare=bare)
    asked = {"partNumber": str(part), "uploadId": upload_id}
    return _signed(vault, "PUT", key, expires=expires, headers=headers, asked=asked)


def presign_get(
    vault: Vault,
    key: str,
    *,
    version: str | None = None,
    filename: str | None = None,
    inline: str | None = None,
    bare: bool = False,
    expires: int = URL_SECONDS,
) -> Signed:
    """A URL that reads one object, as an attachment of no particular type.

    Args:
        vault: in which vault.
        key: which object.
        version: which version of it; None reads the newest.
        filename: what a browser calls the file, or the end of that; None takes the key's last segment.
        inline: a content type that is safe to show in a page; the caller keeps the list of those.
        bare: the URL must do without headers (a redirect or a link), so that the owner is not signed.
        expires: seconds, cut to what the session has left.

    Raises:
        Unacceptable: the key is not one, or the vault does not let the house in.
        Unavailable: STS does not answer.
    """
    name = _told(filename or key.rsplit("/", 1)[-1])
    kind = "attachment" if inline is None else "inline"
    asked = {
        "response-content-disposition": f"{kind}; filename*=UTF-8''{name}",
        "response-content-type": inline or OCTETS,
    }
    if version is not None:
        asked["versionId"] = version
    headers = {} if bare else _owner(vault)
    return _signed(vault, "GET", key, expires=expires, headers=headers, asked=asked)


def _signed(
    vault: Vault, method: str, key: str, *, expires: int, headers: dict[str, str], asked: dict[str, str]
) -> Signed:
    place, held, now = placed(vault, key), signer(vault), time.time()
    chosen = settings()
    path, host = "/" + quote(place), f"{vault.bucket}.s3.{vault.region}.{dns_suffix(vault.region)}"
    scheme, server = "https", chosen.s3_public_url or chosen.s3_url
    if server:
        scheme, host = server.rstrip("/").split("://", 1)
        path = f"/{vault.bucket}{path}"
    named, seconds = {**headers, "host": host}, min(expires, int(held.left()))
    query = signed_query(held, vault.region, now, method, path, expires=seconds, headers=named, asked=asked)
    return Signed(f"{scheme}://{host}{path}?{query}", headers)


def signed_query(
    held: Session,
    region: str,
    now: float,
    method: str,
    path: str,
    *,
    expires: int,
    headers: dict[str, str],
    asked: dict[str, str],
) -> str:
    """The query of a presigned URL by AWS's Signature Version 4.

    botocore's signer says the same in ten times the time, most of which goes into quoting the session's token
    again and again: a manifest of 5,000 files would take a second.

    Args:
        held: who signs.
        region: of the bucket.
        now: when, in seconds since 1970.
        method: GET or PUT.
        path: quoted.
        expires: seconds for which the URL lives.
        headers: what must be sent, in lower case, the host among them.
        asked: what the query says besides.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    scope, names = f"{stamp[:8]}/{region}/s3/aws4_request", sorted(headers)
    said = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{held.access_key}%2F{scope.replace('/', '%2F')}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(expires),
        "X-Amz-Security-Token": held.quoted_token,
        "X-Amz-SignedHeaders": "%3B".join(names),
        **{name: quote(value, safe="") for name, value in asked.items()},
    }
    query = "&".join(f"{name}={said[name]}" for name in sorted(said))
    lines = [method, path, query, *(f"{name}:{headers[name]}" for name in names)]
    request = "\n".join([*lines, "", ";".join(names), "UNSIGNED-PAYLOAD"])
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    signature = hmac.digest(held.key_of(stamp[:8], region), text.encode(), "sha256").hex()
    return f"{query}&X-Amz-Signature={signature}"


def placed(vault: Vault, key: str) -> str:
    """A key as S3 has it.

    Raises:
        Unacceptable: it is longer than S3 takes, is no Unicode, or a client would resolve it to another key.
    """
    place = vault.prefix + key
    if _DOTTED.search(key) or len(place.encode("utf-8", "surrogatepass")) > KEY_BYTES:
        why = f"a name in the vault has no empty segment, no '.' and no '..', and at most {KEY_BYTES} bytes."
        raise Unacceptable(f"Invalid value {shown(key)} for parameter 'path' supplied: {why}", field="path")
    return place


def _told(name: str) -> str:
    """A name as the content's disposition has it."""
    whole = quote(name, safe="", errors="replace")
    if len(whole) <= 3 * NAME_BYTES:
        return whole
    return quote(name.encode(errors="replace")[-NAME_BYTES:].decode(errors="ignore"), safe="")


def _owner(vault: Vault) -> dict[str, str]:
    return {"x-amz-expected-bucket-owner": vault.account}


def _of_body(vault: Vault, length: int | None, sha256: str | None, *, bare: bool) -> dict[str, str]:
    headers = {} if bare else {"content-type": OCTETS, **_owner(vault)}
    if length is not None:
        headers["content-length"] = str(length)
    if sha256 is not None:
        # Named as well: a server that does not know the checksum by its header alone would not keep it.
        headers |= {"x-amz-sdk-checksum-algorithm": "SHA256", "x-amz-checksum-sha256": base64(sha256)}
    return headers


def base64(sha256: str) -> str:
    """A SHA-256 as S3 writes it, from hex."""
    if not _SHA256.fullmatch(sha256):
        why = "it must be 64 lower-case hex digits."
        raise Unacceptable(
            f"Invalid value {shown(sha256)} for parameter 'sha256' supplied: {why}", field="sha256"
        )
    return b64encode(bytes.fromhex(sha256)).decode()
