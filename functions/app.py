"""Puts the house together: who may enter, where each request goes, and how errors are spoken, once."""

import json
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from functions import telemetry, tenancy
from functions.access import credentials
from functions.access.credentials import Identity
from functions.access.grants import beyond_logging, to_write
from functions.access.policy import may_found
from functions.access.principal import Principal
from functions.errors import (
    AlreadyExists,
    HouseError,
    NoSuchRoute,
    NotFound,
    Unacceptable,
    WrongMethod,
)
from functions.experiments import service as experiments
from functions.guard import App, Message, Receive, Scope, Send, guarded, limited, single
from functions.ids import shown
from functions.mlflow.routes import ROUTES
from functions.native import checked
from functions.settings import settings
from functions.teams import service as teams
from functions.ui.routes import ROUTES as PAGE

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI
    from fastapi.routing import APIRoute

Endpoint = Callable[[Request], Awaitable[Response]]

# What is answered without a credential, also below /t/<team>.
OPEN = frozenset({
    "/",
    "/health",
    "/version",
    "/api/3.0/mlflow/server-info",
    "/ajax-api/3.0/mlflow/server-info",
    "/v1/openapi.json",
})  # fmt: skip
_NATIVE = "/v1"
_WORKSPACES = "/(?:ajax-)?api/[23][.]0/mlflow/workspaces"
# What belongs to no team: it lists the caller's teams, or creates one.
_BESIDE_TEAMS = re.compile(f"{_NATIVE}/(?:teams|me|admins/first)|{_WORKSPACES}")
# Whose path names the team of the request.
_OF_TEAM = re.compile(f"(?:{_NATIVE}/teams|{_WORKSPACES})/([^/]+)(?:/.*)?", re.DOTALL)
# Where a token of scope `log` gets as far as the verb: what a client needs to log its own runs.
_LOGS = re.compile(
    r"(?:GET|POST) /(?:ajax-)?api/[23][.]0/mlflow/(?:server-info|experiments/(?:get|get-by-name|create)"
    r"|runs/(?:create|get|update|set-tag|delete-tag|outputs|log-(?:metric|parameter|batch|inputs|model)))"
    r"|(?:GET|PUT) /(?:ajax-)?api/[23][.]0/mlflow-artifacts/artifacts(?:/{path:path})?"
    r"|GET /(?:ajax-)?api/[23][.]0/mlflow-artifacts/presigned/{path:path}"
    r"|POST /(?:ajax-)?api/[23][.]0/mlflow-artifacts/mpu/(?:create|complete|abort)/{path:path}"
    r"|POST /(?:ajax-)?api/[23][.]0/mlflow/upload-artifact"
    r"|(?:GET|POST) /v1/experiments|GET /v1/experiments/{experiment_id}"
    r"|POST /v1/runs|(?:GET|PATCH) /v1/runs/{run_id}|POST /v1/runs/{run_id}/(?:log|inputs|outputs)"
    r"|GET /v1/runs/{owner}/artifacts(?:/versions)?"
    r"|POST /v1/runs/{owner}/artifacts:(?:upload|complete|download)"
    r"|PATCH /v1/runs/{run_id}/texts|DELETE /v1/runs/{run_id}/tags/{key:path}"
)
_ALWAYS = (
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
)


class Verb(NamedTuple):
    """What a path does for a method, and whether that changes anything."""

    endpoint: Endpoint
    writes: bool


def build() -> Starlette:
    """The whole house as an ASGI app."""
    verbs: dict[str, dict[str, Verb]] = {}
    for method, path, endpoint, writes in (*ROUTES, *PAGE):
        verbs.setdefault(path, {})[method] = Verb(endpoint, writes)
    routes: list[BaseRoute] = [Route(path, Door(path, by_method)) for path, by_method in verbs.items()]
    app = Starlette(
        routes=[*routes, Mount(_NATIVE, Native())],
        middleware=[Middleware(_entrance)],
        exception_handlers={HTTPException: _speak},
    )
    app.router.redirect_slashes = False
    app.router.default = _nowhere
    return app


def every_route(app: Starlette) -> list[tuple[str, str, bool]]:
    """Each method and path that the app serves, and whether it changes anything."""
    found: list[tuple[str, str, bool]] = []
    for route in app.routes:
        if isinstance(route, Route) and isinstance(route.endpoint, Door):
            found += [(method, route.path, verb.writes) for method, verb in route.endpoint.verbs.items()]
        elif isinstance(route, Mount) and isinstance(route.app, Native):
            found += [(method, _NATIVE + path, writes) for method, path, writes in route.app.every_route()]
    return found


class Door:
    """One path: finds the verb for the method, and asks whether the caller may write before it is called."""

    def __init__(self, path: str, verbs: Mapping[str, Verb]) -> None:
        self.path, self.verbs = path, verbs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for this path."""
        verb = self.verbs.get(scope["method"])
        if verb is None:
            raise _wrong_method(scope, self.verbs)
        _may_enter(scope, self.path, writes=verb.writes)
        response = await verb.endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


class Native:
    """The native API. FastAPI and pydantic cost half a second: they come with the first request below /v1."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request below /v1."""
        await self._app(scope, await checked(receive), send)

    def every_route(self) -> list[tuple[str, str, bool]]:
        """Each method and path below /v1, and whether it changes anything."""
        served = [
            (method, each.path, _writes(each, method))
            for each in self._routes
            for method in each.methods or ()
        ]
        return [("GET", "/openapi.json", False), *served]

    @cached_property
    def _routers(self) -> "list[APIRouter]":
        from functions.access import routes as access
        from functions.artifacts import routes as artifacts
        from functions.artifacts import vault_routes
        from functions.datasets import routes as datasets
        from functions.experiments import routes as experiments_routes
        from functions.logged_models import routes as logged_models
        from functions.metrics import routes as metrics
        from functions.runs import routes as runs
        from functions.search import routes as search
        from functions.teams import routes as teams_routes

        rooms = (search, metrics, runs, logged_models, artifacts, datasets, experiments_routes, access)
        routers = [room.router for room in (*rooms, vault_routes)]
        return [*routers, teams_routes.router(experiments.founding)]

    @cached_property
    def _routes(self) -> "list[APIRoute]":
        from fastapi.routing import APIRoute

        return [each for router in self._routers for each in router.routes if isinstance(each, APIRoute)]

    @cached_property
    def _app(self) -> "FastAPI":
        from fastapi import Depends, FastAPI
        from fastapi.exceptions import RequestValidationError

        app = FastAPI(
            title="Runhaven",
            version="1",
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            responses={"4XX": _PROBLEM},
            exception_handlers={
                HouseError: _speak,
                HTTPException: self._speak_framework,
                RequestValidationError: _speak_validation,
                Exception: _speak,
            },
            telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        )
        for router in self._routers:
            app.include_router(router, dependencies=[Depends(_native_gate)])
        return app

    async def _speak_framework(self, request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 405:
            path = request.scope["state"]["path"].removeprefix(_NATIVE)
            own = [each for each in self._app.routes if isinstance(each, Route)]
            there = [each for each in (*own, *self._routes) if each.path_regex.match(path)]
            here = {method for each in there for method in each.methods or ()}
            error = _wrong_method(request.scope, here)
        return await _speak(request, error)


_PROBLEM: dict[str, Any] = {
    "description": "What was wrong with the request.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["error_code", "message"],
                "properties": {name: {"type": "string"} for name in ("error_code", "message", "field")},
            }
        }
    },
}


def _writes(route: "APIRoute", method: str) -> bool:
    said = (route.openapi_extra or {}).get("x-runhaven-writes")
    reads = method in {"GET", "HEAD"} or route.path.endswith("/search")
    return not reads if said is None else bool(said)


async def _native_gate(request: Request) -> None:
    route: APIRoute = request.scope["route"]
    _may_enter(request.scope, _NATIVE + route.path, writes=_writes(route, request.method))


def _may_enter(scope: Scope, route: str, *, writes: bool) -> None:
    state = scope["state"]
    state["route"] = route
    if "who" in state and not _LOGS.fullmatch(f"{scope['method']} {route}"):
        beyond_logging(state["who"])
    if writes:
        to_write(state["who"], beside_teams=_BESIDE_TEAMS.fullmatch(state["path"]) is not None)


def _entrance(app: App) -> App:
    served = _spoken(guarded(limited(_below_team(_authenticated(app)))))

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await (served if scope["type"] == "http" else app)(scope, receive, send)

    return door


def _below_team(app: App) -> App:
    """Find the team that the request names: in the header, before the path as /t/<team>, or in it."""

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        state, path = scope["state"], scope["path"]
        named = {single(scope, b"x-mlflow-workspace")} - {None, ""}
        prefix, (team, _, rest) = path[:3], path[3:].partition("/")
        if prefix == "/t/" and team:
            named.add(team)
            path = f"/{rest}"
            scope = {**scope, "root_path": f"/t/{team}", "path": f"/t/{team}{path}"}
        state["path"], state["may_open"] = path, bool(named)
        if inside := _OF_TEAM.fullmatch(path):
            named.add(inside[1])
        state["named"] = named
        await app(scope, receive, send)

    return door


def _authenticated(app: App) -> App:
    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        state, team = scope["state"], None
        if state["path"] not in OPEN:
            who = _caller(credentials.identify(single(scope, b"authorization")), state)
            state["who"], team = who, who.team
        with tenancy.inside(team):
            await app(scope, receive, send)

    return door


def _caller(identity: Identity, state: Mapping[str, Any]) -> Principal:
    if len(state["named"]) > 1:
        raise Unacceptable("The request names several teams: in path and X-MLFLOW-WORKSPACE.", field="team")
    named, needs_team = next(iter(state["named"]), None), _BESIDE_TEAMS.fullmatch(state["path"]) is None
    try:
        return credentials.enter(identity, named, needs_team=needs_team)
    except NotFound:
        if named is None or not (settings().auto_teams and state["may_open"]):
            raise
        who = credentials.enter(identity, None, needs_team=False)
        if not may_found(who).allowed:
            raise
    with suppress(AlreadyExists):  # by another request, or it is somebody else's: the next line tells
        teams.create(who, named, experiments.founding)
    return credentials.enter(identity, named, needs_team=needs_team)


def _spoken(app: App) -> App:
    """Answer every error in the same words, and log one line for the request."""

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        start, method, status = time.perf_counter(), scope["method"], 0
        state = {**scope.get("state", {}), "path": scope["path"]}
        scope = {**scope, "state": state, "method": "GET" if method == "HEAD" else method}

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": _completed(message.get("headers", ()))}
            elif method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        try:
            await app(scope, receive, answer)
        except ClientDisconnect:
            status = status or 499
        except Exception as error:  # noqa: BLE001  (the door: unknown errors are written down here, once)
            if not isinstance(error, HouseError | HTTPException):
                telemetry.failure("request failed", method=method, route=state.get("route"))
            if not status:
                await _answer(error, state)(scope, receive, answer)
        _log(state, method, status, start)

    return door


def _completed(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, with those that every answer has and this one does not set itself."""
    given = list(headers)
    names = {name.lower() for name, _ in given}
    return [*(each for each in _ALWAYS if each[0] not in names), *given]


async def _nowhere(scope: Scope, _receive: Receive, _send: Send) -> None:
    raise NoSuchRoute(f"Nothing is served at {shown(scope['state']['path'])}.")


def _wrong_method(scope: Scope, here: Iterable[str]) -> WrongMethod:
    methods = {*here, *({"HEAD"} if "GET" in here else ())}
    scope["state"]["allow"] = ", ".join(sorted(methods))
    return WrongMethod(f"{shown(scope['state']['path'])} does not take {shown(scope['method'])}.")


async def _speak(request: Request, error: Exception) -> Response:
    return _answer(error, request.scope["state"])


async def _speak_validation(request: Request, error: Exception) -> Response:
    """FastAPI's first complaint, with the field that it is about."""
    first = error.errors()[0] if hasattr(error, "errors") else {}
    place = [str(part) for part in first.get("loc", ())]
    if first.get("type") == "json_invalid" or len(place) < 2:
        return await _speak(request, Unacceptable("The body must be a JSON object.", field="body"))
    field = shown(".".join(place[1:]))[1:-1]
    return await _speak(request, Unacceptable(f"{field}: {first.get('msg', 'invalid')}.", field=field))


def _answer(error: BaseException, state: Mapping[str, Any]) -> Response:
    """An error as it is answered: its code and sentence, never an unknown exception's own text."""
    while isinstance(error, HTTPException):
        error = _house_error(error)
    if not isinstance(error, HouseError):
        error = HouseError("Something went wrong in the house. It was written down.")
    body = {"error_code": error.code, "message": error.message}
    headers = {}
    if error.field is not None:
        body["field"] = error.field
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, WrongMethod):
        headers["Allow"] = state.get("allow", "")
    return Response(json.dumps(body), error.status, headers, "application/json")


def _house_error(error: HTTPException) -> HouseError:
    """The framework's error as one of ours. It wraps what is raised while it reads a body."""
    if isinstance(error.__cause__, HouseError):
        return error.__cause__
    if error.status_code == 404:
        return NoSuchRoute("Nothing is served here.")
    return Unacceptable(str(error.detail)) if error.status_code < 500 else HouseError("The house failed.")


def _log(state: Mapping[str, Any], method: str, status: int, start: float) -> None:
    who: Principal | None = state.get("who")
    telemetry.request_served(
        method=method,
        route=state.get("route") or shown(state["path"]),
        status=status,
        milliseconds=round((time.perf_counter() - start) * 1000, 1),
        team=who.team if who else None,
        user=who.sub if who else None,
        token=who.token if who else None,
    )
