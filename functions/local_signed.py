"""Who a request to the laptop's S3 port comes from: SigV4 in the query, and what the session may do.

moto checks neither signature nor expiry and knows no session policy, so the port does what AWS does:
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

import hmac
import json
import re
import time
from collections.abc import Callable, Container, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from botocore.auth import SIGV4_TIMESTAMP, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from functions.local_objects import Refused

_WEEK_SECONDS, _SKEW_SECONDS = 7 * 24 * 3600, 15 * 60
#: The query parameters that are the signature's own.
AUTH = frozenset({
    "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-security-token",
    "x-amz-signature", "x-amz-signedheaders",
})  # fmt: skip


_OF_BUCKET = {
    "versions": "s3:ListBucketVersions",
    "uploads": "s3:ListBucketMultipartUploads",
    "versioning": "s3:GetBucketVersioning",
    "location": "s3:GetBucketLocation",
    "list-type": "s3:ListBucket",
}


class Session(NamedTuple):
    """Credentials that STS issued: `ends` in seconds since 1970, `role` and `cut` are policies as JSON.

    The session may do what one of the role's policies allows and, where there is one, its own policy too.
    """

    key: str
    secret: str
    token: str
    account: str
    ends: float
    role: list[str]
    cut: str

    def may(self, action: str, resource: str, owner: str, **known: str) -> bool:
        """Whether AWS would let the session do it.

        Args:
            action: as `s3:GetObject`.
            resource: ARN of a bucket or an object.
            owner: the account whose bucket it is; another account's bucket is closed.
            **known: what conditions may ask for besides, as `prefix` for `s3:prefix`.
        """
        asked = {f"s3:{name}": value for name, value in known.items()}
        asked |= {"s3:ResourceAccount": owner, "aws:ResourceAccount": owner}
        sides = [self.role, [self.cut]] if self.cut else [self.role]
        return owner == self.account and all(allows(side, action, resource, asked) for side in sides)


class Request(NamedTuple):
    """A request: `path` and `query` as they came, header names in lower case."""

    method: str
    path: bytes
    query: bytes
    headers: Mapping[str, str]


def action(method: str, query: Container[str], *, of_object: bool) -> str:
    """What a request does, in the words of policies; `query` has its names in lower case."""
    if not of_object:
        asks = ("versions", "uploads", "versioning", "location", "list-type")
        asked = "list-type" if method == "HEAD" else next((name for name in asks if name in query), "")
        return _OF_BUCKET.get(asked, "s3:Other") if method in {"GET", "HEAD"} else "s3:Other"
    if "uploadid" in query and method in {"GET", "DELETE"}:
        return "s3:ListMultipartUploadParts" if method == "GET" else "s3:AbortMultipartUpload"
    verb = {"GET": "Get", "HEAD": "Get", "DELETE": "Delete"}.get(method, "Put")
    return f"s3:{verb}Object{'Version' if 'versionid' in query and verb != 'Put' else ''}"


def parameters(query: bytes) -> list[tuple[str, str]]:
    """The names and values of a query. `+` is a plus: who signs writes %20 for a space.

    Raises:
        Refused: a name comes twice.
    """
    pairs = [part.partition(b"=") for part in query.split(b"&") if part]
    named = [(unquote_to_bytes(name).decode(), unquote_to_bytes(value).decode()) for name, _, value in pairs]
    if len({name.lower() for name, _ in named}) < len(named):
        raise Refused(400, "InvalidArgument", "A query parameter comes twice.")
    return named


def signer(request: Request, session_of: Callable[[str], Session | None]) -> Session:
    """The session that has signed a request.

    Args:
        request: what has come.
        session_of: finds a session by its access key.

    Raises:
        Refused: what AWS would answer.
    """
    given = {name.lower(): value for name, value in parameters(request.query)}
    if missing := AUTH - {"x-amz-security-token"} - given.keys():
        if "x-amz-signature" in missing:
            raise Refused(403, "AccessDenied", "Only presigned URLs are served here.")
        raise _malformed(f"The parameter {min(missing)} is missing.")
    key, day, region, service, kind = [*given["x-amz-credential"].split("/"), *[""] * 4][:5]
    if (given["x-amz-algorithm"], service, kind) != ("AWS4-HMAC-SHA256", "s3", "aws4_request"):
        raise _malformed("Only AWS4-HMAC-SHA256 for s3 is taken.")
    _in_time(given["x-amz-date"], day, given["x-amz-expires"])
    session = session_of(key)
    if session is None:
        raise Refused(403, "InvalidAccessKeyId", "The access key does not exist in our records.")
    if not hmac.compare_digest(given.get("x-amz-security-token", "").encode(), session.token.encode()):
        raise Refused(400, "InvalidToken", "The token is malformed or not that of the access key.")
    if session.ends <= time.time():
        raise Refused(400, "ExpiredToken", "The session that signed has ended.")
    signed = given["x-amz-signedheaders"].split(";")
    if unsigned := {name for name in request.headers if name.startswith("x-amz-")} - set(signed):
        raise Refused(403, "AccessDenied", f"These headers were not signed: {', '.join(sorted(unsigned))}")
    if "host" not in signed:
        raise _malformed("The host must be signed.")
    expected = _signature(request, session, region, given["x-amz-date"], signed)
    if not hmac.compare_digest(expected.encode(), given["x-amz-signature"].encode()):
        raise Refused(403, "SignatureDoesNotMatch", "The signature is not that of this request.")
    return session


def _in_time(date: str, day: str, expires: str) -> None:
    try:
        signed = datetime.strptime(date, SIGV4_TIMESTAMP).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise _malformed("X-Amz-Date must be like 20130721T201207Z.") from None
    if date[:8] != day:
        raise _malformed("The date of the credential is not that of the request.")
    if not re.fullmatch(r"[0-9]{1,6}", expires) or not 0 < int(expires) <= _WEEK_SECONDS:
        raise _malformed("X-Amz-Expires must be 1 to 604800 seconds.")
    now = time.time()
    if signed > now + _SKEW_SECONDS:
        raise Refused(403, "AccessDenied", "Request is not yet valid.")
    if signed + int(expires) < now:
        raise Refused(403, "AccessDenied", "Request has expired.")


def _signature(request: Request, session: Session, region: str, date: str, signed: list[str]) -> str:
    """The signature that the session's secret gives this very request; botocore's own arithmetic."""
    auth = S3SigV4QueryAuth(Credentials(session.key, session.secret, session.token), "s3", region)
    pairs = [(n, v) for n, v in parameters(request.query) if n.lower() != "x-amz-signature"]
    query = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)
    path = quote(unquote_to_bytes(request.path), safe="/-_.~")
    headers = {name: request.headers[name] for name in signed if name in request.headers}
    sent = AWSRequest(request.method, f"http://{headers.get('host', '')}{path}?{query}", headers=headers)
    sent.context["timestamp"] = date
    return str(auth.signature(auth.string_to_sign(sent, auth.canonical_request(sent)), sent))


def _malformed(message: str) -> Refused:
    return Refused(400, "AuthorizationQueryParametersError", message)


def allows(policies: list[str], action: str, resource: str, asked: Mapping[str, str]) -> bool:
    """Whether policies allow it and none forbids it. What is not understood never allows, and does forbid."""
    effects = set()
    for policy in policies:
        for rule in _listed(json.loads(policy).get("Statement")):
            denies = rule.get("Effect") != "Allow"
            plain = not {"NotAction", "NotResource"} & rule.keys()
            named = _matches(rule.get("Action"), action) and _matches(rule.get("Resource", "*"), resource)
            if (named and _holds(rule.get("Condition", {}), asked, unknown=denies)) if plain else denies:
                effects.add("Deny" if denies else "Allow")
    return effects == {"Allow"}


def _holds(condition: Mapping[str, Mapping[str, Any]], asked: Mapping[str, str], *, unknown: bool) -> bool:
    return all(
        _met(operator, asked.get(name), values, unknown=unknown)
        for operator, wanted in condition.items()
        for name, values in wanted.items()
    )


def _met(operator: str, value: str | None, wanted: Any, *, unknown: bool) -> bool:
    match operator:
        case "StringEquals":
            return value in _listed(wanted)
        case "StringLike":
            return value is not None and _matches(wanted, value)
    return unknown


def _matches(patterns: Any, text: str) -> bool:
    """Whether one of the patterns, in which `*` and `?` stand for others, is the text."""
    return any(re.fullmatch("".join(_expressions(pattern)), text, re.DOTALL) for pattern in _listed(patterns))


def _expressions(pattern: str) -> Iterator[str]:
    return ({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)


def _listed(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [] if values is None else [values]
