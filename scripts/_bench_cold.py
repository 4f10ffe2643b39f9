"""What a cold start costs: the zip that scripts/build makes, under AWS's own runtime client.

CPU time is the process's own until it asks for its first event, less what the runtime client takes alone;
the least of several processes. A processor of Lambda's is about two and a half times slower than most.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.runtime.package import unpacked
from tests.runtime.sandbox import Function

DOORS = {name: f"functions.handlers.{name}.handler" for name in ("api", "stream", "jobs")}
# Requests of a new process: the app alone, a token that DynamoDB does not know, and the native API.
FIRST = {
    "GET /health": "/health",
    "a token": "/api/2.0/mlflow/runs/get?run_id=x",
    "native": "/v1/openapi.json",
}


class Empty(BaseHTTPRequestHandler):
    """A DynamoDB that has nothing."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer that there is no such item."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def cpu(pid: int) -> float:
    """CPU milliseconds of a process until now: its threads' own nanoseconds, where ticks are too coarse."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


def resident(pid: int) -> float:
    """MB in memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def event(path: str) -> dict[str, Any]:
    """A request as API Gateway sends it."""
    plain, _, query = path.partition("?")
    headers = {"host": "127.0.0.1", "authorization": f"Bearer rh_{'x' * 43}"}
    request = {"method": "GET", "path": plain, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}
    context = {"http": request, "stage": "$default", "requestId": "bench"}
    shape = {"version": "2.0", "routeKey": "$default", "rawPath": plain, "rawQueryString": query}
    return {**shape, "headers": headers, "requestContext": context, "isBase64Encoded": False}


def started(function: Function) -> dict[str, float]:
    """What one new process of a function costs until it waits for an event, and for its first answers."""
    begun, sandbox = time.perf_counter(), function.sandbox()
    try:
        sandbox.wait()
        pid = sandbox.process.pid
        time.sleep(0.05)  # it asks before it sleeps
        seen = {
            "init": cpu(pid),
            "wall": 1000 * (time.perf_counter() - begun) - 50,
            "resident": resident(pid),
        }
        if function.handler == DOORS["api"]:
            for name, path in FIRST.items():
                before, begun = cpu(pid), time.perf_counter()
                sandbox.invoke(json.dumps(event(path)).encode())
                seen[f"{name} wall"] = 1000 * (time.perf_counter() - begun)
                time.sleep(0.05)
                seen[f"{name} cpu"] = cpu(pid) - before
            seen["resident after"] = resident(pid)
    finally:
        sandbox.end()
    return seen


def measured(folder: Path, repeat: int) -> dict[str, dict[str, float]]:
    """The least of every figure, for the runtime client alone and for each function."""
    task = unpacked(folder)
    (folder / "alone").mkdir()
    (folder / "alone/alone.py").write_text("def handler(event, context): ...\n")
    nothing = ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    threading.Thread(target=nothing.serve_forever, daemon=True).start()
    table = {"RUNHAVEN_TABLE": "runhaven", "RUNHAVEN_REGION": "eu-central-1", "AWS_REGION": "eu-central-1"}
    table["RUNHAVEN_DYNAMODB_URL"] = f"http://127.0.0.1:{nothing.server_port}"
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    log = folder / "log.txt"
    each = {name: Function(task, handler, table, keys, log, 60, 1024) for name, handler in DOORS.items()}
    each["runtime alone"] = Function(folder / "alone", "alone.handler", table, keys, log, 60, 1024)
    runs = {name: [started(function) for _ in range(repeat + 1)][1:] for name, function in each.items()}
    nothing.shutdown()
    least = {name: {what: min(run[what] for run in some) for what in some[0]} for name, some in runs.items()}
    for name in DOORS:
        least[name]["init"] -= least["runtime alone"]["init"]
    return least


def told(found: dict[str, dict[str, float]]) -> str:
    """What was measured, as tables."""
    lines = [f"{'function':15}{'init CPU ms':>12}{'wall ms':>9}{'MB':>7}"]
    for name, row in found.items():
        lines.append(f"{name:15}{row['init']:12.0f}{row['wall']:9.0f}{row['resident']:7.0f}")
    lines += ["", f"{'first answer':15}{'CPU ms':>12}{'wall ms':>9}"]
    api = found["api"]
    lines += [f"{name:15}{api[f'{name} cpu']:12.0f}{api[f'{name} wall']:9.0f}" for name in FIRST]
    return "\n".join([*lines, f"{'after them':15}{api['resident after']:28.0f}"])


def main() -> None:
    """Print tables, or JSON."""
    parser = argparse.ArgumentParser(prog="scripts/bench cold", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="answer for machines")
    parser.add_argument("--repeat", type=int, default=7, help="processes of each function (7)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), options.repeat)
    print(json.dumps(found) if options.json else told(found))


if __name__ == "__main__":
    sys.exit(main())
