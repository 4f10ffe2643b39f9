"""Serves an app on loopback, and ends in order when it is told to."""

import asyncio
import errno
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import uvicorn

from functions.local_folder import CannotOpen

HOST = "127.0.0.1"
# Seconds: how long an idle connection stays open, so that a client that logs once a minute keeps its own, and
# how long a request that has begun may take after the house was told to close.
_IDLE, _GRACE = 75, 3
_FREE_TRIES = 20


def obey_signals() -> None:
    """Let Ctrl-C, SIGTERM and a closed terminal leave every `with` in order; a second one is final."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)


def _leave(number: int, _frame: object) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)
    sys.exit(0)


def listening(port: int) -> list[socket.socket]:
    """A socket at each loopback address of this machine, all at the same port; the first is at `HOST`.

    127.0.0.1 alone would not do: `localhost` may lead to ::1, where somebody else could answer in our name.

    Args:
        port: 0 takes a free one.

    Raises:
        CannotOpen: the port is taken, or not ours to take.
    """
    for left in reversed(range(_FREE_TRIES if port == 0 else 1)):
        try:
            first = _listening(socket.AF_INET, HOST, port)
        except OSError as error:
            raise _taken(port, error) from error
        try:
            return [first, _listening(socket.AF_INET6, "::1", first.getsockname()[1])]
        except OSError as error:
            if error.errno != errno.EADDRINUSE:  # this machine has no IPv6
                return [first]
            first.close()
            if not left:
                raise _taken(port, error) from error
    raise AssertionError


def _taken(port: int, error: OSError) -> CannotOpen:
    why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
    return CannotOpen(f"port {port} {why}; choose another one with --port.")


def _listening(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    # Said to be TCP, so that asyncio switches Nagle's algorithm off: it costs 40 ms a request.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(2048)  # two may bind, the second to listen is refused: better now than later
    except OSError:
        made.close()
        raise
    return made


def serve(app: Any, sockets: list[socket.socket], ready: Callable[[], object]) -> None:
    """Serve until a signal comes, then answer what has begun.

    Args:
        app: an ASGI app without a lifespan.
        sockets: where, as `listening` gives them.
        ready: called once requests are answered.
    """
    config = uvicorn.Config(
        app,
        access_log=False,
        lifespan="off",
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
        timeout_keep_alive=_IDLE,
        ws="none",
    )
    _Server(config, ready).run(sockets=sockets)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # uvicorn minds the other two; an exit raised amid a callback of asyncio may be lost.
        signal.signal(signal.SIGHUP, self.handle_exit)
        asyncio.get_running_loop().call_soon(self._ready)
