"""What MLflow's clients may ask that this house does not serve: 501 at once, which clients do not retry.

A client takes 501 on a multipart or presigned route for "not supported" and any other answer for a failure
(mlflow 3.18 `store/artifact/http_artifact_repo.py`).
"""

from functions.access.principal import Principal
from functions.mlflow.asks import Ask
from functions.mlflow.errors import not_built
from functions.mlflow.shapes import Answer, Route, Verb

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def artifacts(_who: Principal, _ask: Ask) -> Answer:
    """Files of runs and logged models."""
    what = "artifacts"
    raise not_built(what)


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
    ("artifacts/{path:path}", artifacts),
    ("logged-models/{model_id}/artifacts/{path:path}", artifacts),
    ("upload-artifact", artifacts),
    ("registered-models/{path:path}", registry),
    ("model-versions/{path:path}", registry),
    ("webhooks", webhooks),
    ("webhooks/{path:path}", webhooks),
    ("traces", traces),
    ("traces/{path:path}", traces),
)
_ELSEWHERE = (
    ("/mlflow-artifacts/artifacts", artifacts),
    ("/mlflow-artifacts/{path:path}", artifacts),
)
_AT_ROOT = (
    ("/get-artifact", artifacts),
    ("/model-versions/get-artifact", registry),
    ("/v1/traces", traces),
)


def _routes(places: tuple[tuple[str, Verb], ...]) -> tuple[Route, ...]:
    return tuple(
        Route(method, path, verb, writes=method != "GET") for path, verb in places for method in _METHODS
    )


# Below `mlflow/`, beside `mlflow/`, and at the root of the address.
ROUTES, BESIDE, AT_ROOT = _routes(_PLACES), _routes(_ELSEWHERE), _routes(_AT_ROOT)
