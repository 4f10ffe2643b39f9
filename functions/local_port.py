"""The laptop's S3 port: objects by presigned URL on loopback, and nothing else.

GET, HEAD, PUT and DELETE of /<bucket>/<key>, signed in the query by a session of this house, are answered;
lists, other verbs and whatever else moto could do are not there. It answers to the house's names only and to
pages of the house's own origins, as the API does, and of CORS it says what such a page needs to hear.
"""

import asyncio
import re
import socket
import threading
from collections.abc import AsyncIterator, Mapping
from typing import Self
from urllib.parse import unquote_to_bytes

import uvicorn
from starlette.requests import ClientDisconnect

from functions import local_answers as answers
from functions import telemetry
from functions.errors import HouseError
from functions.guard import Message, Receive, Scope, Send, guarded, single
from functions.local_answers import Answer, Arrival, Place
from functions.local_bucket import LocalBuckets
from functions.local_objects import Refused
from functions.local_signed import AUTH, Request, Session, action, parameters, signer
from functions.settings import settings

HOST = "127.0.0.1"
MOST_BYTES = 5 * 1024**3  # of one PUT, as on AWS
_PORT = "port"
_PATH = re.compile(rb"/([^/]+)/(.+)", re.DOTALL)
# What a request may say in its query, beside its signature: the rest would mean something that is not done.
_KNOWN = {
    "GET": re.compile(r"versionid|x-id|response-[a-z-]+"),
    "HEAD": re.compile(r"versionid|x-id|response-[a-z-]+"),
    "PUT": re.compile(r"partnumber|uploadid|x-id|x-amz-.+"),
    "DELETE": re.compile(r"versionid|x-id"),
}
_HEADER_NAMES = re.compile(r"[A-Za-z0-9, -]{0,1000}")
_EXPOSED = "ETag, Content-Range, Accept-Ranges, x-amz-version-id, x-amz-checksum-sha256"
# The bytes are anybody's: no page may be made of them that could do anything.
_ALWAYS = {
    "cache-control": "no-store",
    "content-security-policy": "sandbox",
    "cross-origin-resource-policy": "same-site",
    "x-content-type-options": "nosniff",
}


class Port:
    """A port that is bound when it is made, so that its `url` is known, and open from `start` to `close`.

    It is the one that the folder's last house had, where it is free: URLs of before still work then.
    """

    def __init__(self, buckets: LocalBuckets) -> None:
        kept = buckets.objects.note(_PORT)
        self._socket = _bound(int(kept)) if kept else _bound(0)
        number = self._socket.getsockname()[1]
        buckets.objects.write_note(_PORT, str(number))
        self.url = f"http://{HOST}:{number}"
        config = uvicorn.Config(
            Door(buckets),
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="s3", daemon=True)

    def start(self) -> None:
        """Begin to answer, by the rules of the settings."""
        self._socket.listen(2048)  # whoever comes before the thread is ready waits, and is not turned away
        self._thread.start()

    def close(self) -> None:
        """End, after a moment for what is under way."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])


class Door:
    """The ASGI app behind the port."""

    def __init__(self, buckets: LocalBuckets) -> None:
        self._buckets = buckets
        self._served = guarded(self._serve)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, a refusal in S3's own words."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._served(_as_if_same_origin(scope), receive, answer)
        except ClientDisconnect:
            return
        except Exception as error:
            if not isinstance(error, HouseError | Refused):
                telemetry.failure("the S3 port failed", method=scope["method"])
            if begun:
                raise
            await _send(_refusal(error), scope, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _PATH.fullmatch(scope["raw_path"])
        if found is None:
            raise Refused(403, "AccessDenied", "Only objects are served here.")
        if scope["method"] == "OPTIONS":
            await _send(_preflight(scope), scope, send)
            return
        if scope["method"] not in _KNOWN:
            raise Refused(403, "AccessDenied", f"{scope['method']} is not served here.")
        headers = _headers(scope)
        asked = Request(scope["method"], scope["raw_path"], scope["query_string"], headers)
        name, key = (unquote_to_bytes(part).decode() for part in found.groups())
        session, place, query = self._permitted(asked, name, key)
        if asked.method == "PUT":
            answer = await self._taken(place, query, headers, receive)
        elif asked.method == "DELETE":
            answer = answers.delete(self._buckets.objects, place, query.get("versionid", ""))
        else:
            answer = self._buckets.read(session, place, asked)
        await _send(answer, scope, send)

    def _permitted(self, asked: Request, name: str, key: str) -> tuple[Session, Place, dict[str, str]]:
        """Who has signed, the object that is asked for, and the query without what is the signature's.

        Raises:
            Refused: who has signed may not do that, or it is not done here.
        """
        session = signer(asked, self._buckets.session)
        query = {name.lower(): value for name, value in parameters(asked.query)}
        query = {name: value for name, value in query.items() if name not in AUTH}
        for unknown in (name for name in query if not _KNOWN[asked.method].fullmatch(name)):
            raise Refused(403, "AccessDenied", f"{unknown} is not served here.")
        bucket = self._buckets.bucket(name)
        if asked.headers.get("x-amz-expected-bucket-owner", bucket.account_id) != bucket.account_id:
            raise Refused(403, "AccessDenied", "Access Denied")
        self._buckets.permit(session, action(asked.method, query, of_object=True), bucket, key)
        return session, Place(name, key, bucket.is_versioned), query

    async def _taken(
        self, place: Place, query: dict[str, str], headers: Mapping[str, str], receive: Receive
    ) -> Answer:
        """Store a body, as it comes.

        Raises:
            ClientDisconnect: it ended too early; nothing is stored.
        """
        length = headers.get("content-length", "")
        if not length.isdecimal():
            raise Refused(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
        if int(length) > MOST_BYTES:
            raise Refused(400, "EntityTooLarge", f"One PUT takes {MOST_BYTES} bytes; send it in parts.")
        said = {name: value for name, value in query.items() if name.startswith("x-amz-")} | dict(headers)
        arrival = Arrival(self._buckets.uploads, place, said, query)
        try:
            async for chunk in _chunks(receive):
                arrival.write(chunk)
        except BaseException:
            arrival.discard()
            raise
        return await asyncio.to_thread(arrival.finish)


def _bound(port: int) -> socket.socket:
    # Said to be TCP, so that asyncio switches Nagle's algorithm off: it costs 40 ms a request.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
    except OSError:
        bound.close()
        if not port:
            raise
        return _bound(0)
    return bound


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        yield message.get("body", b"")
        more = message.get("more_body", False)


def _headers(scope: Scope) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _as_if_same_origin(scope: Scope) -> Scope:
    """Let the house's own page show an object: asking for an image it sends no Origin, but says `same-site`.

    So does one of another port's page, but that would have to know the signed URL already.
    """
    said = (b"sec-fetch-site", b"same-site")
    if scope["method"] not in {"GET", "HEAD"} or said not in scope["headers"]:
        return scope
    return {**scope, "headers": [each for each in scope["headers"] if each != said]}


def _preflight(scope: Scope) -> Answer:
    wanted = single(scope, b"access-control-request-headers") or ""
    if single(scope, b"origin") is None or not _HEADER_NAMES.fullmatch(wanted):
        raise Refused(403, "AccessForbidden", "This is no preflight of a page.")
    allowed = {"access-control-allow-methods": ", ".join(_KNOWN), "access-control-max-age": "3600"}
    return Answer(200, allowed | ({"access-control-allow-headers": wanted} if wanted else {}))


def _refusal(error: Exception) -> Answer:
    if isinstance(error, HouseError):
        error = Refused(
            error.status, "AccessDenied" if error.status == 403 else "InvalidRequest", error.message
        )
    if not isinstance(error, Refused):
        error = Refused(500, "InternalError", "Something went wrong in the house. It was written down.")
    headers = {"content-type": "application/xml", "content-length": str(len(error.xml))}
    return Answer(error.status, headers, [error.xml])


async def _send(answer: Answer, scope: Scope, send: Send) -> None:
    headers = {**_ALWAYS, "content-length": "0", **answer.headers}
    if answer.status in {204, 304}:
        del headers["content-length"]
    origin = _headers(scope).get("origin", "")
    if origin.lower() in settings().origins:
        headers |= {
            "access-control-allow-origin": origin,
            "access-control-expose-headers": _EXPOSED,
            "vary": "Origin",
        }
    if any(re.search(r"[\x00-\x1f\x7f]", value) for value in headers.values()):
        raise Refused(400, "InvalidArgument", "A header of the answer would hold control characters.")
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    if scope["method"] != "HEAD":
        chunks = iter(answer.body)
        while chunk := await asyncio.to_thread(next, chunks, b""):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body"})
