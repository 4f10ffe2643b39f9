"""`scripts/engines`: builds what is pinned, once, and is honest about the rest."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import engines as real

SCRIPT = Path(__file__).parents[2] / "scripts/engines"
# A cargo that notes its call, and makes a program, or fails where the file `broken` lies beside it.
CARGO = """#!/bin/sh
here=$(dirname "$0")
echo "$@" >>"$here/calls"
[ -e "$here/broken" ] && { echo "no network"; exit 101; }
while [ "$1" != --root ]; do shift; done
mkdir -p "$2/bin" && echo made >"$2/bin/dynoxide"
"""
# A go that installs where it is told to.
GO = """#!/bin/sh
echo "$@" >>"$(dirname "$0")/calls"
mkdir -p "$GOBIN" && echo made >"$GOBIN/minio"
"""


@pytest.fixture
def tools(tmp_path):
    """A PATH that has what any machine has, and nothing to build with."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("bash", "env", "dirname", "mkdir", "python3", "sh"):
        (folder / name).symlink_to(os.path.realpath(shutil.which(name)))
    (folder / "python3").unlink()
    (folder / "python3").symlink_to(shutil.which("python3", path=os.defpath) or shutil.which("python3"))
    return folder


@pytest.fixture
def engines(tools, tmp_path):
    """Runs the script with an empty cache; yields its exit code, its output and its complaints."""

    def engines(*options, **environment):
        world = {"PATH": str(tools), "RUNHAVEN_ENGINES": str(tmp_path / "cache"), **environment}
        done = subprocess.run([SCRIPT, *options], env=world, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    return engines


@pytest.fixture
def cargo(tools):
    """A cargo on the PATH; the folder that it lies in."""
    (tools / "cargo").write_text(CARGO)
    (tools / "cargo").chmod(0o755)
    return tools


def test_without_cargo_it_says_so_and_goes_on(engines):
    """A machine that cannot build an engine hears why, for each, and that is no failure."""
    code, output, complaint = engines()
    assert (code, complaint) == (0, "")
    said = [(line.split()[0], line.rpartition(": ")[2]) for line in output.splitlines()]
    assert said == [
        ("dynoxide", "no cargo"),
        ("minio", "no go"),
        ("iam-simulate", "no npm"),
        ("opentofu", "no go"),
    ]


@pytest.mark.parametrize(("options", "environment"), [(["--require"], {}), ([], {"CI": "true"})])
def test_ci_requires_every_engine(engines, options, environment):
    """Under CI, or when asked, a missing engine is a failure."""
    assert engines(*options, **environment)[0] == 1


def test_it_builds_once(engines, cargo, tmp_path):
    """The first run builds the pinned version outside the checkout, and the second finds it."""
    program = tmp_path / "cache/dynoxide-3.2.0/bin/dynoxide"
    assert engines("dynoxide")[:2] == (0, f"dynoxide 3.2.0 ready {program}\n")
    code, output, _ = engines("--json", "dynoxide")
    assert (code, json.loads(output)) == (0, {"dynoxide": {"version": "3.2.0", "path": str(program)}})
    assert "--version 3.2.0 --locked" in (cargo / "calls").read_text()
    assert (cargo / "calls").read_text().count("\n") == 1


def test_a_build_has_its_own_environment(engines, tools, tmp_path):
    """What a tool takes from its environment, such as the folder to install into, is set for it."""
    (tools / "go").write_text(GO)
    (tools / "go").chmod(0o755)
    version = "0.0.0-20260212201848-7aac2a2c5b7c"
    program = tmp_path / f"cache/minio-{version}/bin/minio"
    assert engines("minio", GOBIN="elsewhere")[:2] == (0, f"minio {version} ready {program}\n")
    assert (tools / "calls").read_text() == f"install github.com/minio/minio@v{version}\n"


def test_a_build_finds_its_files(engines, tools, tmp_path):
    """A tool that builds from a file of its own finds that in the folder, with the pinned version."""
    (tools / "go").write_text('#!/bin/sh\ncd "$3" && mkdir bin && mv go.mod bin/tofu\n')
    (tools / "go").chmod(0o755)
    (tools / "mv").symlink_to(shutil.which("mv"))
    assert engines("opentofu")[0] == 0
    made = (tmp_path / "cache/opentofu-1.10.10/bin/tofu").read_text()
    assert "require github.com/opentofu/opentofu v1.10.10\n" in made


def test_looking_builds_nothing(engines, cargo):
    """With --look a missing engine stays missing."""
    assert engines("--look", "dynoxide")[1] == "dynoxide 3.2.0 not here: not built yet (scripts/engines)\n"
    assert not (cargo / "calls").exists()


def test_a_failed_build_leaves_only_its_log(engines, cargo, tmp_path):
    """When a build fails, no half engine stays, and the log says why."""
    (cargo / "broken").touch()
    log = tmp_path / "cache/dynoxide-3.2.0.log"
    assert engines("dynoxide")[1] == f"dynoxide 3.2.0 not here: cargo failed, see {log}\n"
    assert [path.name for path in log.parent.iterdir()] == [log.name]
    assert log.read_text() == "no network\n"


def test_an_unknown_engine_is_refused(engines):
    """A name that is not pinned is an error that names it."""
    code, _, complaint = engines("dynamo")
    assert code == 2
    assert "no such engine: dynamo" in complaint


@pytest.mark.engine
def test_a_started_engine_answers_and_keeps_its_file(tmp_path):
    """An engine starts on a free port, and its data file outlives it."""
    with real.dynoxide(tmp_path / "data") as url:
        assert url.startswith("http://127.0.0.1:")
    assert (tmp_path / "data").stat().st_size > 0
