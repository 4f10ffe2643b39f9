"""The road from clients to an S3 server, on which requests are turned away, and answers get lost."""

import threading
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.functions.artifacts import account

LOST = "lost"


class Road(ThreadingHTTPServer):
    """Hands requests on under the name that was signed.

    Attributes:
        troubles: what happens to the next requests instead, the first first: a status with a code, or LOST
            for an answer that does not come back.
        passed: method and status of every request, "" for the status where the answer was lost.
    """

    daemon_threads = True

    def __init__(self, server):
        super().__init__(("127.0.0.1", 0), Traveller)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.behind = urlsplit(server).netloc
        self.troubles, self.passed = [], []


class Traveller(account.Handler):
    """One request."""

    def answer(self):
        """Meet trouble, or arrive."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        trouble = self.server.troubles.pop(0) if self.server.troubles else None
        self.lost = trouble == LOST
        if trouble and not self.lost:
            status, code = trouble
            self.tell(status, f"<Error><Code>{code}</Code><Message>trouble</Message></Error>".encode())
        else:
            self.hand_on(body)

    do_GET = do_PUT = do_HEAD = answer  # noqa: N815

    def tell(self, status, body, headers=(("Content-Type", "text/xml"),)):
        """Answer, unless the answer is lost."""
        self.server.passed.append((self.command, "" if self.lost else status))
        if self.lost:
            self.close_connection = True
        else:
            super().tell(status, body, headers)


@contextmanager
def opened(server):
    """A road that is open until the context ends."""
    with Road(server) as road:
        thread = threading.Thread(target=road.serve_forever, daemon=True)
        thread.start()
        yield road
        road.shutdown()
        thread.join()
