"""The caller, as the endpoints of the native API take him. Imported lazily, with FastAPI."""

from typing import Annotated, Any

from fastapi import Depends, Request

from functions.access.principal import Principal

#: `openapi_extra` of an endpoint that changes nothing although its method is POST, or that a viewer may call.
READS: dict[str, Any] = {"x-runhaven-writes": False}


async def _caller(request: Request) -> Principal:
    who: Principal = request.state.who
    return who


Who = Annotated[Principal, Depends(_caller)]
