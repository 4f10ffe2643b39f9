"""Every address of MLflow's interface, as Starlette endpoints: `ROUTES`.

MLflow serves the same endpoints under `/api` for programs and `/ajax-api` for its pages; ours answer under both
versions, 2.0 and 3.0.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from functions.mlflow import artifacts, experiments, logged_models, metrics, runs, workspaces
from functions.mlflow.shapes import Ask, Route, printed

PREFIXES = ("/api/2.0", "/api/3.0", "/ajax-api/2.0", "/ajax-api/3.0")


class Endpoint(NamedTuple):
    """An address: its method, its path as Starlette writes it, what answers there, and whether that changes anything."""

    method: str
    path: str
    endpoint: Callable[[Request], Awaitable[Response]]
    writes: bool


def _answered(route: Route) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        said = route.verb(getattr(request.state, "who", None), await _asked(request))
        return said if isinstance(said, Response) else printed(said)

    endpoint.__name__ = route.verb.__name__
    return endpoint


async def _asked(request: Request) -> Ask:
    query: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        query.setdefault(name, []).append(value)
    return Ask(request.method, query, request.path_params, await request.body(), request.headers.get("content-type"))


def _expanded() -> Iterator[Endpoint]:
    # What is called most stands first: Starlette looks at one route after the other.
    below: Iterable[Route] = (
        *metrics.ROUTES, *runs.ROUTES, *experiments.ROUTES, *workspaces.ROUTES,
        *logged_models.ROUTES, *artifacts.ROUTES,
    )  # fmt: skip
    for prefix in PREFIXES:
        for method, path, verb, writes in below:
            yield Endpoint(method, f"{prefix}/mlflow/{path}", _answered(Route(method, path, verb, writes)), writes)
        for route in artifacts.BESIDE:
            yield Endpoint(route.method, prefix + route.path, _answered(route), route.writes)
    for route in (*workspaces.AT_ROOT, *artifacts.AT_ROOT):
        yield Endpoint(route.method, route.path, _answered(route), route.writes)


ROUTES: tuple[Endpoint, ...] = tuple(_expanded())
