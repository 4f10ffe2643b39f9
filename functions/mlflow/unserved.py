"""What MLflow's clients may ask that this house does not serve: 501 at once, which clients do not retry."""

from functions.access.principal import Principal
from functions.mlflow.asks import Ask
from functions.mlflow.errors import not_built
from functions.mlflow.shapes import Answer, Route

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def registry(_who: Principal, _ask: Ask) -> Answer:
    """Registered models, their versions, aliases and prompts."""
    what = "the model registry"
    raise not_built(what)


def webhooks(_who: Principal, _ask: Ask) -> Answer:
    """Webhooks."""
    what = "webhooks"
    raise not_built(what)


def traces(_who: Principal, _ask: Ask) -> Answer:
    """Traces of language models."""
    what = "traces"
    raise not_built(what)


_PLACES = (
    ("registered-models/{path:path}", registry),
    ("model-versions/{path:path}", registry),
    ("webhooks", webhooks),
    ("webhooks/{path:path}", webhooks),
    ("traces", traces),
    ("traces/{path:path}", traces),
)
_AT_ROOT = (
    ("/model-versions/get-artifact", registry),
    ("/v1/traces", traces),
)

_READS = frozenset({"GET"})


def _routes(places: tuple[tuple[str, object], ...]) -> tuple[Route, ...]:
    return tuple(
        Route(method, path, verb, writes=method not in _READS)  # type: ignore[arg-type]
        for path, verb in places
        for method in METHODS
    )


# Below `mlflow/`, and at the root of the address.
ROUTES, AT_ROOT = _routes(_PLACES), _routes(_AT_ROOT)
