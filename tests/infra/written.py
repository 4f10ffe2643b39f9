"""What the module of the control plane writes, read from its text: for tests that apply nothing.

The tests of what is applied compare it with what AWS's stand-in was told.
"""

import json
import re
from functools import cache
from typing import Any

from tests.infra.tofu import INFRA


@cache
def _text(name: str) -> str:
    return (INFRA / f"modules/control_plane/{name}.tf").read_text("utf-8")


def settings() -> set[str]:
    """The names of the functions' environment."""
    return set(re.findall(r"^    (RUNHAVEN_\w+)\s+=", _text("functions"), re.MULTILINE))


def limits() -> dict[str, tuple[int, int]]:
    """Seconds and MB that each function has, unless a deployment gives it other memory."""
    seconds = dict(re.findall(r"^    (\w+)\s+= \{ seconds = (\d+),", _text("functions"), re.MULTILINE))
    memory = re.search(r'^variable "memory_mb" {\n(.*?)^}', _text("variables"), re.MULTILINE | re.DOTALL)[1]
    megabytes = dict(re.findall(r"^    (\w+)\s+= optional\(number, (\d+)\)", memory, re.MULTILINE))
    return {name: (int(seconds[name]), int(megabytes[name])) for name in seconds}


def gateway_seconds() -> float:
    """How long the gateway waits for the function of the API."""
    return int(re.search(r"^  timeout_milliseconds\s+= (\d+)", _text("api"), re.MULTILINE)[1]) / 1000


def filters() -> list[Any]:
    """The patterns of the changes that reach the function of the table's stream."""
    written = re.search(r'"filter" {\n\s+for_each = (\[.*?\n\s+\])\n', _text("jobs"), re.DOTALL)[1]
    quoted = re.sub(r"(\w+) = ", r'"\1": ', written)
    return json.loads(re.sub(r",(\s*\])", r"\1", quoted))
