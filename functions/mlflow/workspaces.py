"""Teams as MLflow's workspaces, and what a client asks a server before anything else."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import PlainTextResponse

from functions.access.principal import Principal
from functions.errors import Unacceptable
from functions.experiments import service as experiments
from functions.mlflow import places
from functions.mlflow.asks import Ask
from functions.mlflow.errors import not_built
from functions.mlflow.shapes import Answer, Route, lean, page_of, printed
from functions.teams import service
from runhaven.wire.teams import Team

# The version whose protocol this room was read from; clients compare it before they send traces.
PROTOCOL = "3.18.0"

# mlflow 3.18 `utils/server_info.py` and `server/handlers.py`, `build_server_info_payload`. It is answered
# without credentials, so it says what this software can do and nothing about what it holds.
#
# Clients since 3.18 send and fetch every file by presigned URLs, because `artifacts_presigned_only` says so.
# Those since 3.15 look at the two flags of multipart: with that of uploads they send files of 500 MB and more
# in parts. With that of downloads they would ask for a URL, find no size beside it, and fetch as without it.
_INFO: Mapping[str, Any] = {
    "store_type": None,
    "workspaces_enabled": True,
    "trace_archival_enabled": False,
    "multipart_uploads_enabled": True,
    "multipart_downloads_enabled": False,
    "artifact_serving_enabled": True,
    "presigned_upload_run_id_supported": False,
    "presigned_upload_model_id_supported": False,
    "model_artifact_presigned_downloads_supported": False,
    "features_enabled": {"gateway": False, "scheduled_issue_detection": False},
    "tracking_auth": "",
    "artifacts_presigned_only": True,
}


def info(_who: Principal, _ask: Ask) -> Answer:
    """GET server-info."""
    return _INFO


def health(_who: Principal, _ask: Ask) -> Answer:
    """GET /health."""
    return PlainTextResponse("OK")


def version(_who: Principal, _ask: Ask) -> Answer:
    """GET /version: the newest MLflow whose protocol is spoken here."""
    return PlainTextResponse(PROTOCOL)


def listing(who: Principal, _ask: Ask) -> Answer:
    """GET workspaces: the caller's teams."""
    shown, page = [], service.listing(who)
    while True:
        shown += [_shown(team) for team in page.teams]
        if page.next is None:
            return lean(workspaces=page_of(shown)[0])
        page = service.listing(who, after=page.next)


def create(who: Principal, ask: Ask) -> Answer:
    """POST workspaces."""
    name = ask.need("name")
    _refuse_places(ask)
    made = service.create(who, name, experiments.founding, description=ask.text("description") or "")
    return printed({"workspace": _shown(made)}, 201)


def get(who: Principal, _ask: Ask) -> Answer:
    """GET workspaces/{name}: the path's team is the team of the request."""
    return {"workspace": _shown(service.get(who))}


def update(who: Principal, ask: Ask) -> Answer:
    """PATCH workspaces/{name}."""
    _refuse_places(ask)
    description = ask.text("description")
    if description is None:
        message = "Workspace update must have at least one key: 'description'."
        raise Unacceptable(message, field="description")
    return {"workspace": _shown(service.update(who, description=description))}


def delete(_who: Principal, _ask: Ask) -> Answer:
    """DELETE workspaces/{name}."""
    what = "the deletion of teams"
    raise not_built(what)


def _refuse_places(ask: Ask) -> None:
    places.refuse(ask.text("default_artifact_root"), "default_artifact_root")
    archive = ask.inner("trace_archival_config")
    if archive is not None:
        places.refuse(archive.text("location"), "trace_archival_config.location")


def _shown(team: Team) -> dict[str, Any]:
    return lean(name=team.name, description=team.description or None)


ROUTES: tuple[Route, ...] = (
    Route("GET", "server-info", info),
    Route("GET", "workspaces", listing),
    Route("POST", "workspaces", create, writes=True),
    Route("GET", "workspaces/{name}", get),
    Route("PATCH", "workspaces/{name}", update, writes=True),
    Route("DELETE", "workspaces/{name}", delete, writes=True),
)
AT_ROOT: tuple[Route, ...] = (Route("GET", "/health", health), Route("GET", "/version", version))
