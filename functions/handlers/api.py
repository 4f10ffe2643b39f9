"""HTTP door: API Gateway to the app."""

import random
from functools import cache
from typing import Any
from urllib.parse import quote

from mangum import Mangum

from functions import garbage, telemetry
from functions.app import build


@cache
def _door() -> Any:
    door = telemetry.logger().inject_lambda_context(Mangum(build(), lifespan="off"))
    garbage.tune()
    # What starts from one snapshot would draw the same numbers, and give its runs the same names:
    # https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
    random.seed()
    return door


def handler(event: Any, context: Any) -> Any:
    """Answer one request of API Gateway's payload format 2.0."""
    request = event["requestContext"]["http"]
    # An HTTP API has decoded the path already, and Mangum decodes what comes from elsewhere encoded:
    # https://github.com/middleapi/standard-server/pull/93
    request["path"] = quote(request["path"])
    return _door()(event, context)
