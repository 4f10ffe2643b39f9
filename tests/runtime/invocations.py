"""Lambda's address in the tests: a call goes to a function that runs here, everything else to AWS's stand-in.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import http.client
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.runtime import loopback
from tests.runtime.sandbox import Failed

_CALL = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")


class _Door(BaseHTTPRequestHandler):
    behind: int
    invoke: Callable[[str, Any], Any]

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if called := _CALL.match(self.path):
            self._say(*self._called(called[1], json.loads(body)))
            return
        there = http.client.HTTPConnection("127.0.0.1", self.behind, timeout=120)
        there.request(self.command, self.path, body, dict(self.headers))
        given = there.getresponse()
        kept = {name: value for name, value in given.headers.items() if name.lower() not in _HOP}
        self._say(given.status, given.read(), kept)
        there.close()

    def _called(self, name: str, event: Any) -> tuple[int, bytes, dict[str, str]]:
        try:
            return 200, json.dumps(type(self).invoke(name, event)).encode(), {}
        except Failed as error:
            said = json.dumps({"errorMessage": str(error)}).encode()
            return 200, said, {"X-Amz-Function-Error": "Unhandled"}

    def _say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


_VERBS = {f"do_{verb}": _Door._answer for verb in ("DELETE", "GET", "PATCH", "POST", "PUT")}
# What concerns one connection, or is said anew.
_HOP = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})


@contextmanager
def opened(behind: int, invoke: Callable[[str, Any], Any]) -> Iterator[str]:
    """Serve on a free port of loopback; gives the address.

    Args:
        behind: the port of AWS's stand-in.
        invoke: gives what a function of that name answers to an event, or raises Failed.
    """
    with loopback.served(_Door, **_VERBS, behind=behind, invoke=staticmethod(invoke)) as port:
        yield f"http://127.0.0.1:{port}"
