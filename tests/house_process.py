"""The house as `scripts/run` starts it: in a process of its own, which a test may kill and start again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


@dataclass
class HouseProcess:
    """A house over a data folder; `start` waits until it is ready, and may be called again after an end."""

    folder: Path
    options: tuple[str, ...] = ()
    port: int = 0
    url: str = ""
    said: list[str] = field(default_factory=list)
    process: Any = None

    def start(self) -> "HouseProcess":
        """Start it, and read the lines that it prints when it is ready."""
        self.process = begun(self.folder, *self.options, port=self.port)
        self.said = [self.process.stdout.readline().rstrip("\n") for _ in range(3)]
        if not self.said[0].startswith("Runhaven is ready at "):
            self.kill()
            raise AssertionError(self.complaint())
        self.url = self.said[0].split()[-1]
        return self

    def credentials(self) -> Any:
        """What a house with `--auth` wrote for its users."""
        return json.loads((self.folder / "credentials.json").read_text("utf-8"))

    def complaint(self) -> str:
        """What it wrote to its error output until now."""
        return (self.folder.parent / f"{self.folder.name}.err").read_text("utf-8")

    def kill(self) -> None:
        """End it as a power cut does."""
        self.end(signal.SIGKILL)

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it by a signal, if it still runs; answers the code that it ends with."""
        self.process.send_signal(number)
        self.process.stdout.close()
        return self.process.wait(60)


def begun(folder: Path, *options: str, port: int = 0) -> subprocess.Popen[str]:
    """Begin to start a house; its error output goes to a file beside the folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-P", "-m", "functions.local", "--port", str(port), "--data", str(folder)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sdk'}"}
    with (folder.parent / f"{folder.name}.err").open("w") as errors:
        return subprocess.Popen(
            [*command, *options], env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )


@contextmanager
def house(folder: Path, *options: str, port: int = 0) -> Iterator[HouseProcess]:
    """A house that runs until the context ends; the folder is made."""
    opened = HouseProcess(Path(folder), options, port).start()
    try:
        yield opened
    finally:
        opened.end()


@contextmanager
def served(folder: Path, *options: str) -> Iterator[str]:
    """The URL of a house at a free port."""
    with house(folder, *options) as opened:
        yield opened.url
