"""What each call of the REST API costs: AWS round trips and units, the handler's CPU outside AWS, wall time.

The house runs in this process, its table on dynoxide where that is ready, else on moto, whose units are
constants and are not shown. With `--peer URL` a stock `mlflow server` gets the same calls in turn.
"""

import argparse
import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import _engines
import uvicorn
from botocore import handlers

from functions import local

API = "/api/2.0/mlflow/"
WRITES = frozenset({"PutItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "UpdateItem"})


@dataclass
class Cost:
    """What requests cost: how many they were, the AWS calls they made by service, units, and CPU in seconds.

    `aws_cpu` is the part of `cpu` that went into AWS calls: what botocore takes, and moto where it answers.
    """

    requests: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    read: float = 0.0
    written: float = 0.0
    cpu: float = 0.0
    aws_cpu: float = 0.0


class Meter:
    """What the requests that the house has answered since the last look have cost it.

    CPU is that of the thread that answers, and of AWS calls in threads that it asks for them. Others live in
    the same process: this bench, the house's jobs, perhaps the stand-in for S3.
    """

    def __init__(self) -> None:
        self._cost = Cost()
        self._lock = threading.Condition()
        self._open, self._since = 0, 0.0
        self._answers: threading.Thread | None = None
        self._begun = threading.local()

    def watch(self) -> None:
        """Count the calls of all AWS clients that are made from now on, and take their CPU in any thread."""
        first, last = handlers.REGISTER_FIRST, handlers.REGISTER_LAST
        hooks = ("provide-client-params", self._begin, first), ("after-call", self._end, last)
        handlers.BUILTIN_HANDLERS += [*hooks, ("before-parameter-build.dynamodb", _ask_for_units)]

    def _begin(self, **_: Any) -> None:
        self._begun.at = time.thread_time()

    def _end(self, parsed: Any, model: Any, **_: Any) -> None:
        thread = threading.current_thread()
        if thread.name == "jobs":  # the stand-in for Lambda's stream trigger
            return
        took = time.thread_time() - self._begun.at
        consumed = parsed.get("ConsumedCapacity") or []
        units = sum(one["CapacityUnits"] for one in (consumed if isinstance(consumed, list) else [consumed]))
        with self._lock:
            self._cost.calls[model.service_model.service_name] += 1
            self._cost.aws_cpu += took
            self._cost.cpu += took if thread is not self._answers else 0.0
            if model.name in WRITES:
                self._cost.written += units
            else:
                self._cost.read += units

    def around(self, app: Any) -> Any:
        """The app, metered."""

        async def metered(scope: Any, receive: Any, send: Any) -> None:
            with self._lock:
                self._answers = threading.current_thread()
                self._since = self._since if self._open else time.thread_time()
                self._open += 1
            try:
                await app(scope, receive, send)
            finally:
                with self._lock:
                    self._open -= 1
                    self._cost.requests += 1
                    if not self._open:
                        self._cost.cpu += time.thread_time() - self._since
                        self._lock.notify_all()

        return metered

    def take(self) -> Cost:
        """What was spent since the last call of this, once all requests are answered to their end."""
        with self._lock:
            self._lock.wait_for(lambda: not self._open, timeout=30)
            spent, self._cost = self._cost, Cost()
        return spent


def _ask_for_units(params: dict[str, Any], model: Any, **_: Any) -> None:
    if "ReturnConsumedCapacity" in model.input_shape.members:
        params["ReturnConsumedCapacity"] = "TOTAL"


class Server:
    """A server's API, MLflow's or another, asked over one connection that stays open."""

    def __init__(self, url: str, api: str = API) -> None:
        place = urlsplit(url)
        self._api = api
        self._connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=300)

    def post(self, path: str, **body: Any) -> Any:
        """The answer to a POST; anything but 200 ends the bench."""
        return self._ask("POST", path, json.dumps(body))

    def get(self, path: str) -> Any:
        """The answer to a GET."""
        return self._ask("GET", path, None)

    def _ask(self, method: str, path: str, body: str | None) -> Any:
        try:
            answer, text = self._once(method, path, body)
        except (
            http.client.RemoteDisconnected,
            ConnectionError,
        ):  # it waited for the other server's turn too long
            self._connection.close()
            answer, text = self._once(method, path, body)
        if answer.status != 200:
            sys.exit(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)

    def _once(self, method: str, path: str, body: str | None) -> tuple[http.client.HTTPResponse, bytes]:
        self._connection.request(method, self._api + path, body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        return answer, answer.read()


Call = Callable[[int], Any]


def calls(server: Server, sizes: list[int]) -> Iterator[tuple[str, int, Call]]:
    """Each call of the bench: its name, how often it is repeated at the most, and the call itself."""
    experiment = server.post("experiments/create", name=f"bench {random.getrandbits(48):x}")["experiment_id"]
    now = time.time_ns() // 1_000_000

    def create() -> str:
        run = server.post("runs/create", experiment_id=experiment, start_time=now, run_name="bench")
        return run["run"]["info"]["run_id"]

    def batch(run: str, count: int, at: int) -> None:
        points = [
            {
                "key": f"layer{i // 10}/norm_{i % 10}",
                "value": random.random(),
                "timestamp": now + at,
                "step": at,
            }
            for i in range(count)
        ]
        server.post("runs/log-batch", run_id=run, metrics=points)

    def metric(run: str, at: int) -> None:
        point = {"key": f"metric_{at % 50}", "value": random.random(), "timestamp": now + at, "step": at}
        server.post("runs/log-metric", run_id=run, **point)

    yield "create run", 1000, lambda _: create()
    run = create()
    yield "log-metric", 1000, lambda at: metric(run, at)
    for count in (10, 100, 1000):
        target = create()
        yield f"log-batch {count}", 1000, lambda at, count=count, target=target: batch(target, count, at)
    yield "get run", 1000, lambda _: server.get(f"runs/get?run_id={run}")
    long = create()
    for part in range(10):
        points = [
            {
                "key": "loss",
                "value": random.random(),
                "timestamp": now + part * 1000 + i,
                "step": part * 1000 + i,
            }
            for i in range(1000)
        ]
        server.post("runs/log-batch", run_id=long, metrics=points)
    path = f"metrics/get-history?run_id={long}&metric_key=loss&max_results=25000"
    yield "history 10k", 10, lambda _: server.get(path)
    yield from searches(server, sizes, now)


def searches(server: Server, sizes: list[int], now: int) -> Iterator[tuple[str, int, Call]]:
    """Searches among more and more runs of one experiment."""
    experiment = server.post("experiments/create", name=f"bench {random.getrandbits(48):x}")["experiment_id"]
    there = 0
    for size in sizes:
        for place in range(there, size):
            run = server.post("runs/create", experiment_id=experiment, start_time=now + place)["run"]["info"][
                "run_id"
            ]
            metrics = [
                {"key": f"metric_{i}", "value": random.random(), "timestamp": now, "step": 1}
                for i in range(5)
            ]
            params = [{"key": f"param_{i}", "value": str(place % 10)} for i in range(5)]
            server.post("runs/log-batch", run_id=run, metrics=metrics, params=params)
        there = size
        asked = {"experiment_ids": [experiment], "max_results": 100}
        yield f"search {size} page", 10, lambda _, asked=asked: server.post("runs/search", **asked)
        filtered = {
            **asked,
            "filter": "metrics.metric_1 > 0.5 AND params.param_1 = '3'",
            "order_by": ["metrics.metric_2 DESC"],
        }
        yield f"search {size} filter+order", 5, lambda _, asked=filtered: server.post("runs/search", **asked)


def measured(
    house: Server, meter: Meter, peer: Server | None, sizes: list[int], repeat: int
) -> Iterator[dict[str, Any]]:
    """A row per call: means of counts, medians of times."""
    theirs = calls(peer, sizes) if peer else None
    for name, most, call in calls(house, sizes):
        their_call = next(theirs)[2] if theirs else None
        times = min(repeat, most)
        rows, walls, their_walls = [], [], []
        call(0)
        for turn in range(1, times + 1):
            meter.take()
            begun = time.perf_counter()
            call(turn)
            walls.append(time.perf_counter() - begun)
            cost = meter.take()
            cpu = 1000 * (cost.cpu - cost.aws_cpu)
            rows.append((cost.calls.total(), cost.read, cost.written, cpu))
            if their_call:
                begun = time.perf_counter()
                their_call(turn)
                their_walls.append(time.perf_counter() - begun)
        trips, read, written, cpus = zip(*rows, strict=True)
        row = {
            "call": name,
            "trips": round(statistics.mean(trips), 2),
            "read units": round(statistics.mean(read), 1),
            "write units": round(statistics.mean(written), 2),
            "cpu ms": round(statistics.median(cpus), 2),
            "wall ms": round(1000 * statistics.median(walls), 2),
        }
        if their_walls:
            row["peer wall ms"] = round(1000 * statistics.median(their_walls), 2)
            row["peer / ours"] = round(statistics.median(their_walls) / statistics.median(walls), 2)
        yield row


def free_port() -> int:
    """A loopback port that nobody has right now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(command: list[Any], port: int, **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a process group of its own, which takes connections at *port*, until the context ends."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "start_new_session": True}
    started = subprocess.Popen(command, **{**quiet, **more})
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if started.poll() is not None:
                    raise
                time.sleep(0.01)
        yield started
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


@contextmanager
def dynoxide() -> Iterator[str]:
    """The URL of a fresh dynoxide, or "" where there is none."""
    found = _engines.state("dynoxide", build=False)
    if "path" not in found:
        yield ""
        return
    port = free_port()
    with running([found["path"], "serve", "--log", "quiet", "--port", str(port)], port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def served(meter: Meter, dynamodb: str, s3: str = "") -> Iterator[str]:
    """The URL of the house on a free loopback port, metered."""
    meter.watch()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        with local.opened(local.Options(data=None, dynamodb=dynamodb, s3=s3), port) as house:
            config = uvicorn.Config(
                meter.around(house.app), lifespan="off", log_level="warning", access_log=False
            )
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
            thread.start()
            yield house.url
            server.should_exit = True
            thread.join()


def main() -> None:
    """Print a table, or with `--json` one object."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--peer", metavar="URL", help="a stock mlflow server that gets the same calls in turn"
    )
    parser.add_argument("--json", action="store_true", help="answer for machines")
    parser.add_argument("--repeat", type=int, default=30, help="how often each call is made (default 30)")
    parser.add_argument(
        "--runs", default="1000,10000", help="among how many runs to search (default 1000,10000)"
    )
    options = parser.parse_args()
    sizes = [int(size) for size in options.runs.split(",") if size]
    meter = Meter()
    with ExitStack() as stack:
        url = stack.enter_context(dynoxide())
        house = Server(stack.enter_context(served(meter, url)))
        peer = Server(options.peer) if options.peer else None
        rows = []
        for row in measured(house, meter, peer, sizes, options.repeat):
            if not url:
                row["read units"] = row["write units"] = None
            rows.append(row)
            if not options.json:
                show(row, first=len(rows) == 1)
    if options.json:
        print(json.dumps({"table": "dynoxide" if url else "moto", "calls": rows}))


def show(row: dict[str, Any], *, first: bool) -> None:
    """Print a row of the table, above the first one the names of its columns."""
    if first:
        print("  ".join(f"{name:>12}" if name != "call" else f"{name:<26}" for name in row))
    print(
        "  ".join(
            f"{'-' if value is None else value:>12}" if name != "call" else f"{value:<26}"
            for name, value in row.items()
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
