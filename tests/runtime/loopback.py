"""A server of the tests' own, on a free port of loopback."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def served(door: type[BaseHTTPRequestHandler], **known: Any) -> Iterator[int]:
    """Let handlers of this kind answer, which know these things as their attributes; gives the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (door,), known))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
