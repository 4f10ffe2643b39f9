"""Importing is free: no effect, no environment, no time."""

import json
import subprocess
import sys

import pytest

from tests.house.source import ROOT, files, module
from tests.yardstick import slowness

PATHS = [str(ROOT), str(ROOT / "sdk")]

# Imports every module and prints what that did to the world outside, and inside the process.
QUIET = """
import importlib, json, os, sys, threading
paths, modules = json.load(sys.stdin)
sys.path[:0] = paths
before, seen, at = dict(os.environ), [], ""
LOUD = ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.fork",
        "os.mkdir", "os.remove", "os.rename", "os.putenv", "sqlite3.connect", "signal.signal")
def watch(event, args):
    if event == "socket.bind" and args[1] == ("::1", 0):
        return  # urllib3 asks whether this machine has IPv6
    writes = event == "open" and args[0] != os.devnull and (
        set(str(args[1] or "")) & set("wax+") or (args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    if writes or event in LOUD:
        seen.append(f"{at}: {event} {args[:2]!r}")
sys.addaudithook(watch)
for at in modules:
    try:
        importlib.import_module(at)
    except BaseException as error:
        seen.append(f"{at}: {type(error).__name__} {error}")
if threading.active_count() > 1:
    seen.append(f"threads: {threading.enumerate()}")
if dict(os.environ) != before:
    seen.append("the environment was changed")
print(json.dumps(seen))
"""

# Imports one module and prints its CPU seconds and everything that it brought along.
WEIGH = """
import json, sys, time
sys.path[:0], name = json.load(sys.stdin)
before, start = set(sys.modules), time.process_time()
__import__(name)
spent = time.process_time() - start
print(json.dumps([spent, sorted(set(sys.modules) - before)]))
"""


def fresh(code, given, **environment):
    """What a new Python with an empty environment prints."""
    command = [sys.executable, "-P", "-s", "-c", code]
    done = subprocess.run(
        command, input=json.dumps(given), text=True, capture_output=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_importing_has_no_effect():
    """Every module of functions/ and sdk/ imports with an empty environment, and opens and writes nothing."""
    modules = [module(path) for path in files("functions", "sdk/runhaven")]
    assert fresh(QUIET, [PATHS, modules], PYTHONDONTWRITEBYTECODE="1") == []


@pytest.fixture(scope="module")
def weigh(tmp_path_factory):
    """Weighs the import of a module: its least CPU milliseconds of five, and what it brings along."""
    compiled = str(tmp_path_factory.mktemp("compiled"))

    def weigh(name):
        runs = [fresh(WEIGH, [PATHS, name], PYTHONPYCACHEPREFIX=compiled) for _ in range(6)]
        return min(spent for spent, _ in runs[1:]) * 1000, {each.split(".")[0] for each in runs[0][1]}

    return weigh


AWS = "boto3 moto aws_xray_sdk docker opentelemetry"
HEAVY = "pydantic pydantic_core fastapi uvicorn werkzeug jwt cryptography requests httpx numpy pandas mlflow"
API_NEVER = set(f"{AWS} {HEAVY}".split())
SDK_NEVER = API_NEVER | set("functions botocore pynamodb starlette msgspec urllib3 asyncio".split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "milliseconds", "never"),
    [("functions.handlers.api", 320, API_NEVER), ("runhaven", 50, SDK_NEVER)],
    ids=["the API function", "the SDK"],
)
def test_a_cold_start_is_short(weigh, name, milliseconds, never):
    """Importing the API function or the SDK stays within its CPU budget and brings no heavy library."""
    spent, brought = weigh(name)
    assert brought & never == set()
    assert spent <= milliseconds * slowness()
