"""The endpoints that are served, as the dialect's own table of routes has them."""

from functions.mlflow.routes import ROUTES

PREFIX = "/api/2.0/mlflow/"
_NOT_SERVED = ("artifact", "registered-models", "model-versions", "webhooks", "traces", "workspaces/")


def filled(path):
    """A route's path with its placeholders filled."""
    plain = path.replace("{path:path}", "x").replace("{tag_key:path}", "k")
    return plain.format(model_id="m-" + "0" * 32, name="default")


# Every endpoint that takes a JSON body and is served, as (method, path below the prefix).
BODIED = sorted(
    (method, filled(path).removeprefix(PREFIX))
    for method, path, *_ in ROUTES
    if path.startswith(PREFIX)
    and method in {"POST", "PATCH"}
    and not any(word in path for word in _NOT_SERVED)
)
# Every endpoint that takes a query.
QUERIED = sorted({filled(path) for method, path, *_ in ROUTES if method == "GET" and path.startswith(PREFIX)})
