"""What a request must look like before anybody asks who sent it: pure ASGI, first in line.

A page at another origin can make a browser send requests to a house that it could not reach itself. So the
house answers to its own names only (a page that rebinds its name to this address is turned away), to its own
origins only, also in the preflight, and never says a word of CORS.
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

from functions import limits
from functions.errors import NotAllowed, TooLarge, Unacceptable
from functions.settings import settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Lambda takes 6 MB: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
BODY_BYTES = 6 * 1024 * 1024

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
    """Turn away what comes under a foreign name or from a foreign page, and what is no UTF-8."""

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
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
