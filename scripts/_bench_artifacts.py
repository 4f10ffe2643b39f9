"""What an upload and a download cost the API, beside the same through a stock `mlflow server` as proxy.

The house runs in this process, metered around its handlers; its table on dynoxide and its objects on MinIO
where those are ready, else on moto and the house's own port. A stock client in a process of its own drives
MLflow's rows, this one the native rows. The proxy keeps its files in a folder: its CPU is its processes'.
"""

import argparse
import hashlib
import http.client
import json
import os
import secrets
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import _engines
from _bench import Cost, Meter, Server, dynoxide, free_port, running, served, show

from functions.artifacts import vaults
from runhaven.wire.artifacts import part_bytes

HERE = Path(__file__).parent
CLIENT = HERE.parent / ".venv-mlflow-3.18/bin/python"
MB = 1_000_000
USER, SECRET = "bench", "bench-secret"


class Spent(NamedTuple):
    """What a transfer took: wall time, and the CPU time of the server that was named to the client."""

    wall: float
    cpu: float = 0.0


class StockClient:
    """A stock MLflow client in a process of its own, with a run of its own at *url*.

    Args:
        url: the server.
        server: the process whose CPU time is told, with its children's.
    """

    def __init__(self, url: str, server: int = 0) -> None:
        # Whoever calls the bench may have a server and a token of their own in the environment.
        world = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        world |= {"MLFLOW_DISABLE_TELEMETRY": "true", "NO_PROXY": "127.0.0.1"}
        self._process = subprocess.Popen(
            [CLIENT, "-I", HERE / "_bench_mlflow.py", url, str(server)],
            env=world,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._heard()

    def upload(self, file: Path) -> Spent:
        """Log a file."""
        said = self._told("upload", str(file))
        return Spent(said["wall"], said["cpu"])

    def download(self, file: Path) -> Spent:
        """Fetch what was logged of a file."""
        said = self._told("download", file.name)
        if said["bytes"] != file.stat().st_size:
            sys.exit(f"{file.name} came back with {said['bytes']} bytes")
        return Spent(said["wall"], said["cpu"])

    def close(self) -> None:
        """End it."""
        self._process.communicate()

    def _told(self, *words: str) -> dict[str, Any]:
        print(json.dumps(words), file=self._process.stdin, flush=True)
        return self._heard()

    def _heard(self) -> dict[str, Any]:
        for line in self._process.stdout or ():
            if line.startswith("{"):  # beside what the client itself prints
                return dict(json.loads(line))
        sys.exit(f"the stock client ended with code {self._process.wait()}")


class NativeClient:
    """A client of the native API, with a run of its own at *url*."""

    def __init__(self, url: str) -> None:
        mlflow, self._api = Server(url), Server(url, "/v1/")
        experiment = mlflow.post("experiments/create", name=f"bench {secrets.token_hex(6)}")["experiment_id"]
        self._run = mlflow.post("runs/create", experiment_id=experiment)["run"]["info"]["run_id"]

    def upload(self, file: Path) -> Spent:
        """Log as many bytes as the file has; the vault has never held them."""
        body = secrets.token_bytes(file.stat().st_size)
        part = part_bytes(len(body))
        pieces = [body[at : at + part] for at in range(0, len(body), part)] if part else []
        manifest = {
            "path": file.name,
            "size": len(body),
            "sha256": _sha256(body),
            "parts": [_sha256(piece) for piece in pieces],
        }
        begun = time.perf_counter()
        offer = self._asked("upload", manifest)["files"][0]
        if offer["state"] == "put":
            _sent("PUT", offer, body)
        for one in offer["parts"]:
            _sent("PUT", one, pieces[one["number"] - 1])
        if not self._asked("complete", {**manifest, "time": offer["time"]})["stored"]:
            sys.exit("what was sent has not arrived")
        return Spent(time.perf_counter() - begun)

    def download(self, file: Path) -> Spent:
        """Fetch what was logged last."""
        begun = time.perf_counter()
        body = _sent("GET", self._asked("download", {"path": file.name})["files"][0])
        took = time.perf_counter() - begun
        if len(body) != file.stat().st_size:
            sys.exit(f"{file.name} came back with {len(body)} bytes")
        return Spent(took)

    def _asked(self, verb: str, file: dict[str, Any]) -> Any:
        return self._api.post(f"runs/{self._run}/artifacts:{verb}", files=[file])


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _sent(method: str, signed: Any, body: bytes | None = None) -> bytes:
    place = urlsplit(signed["url"])
    connection = http.client.HTTPConnection(place.netloc, timeout=60)
    connection.request(method, f"{place.path}?{place.query}", body, signed["headers"])
    answer = connection.getresponse()
    got = answer.read()
    connection.close()
    if answer.status != 200:
        sys.exit(f"{method}: {answer.status} {got[:300]!r}")
    return got


Client = StockClient | NativeClient
Transfer = Callable[[], Spent]


def transfers(client: Client, files: list[Path]) -> Iterator[tuple[str, Transfer]]:
    """Every upload and download of a client, by name."""
    for file in files:
        size = file.stat().st_size / MB
        yield f"upload {size:g} MB", lambda file=file: client.upload(file)
        yield f"download {size:g} MB", lambda file=file: client.download(file)


def measured(
    meter: Meter, url: str, proxy: StockClient | None, files: list[Path], repeat: int
) -> Iterator[dict[str, Any]]:
    """A row per transfer, and one for the first upload of a process that knows no vault yet."""
    ours = StockClient(url)
    ours.upload(files[0])  # which makes the laptop's team its vault
    vaults.forget()
    meter.take()
    spent = ours.upload(files[0])
    yield _row("mlflow, first upload", [(spent, meter.take())], [])
    theirs = transfers(proxy, files) if proxy else None
    for name, transfer in transfers(ours, files):
        beside = next(theirs)[1] if theirs else None
        yield _row(f"mlflow {name}", *_repeated(meter, transfer, beside, repeat))
    ours.close()
    for name, transfer in transfers(NativeClient(url), files):
        yield _row(f"native {name}", *_repeated(meter, transfer, None, repeat))


Ours, Theirs = list[tuple[Spent, Cost]], list[Spent]


def _repeated(meter: Meter, transfer: Transfer, beside: Transfer | None, repeat: int) -> tuple[Ours, Theirs]:
    ours, theirs = [], []
    for turn in range(repeat + 1):
        meter.take()
        mine = transfer(), meter.take()
        other = beside() if beside else None
        if turn:  # the first one is for warmth
            ours.append(mine)
            theirs += [other] if other else []
    return ours, theirs


def _row(name: str, ours: Ours, theirs: Theirs) -> dict[str, Any]:
    """Means of counts, medians of our times; the mean of the proxy's CPU, which is told in ticks of 10 ms."""

    def mean(what: Callable[[Cost], int]) -> float:
        return round(statistics.mean(what(cost) for _, cost in ours), 2)

    def median(values: Iterator[float]) -> float:
        return round(1000 * statistics.median(values), 2)

    cpu = median(cost.cpu for _, cost in ours)
    their_cpu = round(1000 * statistics.mean(one.cpu for one in theirs), 1) if theirs else None
    return {
        "call": name,
        "requests": mean(lambda cost: cost.requests),
        **{service: mean(lambda cost, of=service: cost.calls[of]) for service in ("dynamodb", "s3", "sts")},
        "cpu ms": cpu,
        "outside AWS": median(cost.cpu - cost.aws_cpu for _, cost in ours),
        "wall ms": median(spent.wall for spent, _ in ours),
        "proxy cpu ms": their_cpu,
        "proxy wall": median(one.wall for one in theirs) if theirs else None,
        "proxy / ours": round(their_cpu / cpu, 1) if their_cpu is not None else None,
    }


@contextmanager
def minio(folder: Path) -> Iterator[str]:
    """The URL of a fresh MinIO with its keys, or "" where there is none."""
    found = _engines.state("minio", build=False)
    if "path" not in found:
        yield ""
        return
    port = free_port()
    command = [found["path"], "server", "--quiet", "--address", f"127.0.0.1:{port}", str(folder)]
    keys = {"MINIO_ROOT_USER": USER, "MINIO_ROOT_PASSWORD": SECRET}
    world = {**os.environ, **keys, "MINIO_BROWSER": "off", "MINIO_UPDATE": "off"}
    with running(command, port, env=world):
        _ready(f"http://127.0.0.1:{port}/minio/health/ready")
        yield f"http://{USER}:{SECRET}@127.0.0.1:{port}"


@contextmanager
def stock_proxy(folder: Path) -> Iterator[StockClient]:
    """A client of a stock server that takes all bytes itself and keeps them in a folder."""
    port = free_port()
    # Without its runner of jobs, which has ten processes of its own and nothing to do with artifacts.
    world = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    command = [CLIENT, "-I", "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.sqlite", "--serve-artifacts"]
    command += ["--artifacts-destination", folder / "files"]
    with running(command, port, cwd=folder, env=world, stderr=subprocess.DEVNULL) as server:
        _ready(f"http://127.0.0.1:{port}/health")
        client = StockClient(f"http://127.0.0.1:{port}", server.pid)
        yield client
        client.close()


def _ready(url: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310  (our own, on loopback)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def main() -> None:
    """Print a table, or with `--json` one object."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench artifacts", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--json", action="store_true", help="answer for machines")
    parser.add_argument("--alone", action="store_true", help="without the stock server")
    parser.add_argument("--repeat", type=int, default=10, help="how often each transfer is made (default 10)")
    parser.add_argument("--sizes", default="1,100", help="of the files, in MB (default 1,100)")
    options = parser.parse_args()
    if not CLIENT.exists():
        sys.exit("no stock client of mlflow 3.18; scripts/bench artifacts installs it")
    meter, rows = Meter(), []
    with ExitStack() as stack:
        table = stack.enter_context(dynoxide())
        folders = [Path(stack.enter_context(TemporaryDirectory(prefix="runhaven-bench-"))) for _ in range(3)]
        objects = stack.enter_context(minio(folders[0]))
        url = stack.enter_context(served(meter, table, objects))
        proxy = None if options.alone else stack.enter_context(stock_proxy(folders[1]))
        files = [folders[2] / f"{size}.bin" for size in options.sizes.split(",") if size]
        for file in files:
            file.write_bytes(secrets.token_bytes(int(float(file.stem) * MB)))
        for row in measured(meter, url, proxy, files, options.repeat):
            if not (table and objects):  # then moto's own work is in it
                row["cpu ms"] = row["proxy / ours"] = None
            rows.append(row)
            if not options.json:
                show(row, first=len(rows) == 1)
    if options.json:
        engines = {"table": "dynoxide" if table else "moto", "objects": "minio" if objects else "moto"}
        print(json.dumps({**engines, "calls": rows}))


if __name__ == "__main__":
    main()
