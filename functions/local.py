"""The whole house in one process on moto: `scripts/run` serves it, and the tests open it, so they cannot drift."""

import argparse
import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from moto import mock_aws

from functions import app, local_pool, local_seeds, local_table, settings, table
from functions.access.memory import MEMORY
from functions.experiments import service as experiments
from functions.local_jobs import Jobs

REGION, TABLE = "eu-central-1", "runhaven"
HOST = "127.0.0.1"
ROOT = Path(__file__).parents[1]
_NAMES = (HOST, "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Options:
    """How the laptop's house opens.

    Attributes:
        port: on which loopback port; 0 takes a free one.
        data: where everything is kept; None keeps nothing.
        auth: whether callers need credentials; teams red and blue are made then.
        credentials: where their tokens are written; by default `credentials.json` in the data folder.
        auto_teams: whether a deployment admin's request creates the team that it names.
        dynamodb: address of a DynamoDB-compatible server that keeps the table instead of moto.
    """

    port: int = 5000
    data: Path | None = Path(".runhaven")
    auth: bool = False
    credentials: Path | None = None
    auto_teams: bool = False
    dynamodb: str = ""


@dataclass(frozen=True, slots=True)
class House:
    """An open house: its ASGI app and the address at which a server should show it."""

    app: Any
    url: str


@contextmanager
def opened(options: Options, port: int) -> Iterator[House]:
    """The house, open until the context ends; then everything that was acknowledged is on disk.

    Args:
        options: how it opens.
        port: the loopback port at which it will be served: pages of other origins are refused.
    """
    with ExitStack() as stack:
        data = options.data or Path(stack.enter_context(_nowhere()))
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        passthrough = {"urls": [options.dynamodb], "services": []} if options.dynamodb else {}
        stack.enter_context(mock_aws(config={"core": {"passthrough": passthrough}} if passthrough else {}))
        pool, pool_client, keys = local_pool.open_pool(REGION, data)
        settings.use(
            settings.Settings(
                table=TABLE,
                region=REGION,
                dynamodb_url=options.dynamodb,
                user_pool=pool,
                user_pool_clients=(pool_client,),
                issuer=f"https://cognito-idp.{REGION}.amazonaws.com/{pool}",
                jwks_url=keys,
                hosts=_NAMES,
                origins=tuple(f"http://{name}:{port}" for name in _NAMES),
                local_user="" if options.auth else local_seeds.USER,
                auto_teams=options.auto_teams,
                log_level="WARNING",
            )
        )
        table.forget_clients()
        experiments.forget()
        MEMORY.forget()
        _open_table(stack, options, data)
        url = f"http://{HOST}:{port}"
        if options.auth:
            local_seeds.closed_door(options.credentials or data / "credentials.json", url)
        else:
            local_seeds.open_door()
        stack.callback(Jobs(sweep=_was_killed(stack, data)).close)
        yield House(app.build(), url)


def serve(options: Options, *, demo: bool = False) -> None:
    """Serve the house on loopback until it is told to stop, and say when it is ready."""
    # Said to be TCP, so that asyncio switches Nagle's algorithm off: it costs 40 ms a request.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, options.port))
        except OSError as error:
            sys.exit(f"Port {options.port} is taken ({error.strerror}); choose another with --port.")
        port = listening.getsockname()[1]
        with opened(options, port) as house:
            config = uvicorn.Config(
                house.app, lifespan="off", log_level="warning", access_log=False, server_header=False
            )
            _Server(config, _greeting(house.url, options, demo=demo)).run(sockets=[listening])


class _Server(uvicorn.Server):
    """A server that says something once it listens."""

    def __init__(self, config: uvicorn.Config, greeting: Any) -> None:
        super().__init__(config)
        self._greeting = greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        asyncio.get_running_loop().call_soon(self._greeting)


def _greeting(url: str, options: Options, *, demo: bool) -> Any:
    def greet() -> None:
        print(f"Runhaven is ready at {url}")  # noqa: T201  (what a command line is for)
        print(f"  export MLFLOW_TRACKING_URI={url}")  # noqa: T201
        if options.auth:
            file = options.credentials or (options.data or Path()) / "credentials.json"
            print(f"  export MLFLOW_TRACKING_TOKEN=...  # one of those in {file}", flush=True)  # noqa: T201
        else:
            print("  python train.py", flush=True)  # noqa: T201
        if demo:
            threading.Thread(target=_demonstrate, args=(url,), daemon=True).start()

    return greet


def _demonstrate(url: str) -> None:
    """Run the demo as any other MLflow program: in a process and an environment of its own."""
    python = ROOT / ".venv-demo/bin/python"
    subprocess.run([python, ROOT / "scripts/demo.py", url], check=False)  # noqa: S603  (our own files)


def _open_table(stack: ExitStack, options: Options, data: Path) -> None:
    if options.dynamodb:
        local_table.create(table.client(), TABLE)
        return
    kept = local_table.open_table(table.client(), TABLE, None if options.data is None else data)
    stack.callback(kept.close)
    kept.start()
    stack.callback(kept.stop)


def _was_killed(stack: ExitStack, data: Path) -> bool:
    """Whether the last house in this folder ended without closing; the mark is gone when this one closes."""
    mark = data / "open"
    killed = mark.exists()
    mark.touch()
    stack.callback(mark.unlink, missing_ok=True)
    return killed


@contextmanager
def _nowhere() -> Iterator[str]:
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        yield directory


def main() -> None:
    """The command line of `scripts/run`."""
    parser = argparse.ArgumentParser(
        prog="scripts/run", description="Serve the whole of Runhaven on this machine, on loopback only."
    )
    add = parser.add_argument
    add("--port", type=int, default=5000, help="loopback port (default 5000; 0 takes a free one)")
    add("--data", type=Path, default=Path(".runhaven"), help="where everything is kept (default .runhaven/)")
    add(
        "--auth",
        action="store_true",
        help="ask for credentials; make teams red and blue with a token per role",
    )
    add("--credentials", type=Path, metavar="FILE", help="where --auth writes the tokens, as JSON")
    add(
        "--auto-teams",
        action="store_true",
        help="a deployment admin's request creates the team that it names",
    )
    add("--demo", action="store_true", help="train on scikit-learn's data and log it, to see a filled house")
    add("--dynamodb", default="", metavar="URL", help="keep the table in this DynamoDB-compatible server")
    given = vars(parser.parse_args())
    demo = given.pop("demo")
    if demo and given["auth"]:
        parser.error("--demo fills the house of the laptop's own user; leave out --auth")
    serve(Options(**given), demo=demo)


if __name__ == "__main__":
    main()
