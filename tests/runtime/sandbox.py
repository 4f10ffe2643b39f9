"""Lambda as a function meets it: the Runtime API, AWS's own runtime client, and the unpacked zip.

What is served here is https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, to one process each.
"""

import json
import queue
import signal
import subprocess
import threading
import time
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# Where scripts/test installs the runtime client, and nothing else.
PYTHON = ROOT / ".venv-lambda/bin/python"
# What a function takes and gives at the most: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
# An answer may have the bytes that Lambda's refusal names: https://github.com/anomalyco/console/issues/63
EVENT_BYTES, ANSWER_BYTES = 6 * 1024 * 1024, 6_291_556
_NEXT = "/2018-06-01/runtime/invocation/next"


class Failed(Exception):
    """The function gave no answer; the words are the runtime's."""


class EventTooLarge(Failed):
    """The event is larger than Lambda carries: the function never sees it."""


class AnswerTooLarge(Failed):
    """The answer is larger than Lambda carries. The runtime client ends its process when it is told so."""


class TimedOut(Failed):
    """The function ran for longer than it may, and was ended."""


class Door(BaseHTTPRequestHandler):
    """What one process of a function asks the Runtime API."""

    protocol_version = "HTTP/1.1"
    sandbox: "Sandbox"

    def do_GET(self) -> None:
        """The next event, whenever there is one."""
        if self.path != _NEXT:
            self._say(404)
            return
        self.sandbox.ready.set()
        given = self.sandbox.events.get()
        if given is not None:
            self._say(200, given[1], {**self.sandbox.headers(), "Lambda-Runtime-Aws-Request-Id": given[0]})

    def do_POST(self) -> None:
        """An answer, an error, or that the module could not be imported."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.endswith("/init/error"):
            self.sandbox.broken = body.decode()
            self.sandbox.ready.set()
        elif self.path.endswith("/error"):
            self.sandbox.answers.put(Failed(body.decode()))
        elif len(body) > ANSWER_BYTES:
            words = f"Exceeded maximum allowed payload size ({ANSWER_BYTES} bytes)."
            said = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": words}
            self.sandbox.answers.put(AnswerTooLarge(json.dumps(said)))
            self._say(413, json.dumps({**said, "errorType": "RequestEntityTooLarge"}).encode())
            return
        else:
            self.sandbox.answers.put(body)
        self._say(202, b"{}")

    def _say(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Function:
    """A Lambda function: what it runs, in which environment, for how many seconds and with how many MB."""

    package: Path
    handler: str
    environment: dict[str, str]
    credentials: dict[str, str]
    log: Path
    seconds: float
    memory: int
    account: str = "111111111111"
    idle: list["Sandbox"] = field(default_factory=list)
    started: list["Sandbox"] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        """What it is called, after its door."""
        return f"runhaven-{self.handler.split('.')[-2]}"

    def invoke(self, event: Any) -> Any:
        """What the function answers to an event, in a process that is idle, or in a new one.

        Raises:
            Failed: it raised, could not be imported, or ran out of time or size.
        """
        payload = json.dumps(event).encode()
        if len(payload) > EVENT_BYTES:
            raise EventTooLarge(f"the event has {len(payload)} bytes")
        with self.lock:
            sandbox = self.idle.pop() if self.idle else self.sandbox()
        answer = sandbox.invoke(payload)
        self.idle.append(sandbox)
        return json.loads(answer)

    def sandbox(self) -> "Sandbox":
        """A new process, its module not imported yet."""
        self.started.append(Sandbox(self))
        return self.started[-1]

    def world(self, port: int) -> dict[str, str]:
        """The environment of a process: the function's own, and what Lambda adds."""
        return {
            "AWS_EXECUTION_ENV": "AWS_Lambda_python",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory),
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[1]0",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
            "LAMBDA_TASK_ROOT": str(self.package),
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "TZ": ":UTC",
            "_HANDLER": self.handler,
            **self.credentials,
            **self.environment,
        }

    def end(self) -> None:
        """End every process."""
        for each in self.started:
            each.end()


class Sandbox:
    """One process of a function, which takes one event after the other."""

    def __init__(self, function: Function) -> None:
        self.function, self.broken, self.ready = function, "", threading.Event()
        self.events: queue.Queue[tuple[str, bytes] | None] = queue.Queue()
        self.answers: queue.Queue[bytes | Failed] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Door,), {"sandbox": self}))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        with function.log.open("ab") as log:
            self.process = subprocess.Popen(  # its modules come from the zip, which is where it starts
                [PYTHON, "-s", "-m", "awslambdaric", function.handler],
                cwd=function.package,
                env=function.world(self._server.server_port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def headers(self) -> dict[str, str]:
        """What comes beside an event."""
        seconds, account = self.function.seconds, self.function.account
        return {
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + seconds) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": (
                f"arn:aws:lambda:eu-central-1:{account}:function:{self.function.name}:live"
            ),
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
            "Content-Type": "application/json",
        }

    def wait(self, seconds: float = 60) -> None:
        """Until the module is imported.

        Raises:
            Failed: it cannot be.
        """
        end = time.monotonic() + seconds
        while not self.ready.wait(0.02):
            if self.process.poll() is not None or time.monotonic() > end:
                break
        if self.broken or not self.ready.is_set():
            raise Failed(self.broken or self.function.log.read_text("utf-8", "replace")[-2000:])

    def invoke(self, payload: bytes) -> bytes:
        """What the process answers to an event."""
        self.wait()
        self.events.put((str(uuid.uuid4()), payload))
        try:
            answer = self.answers.get(timeout=self.function.seconds)
        except queue.Empty:
            self.end()
            raise TimedOut(f"Task timed out after {self.function.seconds:.2f} seconds") from None
        if isinstance(answer, Failed):
            raise answer
        return answer

    def end(self) -> None:
        """End the process."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        self.events.put(None)
        self._server.shutdown()
        self._server.server_close()
