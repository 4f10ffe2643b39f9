"""HTTP door: API Gateway to the app."""

from functools import cache
from typing import Any

from mangum import Mangum

from functions import garbage, telemetry
from functions.app import build


@cache
def _door() -> Any:
    door = telemetry.logger().inject_lambda_context(Mangum(build(), lifespan="off"))
    garbage.tune()
    return door


def handler(event: Any, context: Any) -> Any:
    """Answer one request of API Gateway's payload format 2.0."""
    return _door()(event, context)
