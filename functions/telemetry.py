"""One structured line per request, and the one logger that writes it."""

from typing import Any

from aws_lambda_powertools.logging import Logger

from functions.settings import settings

_loggers: list[Logger] = []


def logger() -> Logger:
    """The house's logger, made at the first call. Never hand it a header, a body or a token."""
    if not _loggers:
        _loggers.append(Logger(service="runhaven", level=settings().log_level, serialize_stacktrace=False))
    return _loggers[0]


def request_served(**fields: Any) -> None:
    """Log one request: method, route, status, milliseconds, team, principal."""
    logger().info("request", extra=fields)


def failure(where: str, **fields: Any) -> None:
    """Log the exception that is being handled, with its traceback."""
    logger().exception(where, extra=fields)
