"""GET /: the page. MLflow's links to runs arrive here too; what follows the `#` stays in the browser."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from functions.ui.page import page


class Endpoint(NamedTuple):
    """An address: its method and path, what answers there, and whether that changes anything."""

    method: str
    path: str
    endpoint: Callable[[Request], Awaitable[Response]]
    writes: bool


async def front(request: Request) -> Response:
    """The page, or 304 where the browser still has it."""
    known = page()
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": known.policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "ETag": known.etag,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    held = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if held & {known.etag, "*"}:
        return Response(status_code=304, headers=headers)
    return Response(known.body, headers=headers, media_type="text/html")


ROUTES: tuple[Endpoint, ...] = (Endpoint("GET", "/", front, writes=False),)
