"""What each call of the REST API costs: AWS round trips and units, the handler's CPU outside AWS, wall time.

The house runs in this process, its table on dynoxide where that is ready, else on moto, whose units are
constants and are not shown. With `--peer URL` a stock `mlflow server` gets the same calls in turn.
"""

import argparse
import http.client
import json
import random
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import _engines
import uvicorn

from functions import local, table

API = "/api/2.0/mlflow/"
WRITES = frozenset({"PutItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "UpdateItem"})


@dataclass
class Meter:
    """What the request that is being served has cost so far."""

    trips: int = 0
    read: float = 0.0
    written: float = 0.0
    aws_cpu: float = 0.0
    cpu: float = 0.0
    begun: dict[int, float] = field(default_factory=dict)

    def watch(self, client: Any) -> None:
        """Count a client's calls, ask for their units, and take their CPU time in any thread."""
        events = client.meta.events
        events.register_first("provide-client-params.dynamodb", self._begin)
        events.register("before-parameter-build.dynamodb", _ask_for_units)
        events.register_last("after-call.dynamodb", self._end)

    def _begin(self, **_: Any) -> None:
        self.begun[threading.get_ident()] = time.thread_time()

    def _end(self, parsed: Any, model: Any, **_: Any) -> None:
        self.trips += 1
        self.aws_cpu += time.thread_time() - self.begun[threading.get_ident()]
        consumed = parsed.get("ConsumedCapacity") or []
        units = sum(one["CapacityUnits"] for one in (consumed if isinstance(consumed, list) else [consumed]))
        if model.name in WRITES:
            self.written += units
        else:
            self.read += units

    def around(self, app: Any) -> Any:
        """The app, metered: every request starts at nothing."""

        async def metered(scope: Any, receive: Any, send: Any) -> None:
            self.trips, self.read, self.written, self.aws_cpu = 0, 0.0, 0.0, 0.0
            begun = time.process_time()
            await app(scope, receive, send)
            self.cpu = time.process_time() - begun

        return metered


def _ask_for_units(params: dict[str, Any], model: Any, **_: Any) -> None:
    if "ReturnConsumedCapacity" in model.input_shape.members:
        params["ReturnConsumedCapacity"] = "TOTAL"


class Server:
    """A server of MLflow's REST API, asked over one connection that stays open."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
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
        self._connection.request(method, API + path, body, {"Content-Type": "application/json"})
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
            begun = time.perf_counter()
            call(turn)
            walls.append(time.perf_counter() - begun)
            rows.append((meter.trips, meter.read, meter.written, 1000 * (meter.cpu - meter.aws_cpu)))
            if their_call:
                begun = time.perf_counter()
                their_call(turn)
                their_walls.append(time.perf_counter() - begun)
        trips, read, written, cpu = zip(*rows, strict=True)
        row = {
            "call": name,
            "trips": round(statistics.mean(trips), 2),
            "read units": round(statistics.mean(read), 1),
            "write units": round(statistics.mean(written), 2),
            "cpu ms": round(statistics.median(cpu), 2),
            "wall ms": round(1000 * statistics.median(walls), 2),
        }
        if their_walls:
            row["peer wall ms"] = round(1000 * statistics.median(their_walls), 2)
            row["peer / ours"] = round(statistics.median(their_walls) / statistics.median(walls), 2)
        yield row


@contextmanager
def engine() -> Iterator[str]:
    """The URL of a fresh dynoxide, or "" where there is none."""
    found = _engines.state("dynoxide", build=False)
    if "path" not in found:
        yield ""
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = subprocess.Popen([found["path"], "serve", "--log", "quiet", "--port", str(port)])
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if started.poll() is not None:
                    raise
                time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        started.kill()
        started.wait()


@contextmanager
def served(dynamodb: str, meter: Meter) -> Iterator[Server]:
    """The house on a free loopback port, metered."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        with local.opened(local.Options(data=None, dynamodb=dynamodb), port) as house:
            meter.watch(table.client())
            config = uvicorn.Config(
                meter.around(house.app), lifespan="off", log_level="warning", access_log=False
            )
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
            thread.start()
            yield Server(house.url)
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
        url = stack.enter_context(engine())
        house = stack.enter_context(served(url, meter))
        peer = Server(options.peer) if options.peer else None
        rows = []
        for row in measured(house, meter, peer, sizes, options.repeat):
            if not url:
                row["read units"] = row["write units"] = None
            rows.append(row)
            if not options.json:
                _print(row, first=len(rows) == 1)
    if options.json:
        print(json.dumps({"table": "dynoxide" if url else "moto", "calls": rows}))


def _print(row: dict[str, Any], *, first: bool) -> None:
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
