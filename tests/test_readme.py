"""The README runs: its commands, its programs, its filters; and its tables say what the code says."""

import dataclasses
import inspect
import os
import re
import signal
import subprocess
import typing
from contextlib import contextmanager

import httpx
import pytest

from functions import errors
from functions.search.fields import RUNS
from functions.search.grammar import parse
from functions.settings import PREFIX, Settings
from tests.conftest import ROOT

TEXT = (ROOT / "README.md").read_text("utf-8")
ADDRESS = "http://127.0.0.1:5000"


def section(title):
    """The part of the README below a heading, up to the next one of its kind."""
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)[1]


def fences(kind, text=TEXT):
    """What stands in the fences of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def rows(title):
    """The cells of the tables of a section, without heads."""
    lines = re.findall(r"^\|(.*)\|$", section(title), re.MULTILINE)
    split = [tuple(cell.strip() for cell in line.split("|")) for line in lines]
    return [cells for cells in split if cells[0].startswith("`") or cells[0].isdecimal()]


@contextmanager
def serving(command, *options):
    """The URL of the house that a command of the README starts, with options that keep it off other data."""
    line = f"exec {command.strip()} {' '.join(options)}"
    with subprocess.Popen(["bash", "-c", line], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            first = process.stdout.readline()
            assert first.startswith("Runhaven is ready at "), first
            yield first.split()[-1]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def losses(url):
    """The last loss of each run of the Default experiment."""
    found = httpx.post(f"{url}/v1/runs/search", json={"experiment_ids": ["0"]}, timeout=30).json()["runs"]
    return [run["metrics"]["loss"]["last"] for run in found]


@pytest.mark.client
def test_the_quickstart_works(newest_client, tmp_path):
    """The two blocks of the quickstart give a house with a run in it, which is there after a restart too."""
    start, use = fences("bash", section("Quickstart"))
    options = ("--port", "0", "--data", str(tmp_path / "data"))
    world = {"HOME": str(tmp_path), "MLFLOW_DISABLE_TELEMETRY": "true"}
    with serving(start, *options) as url:
        assert ADDRESS in use
        line = use.replace(ADDRESS, url)
        path = f"{newest_client.parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(["bash", "-ec", line], env={**world, "PATH": path}, cwd=tmp_path, check=True)
        assert losses(url) == [0.5]
    with serving(start, *options) as url:
        assert losses(url) == [0.5]


@pytest.mark.client
def test_the_programs_work(newest_client, tmp_path):
    """Every Python program of the README does what its own asserts say."""
    (start,) = fences("bash", section("Quickstart"))[:1]
    programs = fences("python")
    assert len(programs) >= 2
    world = {"HOME": str(tmp_path), "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": os.environ["PATH"]}
    with serving(start, "--port", "0", "--data", str(tmp_path / "data")) as url:
        for program in programs:
            assert ADDRESS in program
            command = [newest_client, "-P", "-c", program.replace(ADDRESS, url)]
            subprocess.run(command, env=world, cwd=tmp_path, check=True)


@pytest.mark.parametrize("line", fences("text", section("Search"))[0].splitlines())
def test_the_filters_are_filters(line):
    """Every filter that the README shows is one."""
    assert parse(line, RUNS) is not None


def test_the_settings_are_those_of_the_code():
    """The table of settings has each setting with its own sentence, and no other."""
    hints = typing.get_type_hints(Settings, include_extras=True)
    fields = dataclasses.fields(Settings)
    said = [(f"`{PREFIX}{each.name.upper()}`", hints[each.name].__metadata__[0]) for each in fields]
    assert rows("Settings") == said


def test_the_errors_are_those_of_the_code():
    """The table of errors has each pair of status and code that the tree of errors has, and no other."""
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    assert {(int(row[0]), row[1].strip("`")) for row in rows("The native API")} == {
        (kind.status, kind.code) for kind in kinds
    }


def test_the_map_shows_every_room():
    """Each room and each file of the server stands on the map."""
    shown = set(re.findall(r"[\w*]+(?:/|\.py)", section("The map")))
    here = {path.name + "/" * path.is_dir() for path in (ROOT / "functions").iterdir()}
    real = {name for name in here if not name.startswith(("__", "local"))}
    assert real - shown == set()
