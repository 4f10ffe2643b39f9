"""API Gateway's HTTP API in small: HTTP becomes an event of format 2.0, the function's answer HTTP again.

The limits are those of https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html,
the event's shape is that of .../http-api-develop-integrations-lambda.html. What a page does not tell is said
where it is done.
"""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.runtime import loopback
from tests.runtime.sandbox import EventTooLarge, Failed

BODY_BYTES, HEAD_BYTES = 10 * 1024 * 1024, 10_240
# Bodies of these kinds travel as text, all others as base64.
TEXT = ("application/json", "application/javascript", "application/xml", "text/")
# What never reaches the function: it concerns this connection only.
HOP = frozenset("connection keep-alive proxy-connection te trailer transfer-encoding upgrade".split())


@dataclass
class Gateway:
    """One API: what its stage sends its requests to.

    Attributes:
        invoke: gives the function's answer to an event.
        host: the API's name.
        source: where requests come from, as the gateway sees it.
        api: the API's id.
        account: the account in which it is.
        log: what was answered, as (method, path, status).
        seconds: how long it waits for the function, 30 at the most.
    """

    invoke: Callable[[Any], Any]
    host: str
    source: str = "192.0.2.10"
    api: str = "a1b2c3d4e5"
    account: str = "111111111111"
    log: list[tuple[str, str, int]] = field(default_factory=list)
    port: int = 0
    seconds: float = 30

    def event(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> dict[str, Any]:
        """A request as the function sees it."""
        path, _, query = target.partition("?")
        # The path comes decoded, a slash in a name too, and what was a question mark ends it:
        # https://github.com/fastify/aws-lambda-fastify/issues/169, https://github.com/middleapi/standard-server/pull/93
        path = unquote(path).partition("?")[0]
        joined: dict[str, str] = {}
        cookies = []
        for name, value in headers:
            lower = name.lower()
            if lower == "cookie":
                cookies += [each.strip() for each in value.split(";")]
            elif lower not in HOP:
                joined[lower] = f"{joined[lower]},{value}" if lower in joined else value
        joined |= {"x-forwarded-for": self.source, "x-forwarded-port": "443", "x-forwarded-proto": "https"}
        joined["x-amzn-trace-id"] = "Root=1-65e0a1b2-0123456789abcdef01234567"
        parameters: dict[str, str] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
        kind = joined.get("content-type", "")
        text = kind.startswith(TEXT) and "content-encoding" not in joined
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": joined,
            "requestContext": self._context(method, path, joined),
            "isBase64Encoded": bool(body) and not text,
        }
        if cookies:
            event["cookies"] = cookies
        if parameters:
            event["queryStringParameters"] = parameters
        if body:
            event["body"] = body.decode("utf-8", "replace") if text else base64.b64encode(body).decode()
        return event

    def _context(self, method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
        now = datetime.now(UTC)
        return {
            "accountId": self.account,
            "apiId": self.api,
            "domainName": self.host,
            "domainPrefix": self.host.split(".")[0],
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": self.source,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": uuid.uuid4().hex[:16],
            "routeKey": "$default",
            "stage": "$default",
            "time": f"{now:%d/%b/%Y:%H:%M:%S +0000}",
            "timeEpoch": int(time.time() * 1000),
        }

    def answer(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and body of the answer to a request."""
        head = len(f"{method} {target} HTTP/1.1\r\n") + sum(
            len(f"{name}: {value}\r\n") for name, value in headers
        )
        if head > HEAD_BYTES:
            return _said(431, "Request Header Fields Too Large")
        if len(body) > BODY_BYTES:
            return _said(413, "Request Entity Too Large")
        event = self.event(method, target, headers, body)
        waiting = ThreadPoolExecutor(1)
        try:
            return self._given(waiting.submit(self.invoke, event).result(self.seconds))
        except EventTooLarge:
            return _said(413, "Request Entity Too Large")
        except TimeoutError:  # its own patience: https://github.com/serverless/serverless/issues/11222
            return _said(503, "Service Unavailable")
        # Whatever a function fails of is one thing here, its time too:
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html
        # and https://github.com/denoland/deno_registry2/issues/87
        except (Failed, KeyError, TypeError, ValueError, AttributeError):
            return _said(500, "Internal Server Error")
        finally:
            waiting.shutdown(wait=False)

    @staticmethod
    def _given(given: Any) -> tuple[int, list[tuple[str, str]], bytes]:
        body = given.get("body", "")
        raw = base64.b64decode(body, validate=True) if given.get("isBase64Encoded") else body.encode()
        headers = [(name.lower(), str(value)) for name, value in (given.get("headers") or {}).items()]
        headers += [("set-cookie", each) for each in given.get("cookies") or ()]
        return int(given["statusCode"]), headers, raw

    @contextmanager
    def opened(self) -> Iterator["Gateway"]:
        """Serve on a free port of loopback."""
        with loopback.served(_Door, gateway=self) as self.port:
            yield self


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gateway: Gateway

    def handle_one_request(self) -> None:
        """Whatever the method is."""
        self.raw_requestline = self.rfile.readline(65_537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else self._chunks()
        gateway, target = self.gateway, self.path
        status, headers, answer = gateway.answer(self.command, target, self.headers.items(), body)
        gateway.log.append((self.command, target, status))
        self.send_response_only(status)
        for name, value in headers:
            if name not in HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("content-length", str(len(answer)))
        self.send_header("apigw-requestid", uuid.uuid4().hex[:16])
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else answer)
        self.wfile.flush()

    def _chunks(self) -> bytes:
        whole = b""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return whole


def _said(status: int, words: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """What the gateway says by itself."""
    return status, [("content-type", "application/json")], json.dumps({"message": words}).encode()
