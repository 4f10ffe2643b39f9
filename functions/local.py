"""The whole house in one process on moto: what `scripts/run` serves is what the tests open."""

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Error as FileError
from tempfile import TemporaryDirectory
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from moto import mock_aws

from functions import (
    app,
    durable,
    garbage,
    local_pool,
    local_seeds,
    local_server,
    local_table,
    local_vaults,
    settings,
    table,
)
from functions.access.memory import MEMORY
from functions.errors import HouseError
from functions.experiments import service as experiments
from functions.local_folder import CannotOpen, Folder
from functions.local_jobs import Jobs

REGION, TABLE = "eu-central-1", "runhaven"
HOST = local_server.HOST
ROOT = Path(__file__).parents[1]
_NAMES = (HOST, "localhost", "[::1]")
_DEMO = ROOT / ".venv-demo/bin/python"


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
        s3: address of an S3-compatible server that keeps the artifacts instead of moto, with its keys
            unless the environment has them.
    """

    port: int = 5000
    data: Path | None = Path(".runhaven")
    auth: bool = False
    credentials: Path | None = None
    auto_teams: bool = False
    dynamodb: str = ""
    s3: str = ""


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

    Raises:
        CannotOpen: something that the options name cannot be used.
    """
    url = f"http://{HOST}:{port}"
    with ExitStack() as stack:
        try:
            _open(stack, options, port, url)
        except (BotoCoreError, ClientError, HouseError) as error:
            at = f" with the table at {options.dynamodb}" if options.dynamodb else ""
            raise CannotOpen(f"it does not work{at} ({error}).") from error
        except OSError as error:
            raise CannotOpen(f"{error.filename} cannot be used ({error.strerror}).") from error
        except (FileError, RuntimeError) as error:  # the table's file, with the reason
            raise CannotOpen(f"{error}.") from error
        yield House(app.build(), url)


def _open(stack: ExitStack, options: Options, port: int, url: str) -> None:
    """Open everything, in an order in which it can close again: the folder is let go of last."""
    # Before moto, which puts keys of its own into the environment.
    server = local_vaults.address(options.s3) if options.s3 else ""
    data = options.data or Path(stack.enter_context(TemporaryDirectory()))
    folder = stack.enter_context(Folder(data))
    passed: Any = {"urls": [re.escape(options.dynamodb)] if options.dynamodb else [], "services": []}
    stack.enter_context(mock_aws(config={"core": {"passthrough": passed}}))
    table.forget_clients()
    pool = local_pool.open_pool(REGION, data)
    vaults = stack.enter_context(local_vaults.opened(server, data, REGION))
    settings.use(_settings(options, port, pool, vaults.settings))
    experiments.forget()
    MEMORY.forget()
    keep = _open_table(stack, options, data)
    if options.auth:
        local_seeds.closed_door(_credentials(options), url, keep)
    else:
        local_seeds.open_door()
    # With an engine of its own nobody knows who else has written to the table.
    jobs = Jobs(sweep=folder.left_open or bool(options.dynamodb))

    @stack.callback
    def _() -> None:
        folder.done = jobs.close()

    vaults.start()


def _settings(
    options: Options, port: int, of_pool: tuple[str, str, str], of_vaults: dict[str, Any]
) -> settings.Settings:
    pool, pool_client, keys = of_pool
    at = "" if port == 80 else f":{port}"  # as browsers write an origin
    return settings.Settings(
        table=TABLE,
        region=REGION,
        dynamodb_url=options.dynamodb,
        user_pool=pool,
        user_pool_clients=(pool_client,),
        issuer=f"https://cognito-idp.{REGION}.amazonaws.com/{pool}",
        jwks_url=keys,
        hosts=_NAMES,
        origins=tuple(f"http://{name}{at}" for name in _NAMES),
        local_user="" if options.auth else local_seeds.USER,
        auto_teams=options.auto_teams,
        log_level="WARNING",
        control_role=local_vaults.CONTROL_ROLE,
        **of_vaults,
    )


def _open_table(stack: ExitStack, options: Options, data: Path) -> Callable[[], object]:
    """Open the table; returns what brings to the disk what it holds."""
    if options.dynamodb:
        local_table.create(table.client(), TABLE)
        return lambda: None
    kept = local_table.open_table(table.client(), TABLE, None if options.data is None else data)
    stack.enter_context(kept)
    kept.start()
    durable.flushes.append(kept.flush)
    stack.callback(durable.flushes.remove, kept.flush)
    return kept.flush


def _credentials(options: Options) -> Path:
    return options.credentials or (options.data or Path()) / "credentials.json"


def serve(options: Options, *, demo: bool = False) -> None:
    """Serve the house on loopback until it is told to stop, and say when it is ready.

    Raises:
        CannotOpen: the port, or something else that the options name, cannot be used.
    """
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(each)) for each in local_server.listening(options.port)]
        house = stack.enter_context(opened(options, sockets[0].getsockname()[1]))
        garbage.tune()

        def ready() -> None:
            _greet(house.url, options)
            if demo:
                _demonstrate(stack, house.url)

        local_server.serve(house.app, sockets, ready)


def _greet(url: str, options: Options) -> None:
    first = "python3 -c 'import mlflow; mlflow.log_metric(\"loss\", 0.5)'"
    if options.auth:
        file = shlex.quote(str(_credentials(options).resolve()))
        read = 'json.load(open(sys.argv[1]))["teams"]["red"]["owner"]'
        first = f"export MLFLOW_TRACKING_TOKEN=$(python3 -c 'import json, sys; print({read})' {file})"
    said = f"Runhaven is ready at {url}", f"  export MLFLOW_TRACKING_URI={url}", f"  {first}"
    print(*said, sep="\n", flush=True)  # noqa: T201  (what a command line is for)


def _demonstrate(stack: ExitStack, url: str) -> None:
    """Run the demo as any other MLflow program: in a process and an environment of its own."""
    # Isolated: where the house's own modules lie is no business of a client.
    child = subprocess.Popen([_DEMO, "-I", ROOT / "scripts/demo.py", url])  # noqa: S603  (our own files)
    stack.callback(child.wait)
    stack.callback(child.terminate)


def main(arguments: list[str] | None = None) -> None:
    """The command line of `scripts/run`."""
    parser = argparse.ArgumentParser(
        prog="scripts/run", description="Serve the whole of Runhaven on this machine, on loopback only."
    )
    add = parser.add_argument
    add("--port", type=_port, default=5000, help="loopback port (default 5000; 0 takes a free one)")
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
    add(
        "--dynamodb",
        type=_address,
        default="",
        metavar="URL",
        help="keep the table in this DynamoDB engine",
    )
    add(
        "--s3",
        default="",
        metavar="URL",
        help="keep artifacts on this S3 server with STS; its keys are AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, or stand in URL: http://key:secret@host:port",
    )
    given = vars(parser.parse_args(arguments))
    demo = given.pop("demo")
    if demo and given["auth"]:
        parser.error("--demo fills the house of the laptop's own user; leave out --auth")
    if demo and not _DEMO.exists():
        parser.error("--demo runs in an environment that scripts/run makes; call that")
    if given["credentials"] and not given["auth"]:
        parser.error("--credentials says where --auth writes the tokens; add --auth")
    local_server.obey_signals()
    try:
        serve(Options(**given), demo=demo)
    except CannotOpen as why:
        sys.exit(f"Runhaven cannot open: {why}")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) >= 1 << 16:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: take one of 0 to 65535")
    return int(text)


def _address(text: str) -> str:
    if text and not re.fullmatch(r"https?://(\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?/?", text, re.IGNORECASE):
        raise argparse.ArgumentTypeError(f"{text!r} is no address like http://127.0.0.1:8000")
    return text.rstrip("/")


if __name__ == "__main__":
    main()
