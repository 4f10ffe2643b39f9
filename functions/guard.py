"""What a request must look like before anybody asks who sent it: pure ASGI, first in line.

A page at another origin can make a browser send requests to a house that it could not reach itself. So the
house answers to its own names only (a page that rebinds its name to this address is turned away), to its own
origins only, also in the preflight, and never says a word of CORS.
"""

import hmac
import re
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from functions import limits
from functions.errors import NotAllowed, TooLarge, Unacceptable
from functions.settings import settings

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Lambda takes 6 MB: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
BODY_BYTES = 6 * 1024 * 1024

# What the edge shows, so that nobody gets past it; and whom it has seen, as infra/modules/edge says it.
_EDGE, _VIEWER = b"x-runhaven-edge", b"x-runhaven-viewer"

_PAGE = re.compile(r"/(?:t/[^/]+/?)?")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::\d{1,5})?", re.ASCII)


def single(scope: Scope, name: bytes) -> str | None:
    """The value of a header, or None where there is none.

    Raises:
        Unacceptable: it comes several times with different values.
    """
    values = {value for key, value in scope["headers"] if key.lower() == name}
    if len(values) > 1:
        raise Unacceptable(f"The header {name.decode()} comes several times.", field=name.decode())
    return values.pop().decode("latin-1") if values else None


def guarded(app: App) -> App:
    """Turn away what comes from elsewhere, under a foreign name, from a foreign page, or is no UTF-8."""

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        _from_where_it_may(scope)
        _at_home(scope)
        _not_from_elsewhere(scope)
        _readable(scope)
        await app(scope, receive, send)

    return door


def limited(app: App) -> App:
    """Turn away bodies that are larger than Lambda would take, whether they say so before or not."""

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        said = single(scope, b"content-length")
        if said is not None and said.isdecimal() and (len(said) > 12 or int(said) > BODY_BYTES):
            raise _too_large(scope)
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > BODY_BYTES:
                raise _too_large(scope)
            return message

        await app(scope, counted, send)

    return door


def _from_where_it_may(scope: Scope) -> None:
    """Demand the edge's secret and one of the allowed networks. No route is exempt, and nothing says why not.

    The address is the gateway's own word, or CloudFront's once the edge has shown its secret; what else a
    request says of its way, such as X-Forwarded-For, anybody can write.
    """
    chosen = settings()
    by_edge = chosen.edge_secret
    if by_edge and not _is_shown(_only(scope, _EDGE), by_edge):
        raise _elsewhere()
    if chosen.allowed_cidrs:
        address = _only(scope, _VIEWER) if by_edge else _told_by_gateway(scope)
        if not _is_among(address, _networks(chosen.allowed_cidrs)):
            raise _elsewhere()


def _elsewhere() -> NotAllowed:
    return NotAllowed("Not allowed.")


def _only(scope: Scope, name: bytes) -> str:
    """The value of a header that comes once, else ""."""
    values = [value for key, value in scope["headers"] if key.lower() == name]
    return values[0].decode("latin-1") if len(values) == 1 else ""


def _is_shown(secret: str, digests: tuple[str, ...]) -> bool:
    shown = sha256(secret.encode("latin-1")).hexdigest()
    return True in [hmac.compare_digest(shown, each) for each in digests]


def _told_by_gateway(scope: Scope) -> str:
    """The caller's address in API Gateway's payload 2.0, which Mangum keeps; "" from any other server."""
    request = scope.get("aws.event", {}).get("requestContext", {}).get("http", {})
    return str(request.get("sourceIp", ""))


def _is_among(text: str, networks: "list[IPv4Network | IPv6Network]") -> bool:
    from ipaddress import ip_address

    try:
        address = ip_address(text)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in each for each in networks)


@lru_cache(4)
def _networks(allowed: tuple[str, ...]) -> "list[IPv4Network | IPv6Network]":
    from ipaddress import ip_network

    return [ip_network(each) for each in allowed]


def _at_home(scope: Scope) -> None:
    known = settings().hosts
    if not known:
        return
    host = _HOST.fullmatch((single(scope, b"host") or "").lower())
    if host is None or host[1].rstrip(".") not in known:
        raise NotAllowed("This house does not answer to that host name.", field="host")


def _not_from_elsewhere(scope: Scope) -> None:
    origin = single(scope, b"origin")
    if origin is not None:
        if origin.lower() not in settings().origins:
            raise NotAllowed("Pages of that origin may not call this house.", field="origin")
        return
    # A foreign page's images, scripts and forms carry no Origin; browsers mark them in this way. Following a
    # link to the house's own page is no harm: https://www.w3.org/TR/fetch-metadata/
    if (single(scope, b"sec-fetch-site") or "none") in {"none", "same-origin"}:
        return
    linked = scope["method"] == "GET" and single(scope, b"sec-fetch-dest") == "document"
    if not (linked and _PAGE.fullmatch(scope["path"])):
        raise NotAllowed("Pages of other origins may not call this house.", field="origin")


def _readable(scope: Scope) -> None:
    for part, text in (("path", scope.get("raw_path") or b""), ("query", scope.get("query_string") or b"")):
        try:
            unquote_to_bytes(text).decode("utf-8")
        except UnicodeDecodeError:
            raise Unacceptable(f"The {part} is no valid UTF-8.", field=part) from None


def _too_large(scope: Scope) -> TooLarge:
    if scope["method"] == "PUT" and "/mlflow-artifacts/artifacts/" in scope["path"]:
        return limits.file_too_large()
    return TooLarge(f"A request has at most {BODY_BYTES} bytes; send it in parts.")
