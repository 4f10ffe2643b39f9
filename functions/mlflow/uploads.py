"""How MLflow's clients send files past the house: `mlflow-artifacts/mpu/…`, as `http_artifact_repo.py` does.

A client asks where the parts of a file go, PUTs them there, and says when it is done. A file of one part is
written by that PUT already: its URL is for the whole object, its upload id is `SINGLE`, and what follows has
nothing left to do. So most uploads cost the house no call to S3.
"""

import ntpath
import re
from urllib.parse import unquote

from functions.access.principal import Principal
from functions.artifacts import service
from functions.artifacts.service import Place
from functions.errors import Unacceptable
from functions.ids import shown
from functions.mlflow import places
from functions.mlflow.artifacts import located
from functions.mlflow.asks import Ask
from functions.mlflow.errors import missing
from functions.mlflow.shapes import Answer, Route, lean

SINGLE = "single"
# More URLs would not fit into one answer: each carries the session's token and has some 2 kB. Where a path
# makes them longer, `begin_upload` takes fewer.
MOST_PARTS = 1500
_MOST_NUMBER = 10_000

_ESCAPED = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*", re.DOTALL)


def create(who: Principal, ask: Ask) -> Answer:
    """POST mlflow-artifacts/mpu/create/{directory}."""
    at, parts = _file(ask), ask.whole("num_parts", 0, _MOST_NUMBER) or 1
    if parts > MOST_PARTS:
        message = f"A file has at most {MOST_PARTS} parts; set MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE to more."
        raise Unacceptable(message, field="num_parts")
    if parts == 1:
        upload_id, signed = SINGLE, [service.upload_url(who, at.owner, at.path)]
    else:
        upload_id, signed = service.begin_upload(who, at.owner, at.path, parts)
    credentials = [
        lean(url=one.url, part_number=number, headers=one.headers) for number, one in enumerate(signed, 1)
    ]
    return {"upload_id": upload_id, "credentials": credentials}


def complete(who: Principal, ask: Ask) -> Answer:
    """POST mlflow-artifacts/mpu/complete/{directory}."""
    at, upload_id, sent = _file(ask), ask.need("upload_id"), ask.objects("parts")
    parts = [(one.need_whole("part_number", 1, _MOST_NUMBER), one.text("etag") or "") for one in sent]
    if not parts:
        raise missing("parts")
    if upload_id == SINGLE:
        service.demand_upload(who, at.owner)
    else:
        service.complete_upload(who, at.owner, at.path, upload_id, parts)
    return {}


def abort(who: Principal, ask: Ask) -> Answer:
    """POST mlflow-artifacts/mpu/abort/{directory}."""
    at, upload_id = _file(ask), ask.need("upload_id")
    if upload_id == SINGLE:
        service.demand_upload(who, at.owner)
    else:
        service.abort_upload(who, at.owner, at.path, upload_id)
    return {}


def _file(ask: Ask) -> Place:
    directory, name = located(ask), _name(ask.need("path"))
    return Place(directory.owner, places.kept(f"{directory.path}/{name}" if directory.path else name))


def _name(text: str) -> str:
    """The name of the file that a client sends.

    Before 3.18 it tells the whole path on its own machine, which may be Windows. In an address a name is
    decoded once, but only if each `%` begins an escape, since the client escapes them otherwise; here it
    must come out the same, or the file could not be fetched by its name.

    Raises:
        Unacceptable: there is none.
    """
    name = ntpath.basename(text)
    if "%" in name and _ESCAPED.fullmatch(name):
        try:
            name = ntpath.basename(unquote(name, errors="strict"))
        except UnicodeDecodeError:
            name = ""
    if not name:
        why = "it must end with the name of a file, in UTF-8."
        raise Unacceptable(f"Invalid path {shown(text)} for 'path': {why}", field="path")
    return name


BESIDE: tuple[Route, ...] = tuple(
    Route("POST", f"/mlflow-artifacts/mpu/{verb.__name__}/{{path:path}}", verb, writes=True)
    for verb in (create, complete, abort)
)
