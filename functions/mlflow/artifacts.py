"""MLflow's endpoints of artifacts (mlflow 3.18 `server/handlers.py`, `protos/mlflow_artifacts.proto`).

The bytes never pass through: who wants a file is sent to the team's vault with a presigned URL. Only what a
client insists on sending here, and what is small, is taken and put there. How files are sent in parts is in
`uploads.py`.

A stock client leaves a `?` and a `#` in a name as they are when it makes an address of it, so that a request
for `a?b` or `a#b` arrives as one for `a`. What a `?` cuts off arrives as a query, and is refused. What a `#`
cuts off is never sent: `delete_artifacts("a#b")` deletes `a`, and nothing here can tell.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from starlette.responses import Response

from functions import limits
from functions.access.principal import Principal
from functions.artifacts import service
from functions.artifacts.service import Place, Signed
from functions.errors import TooLarge, Unacceptable
from functions.ids import parse_model_id, parse_run_id
from functions.mlflow import places
from functions.mlflow.asks import Ask
from functions.mlflow.errors import missing
from functions.mlflow.shapes import Answer, Route, lean, page_of
from runhaven.wire.artifacts import Artifact


def located(ask: Ask) -> Place:
    """The file or directory that the request's path names; a directory may end with a slash.

    Raises:
        Unacceptable: it is no path, or a `?` in a name was taken for the beginning of a query.
        NotFound: it lies below no run and no logged model.
    """
    if ask.query:
        message = "A '?' in the name of an artifact must be sent as %3F, which this client does not do."
        raise Unacceptable(message, field="path")
    owner, path = service.located(ask.path["path"].removesuffix("/"))
    return Place(owner, places.carried(path))


def get(who: Principal, ask: Ask) -> Answer:
    """GET mlflow-artifacts/artifacts/{path}."""
    at = located(ask)
    return _sent_to(service.download_url(who, at.owner, at.path, bare=True))


def presigned(who: Principal, ask: Ask) -> Answer:
    """GET mlflow-artifacts/presigned/{path}. Without a size, which S3 would have to be asked for."""
    at = located(ask)
    return _url(service.download_url(who, at.owner, at.path))


def put(who: Principal, ask: Ask) -> Answer:
    """PUT mlflow-artifacts/artifacts/{path}."""
    at = located(ask)
    _store(who, at.owner, at.path, ask.body)
    return {}


def delete(who: Principal, ask: Ask) -> Answer:
    """DELETE mlflow-artifacts/artifacts/{path}: a file, or a directory with all that lies below."""
    at = located(ask)
    service.delete(who, at.owner, at.path)
    return {}


def listing(who: Principal, ask: Ask) -> Answer:
    """GET mlflow-artifacts/artifacts?path=…, by name; nothing for a file, or where there is none."""
    path = (ask.text("path") or "").removesuffix("/")
    if not path:
        return {}
    at = service.located(path)
    found = service.listing(who, at.owner, at.path)
    return lean(files=_files((one.path.rpartition("/")[2], one) for one in found))


def of_run(who: Principal, ask: Ask) -> Answer:
    """GET artifacts/list, by path below the run's root."""
    run_id = ask.run_id()
    found = service.listing(who, run_id, ask.text("path") or "")
    root = places.of_run(parse_run_id(run_id).experiment, run_id)
    return lean(root_uri=root, files=_files((one.path, one) for one in found))


def get_of_run(who: Principal, ask: Ask) -> Answer:
    """GET get-artifact, and as MLflow's page asks for it."""
    path = places.carried(ask.need("path"))
    return _sent_to(service.download_url(who, ask.run_id(), path, bare=True))


def put_of_run(who: Principal, ask: Ask) -> Answer:
    """POST upload-artifact: the body is the file."""
    run_id = _in_query(ask, "run_id") or _in_query(ask, "run_uuid")
    path = _in_query(ask, "path")
    for name, value in (("run_id", run_id), ("path", path), ("data", ask.body)):
        if not value:
            raise missing(name)
    _store(who, run_id, path, ask.body)
    return {}


def of_model(who: Principal, ask: Ask) -> Answer:
    """GET logged-models/{model_id}/artifacts/directories, by path below the model's root."""
    model_id = ask.path["model_id"]
    found = service.listing(who, model_id, ask.text("artifact_directory_path") or "")
    root = places.of_logged_model(parse_model_id(model_id).experiment, model_id)
    return lean(root_uri=root, files=_files((one.path, one) for one in found))


def get_of_model(who: Principal, ask: Ask) -> Answer:
    """GET logged-models/{model_id}/artifacts/files."""
    path, bare = ask.need("artifact_file_path"), not ask.flag("presigned")
    signed = service.download_url(who, ask.path["model_id"], path, bare=bare)
    return _sent_to(signed) if bare else _url(signed)


def presigned_upload_url(_who: Principal, ask: Ask) -> Answer:
    """POST artifacts/presigned-upload-url: for roots in a client's own bucket, which none is here."""
    if bool(ask.text("run_id")) == bool(ask.text("model_id")):
        message = "Exactly one of run_id and model_id must be provided."
        raise Unacceptable(message, field="run_id")
    ask.need("path")
    message = (
        "Presigned upload is not supported for proxied artifact storage: use mlflow-artifacts/mpu/create."
    )
    raise Unacceptable(message)


def presigned_download_url(_who: Principal, ask: Ask) -> Answer:
    """POST artifacts/presigned-download-url: likewise."""
    ask.need("run_id")
    ask.need("path")
    message = (
        "Presigned download is not supported for runs with proxied artifact storage:"
        " use mlflow-artifacts/presigned."
    )
    raise Unacceptable(message)


def _store(who: Principal, owner: str, path: str, body: bytes) -> None:
    if len(body) > limits.FILE_BYTES:
        raise limits.file_too_large()
    service.put(who, owner, places.kept(path), body)


def _in_query(ask: Ask, name: str) -> str:
    return next(iter(ask.query.get(name, ())), "")


def _sent_to(signed: Signed) -> Response:
    return Response(status_code=307, headers={"Location": signed.url})


def _url(signed: Signed) -> dict[str, Any]:
    return {"url": signed.url, "headers": signed.headers}


def _files(named: Iterable[tuple[str, Artifact]]) -> list[Any]:
    rows, whole = page_of(_shown(named))
    if not whole:
        message = f"The directory has more entries than one answer carries, {len(rows)}; list it by /v1."
        raise TooLarge(message, field="path")
    return list(rows)


def _shown(named: Iterable[tuple[str, Artifact]]) -> Iterator[dict[str, Any]]:
    for path, one in named:
        # A stock client gives up on a whole directory at the first name with a '#' (`validate_path_is_safe`).
        if "#" not in path:
            yield lean(path=path, is_dir=one.is_dir, file_size=None if one.is_dir else one.size)


ROUTES: tuple[Route, ...] = (
    Route("GET", "artifacts/list", of_run),
    Route("POST", "artifacts/presigned-upload-url", presigned_upload_url, writes=True),
    Route("POST", "artifacts/presigned-download-url", presigned_download_url, writes=True),
    Route("POST", "upload-artifact", put_of_run, writes=True),
    Route("GET", "logged-models/{model_id}/artifacts/directories", of_model),
    Route("GET", "logged-models/{model_id}/artifacts/files", get_of_model),
)
_FILE = "/mlflow-artifacts/artifacts/{path:path}"
BESIDE: tuple[Route, ...] = (
    Route("GET", "/mlflow-artifacts/artifacts", listing),
    Route("GET", "/mlflow-artifacts/presigned/{path:path}", presigned),
    Route("GET", _FILE, get),
    Route("PUT", _FILE, put, writes=True),
    Route("DELETE", _FILE, delete, writes=True),
)
AT_ROOT: tuple[Route, ...] = (Route("GET", "/get-artifact", get_of_run),)
