"""Every address of MLflow's interface, as Starlette endpoints: `ROUTES`.

MLflow serves the same endpoints under `/api` for programs and `/ajax-api` for its pages; ours answer under
both, in both versions, 2.0 and 3.0.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from functions.errors import Unacceptable
from functions.mlflow import (
    artifacts,
    experiments,
    logged_models,
    metrics,
    runs,
    unserved,
    uploads,
    workspaces,
)
from functions.mlflow.asks import Ask
from functions.mlflow.shapes import Route, printed

PREFIXES = ("/api/2.0", "/api/3.0", "/ajax-api/2.0", "/ajax-api/3.0")


class Endpoint(NamedTuple):
    """An address.

    Attributes:
        method: its HTTP method.
        path: its path as Starlette writes it.
        endpoint: what answers there.
        writes: whether that changes anything.
    """

    method: str
    path: str
    endpoint: Callable[[Request], Awaitable[Response]]
    writes: bool


def _answered(route: Route) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        # Nobody, where no credential is asked for; those verbs do not look.
        who: Any = request.scope["state"].get("who")
        said = route.verb(who, await _asked(request))
        return said if isinstance(said, Response) else printed(said)

    endpoint.__name__ = route.verb.__name__
    return endpoint


async def _asked(request: Request) -> Ask:
    if "\n" in request.scope["path"]:
        # Starlette's routes drop one at the end, and the request would mean another file.
        raise Unacceptable("The path has a line break.", field="path")
    query: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        query.setdefault(name, []).append(value)
    content_type, body = request.headers.get("content-type"), await request.body()
    return Ask(request.method, content_type, query, request.path_params, body)


def _expanded() -> Iterator[Endpoint]:
    # What is called most stands first: Starlette looks at one route after the other.
    below: Iterable[Route] = (
        *metrics.ROUTES, *runs.ROUTES, *experiments.ROUTES, *workspaces.ROUTES,
        *logged_models.ROUTES, *artifacts.ROUTES, *unserved.ROUTES,
    )  # fmt: skip
    for prefix in PREFIXES:
        for route in below:
            yield Endpoint(route.method, f"{prefix}/mlflow/{route.path}", _answered(route), route.writes)
        for route in (*uploads.BESIDE, *artifacts.BESIDE):
            yield Endpoint(route.method, prefix + route.path, _answered(route), route.writes)
    for route in (*workspaces.AT_ROOT, *artifacts.AT_ROOT, *unserved.AT_ROOT):
        yield Endpoint(route.method, route.path, _answered(route), route.writes)


ROUTES: tuple[Endpoint, ...] = tuple(_expanded())
