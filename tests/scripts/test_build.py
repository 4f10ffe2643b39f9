"""`scripts/build`: the same input gives the same zip, with what the functions need and nothing else."""

import ast
import hashlib
import importlib.util
import marshal
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
pytestmark = [pytest.mark.long, pytest.mark.xdist_group("built")]


def build(*options, root=ROOT):
    """Runs the script; gives what it says."""
    command = [root / "scripts/build", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def git(root, *words):
    """Runs git in a checkout; gives what it says."""
    done = subprocess.run(["git", "-C", root, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tracked(*tops):
    """The files that git tracks below some folders, as they are named from the root."""
    return [name for name in git(ROOT, "ls-files", "-z", *tops).split("\0") if (ROOT / name).is_file()]


def exported(folder):
    """A copy of what git tracks, and of the wheels, with other times and without git."""
    for name in tracked("functions", "sdk", "scripts", "locks"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "dist/wheels", folder / "dist/wheels")
    return folder


def digest(path):
    """A file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The zips of both processors for the Python that runs the tests, and what the builds said."""
    folder = tmp_path_factory.mktemp("built")
    said = {arch: build("--arch", arch, "--python", HERE, "--to", folder) for arch in ("arm64", "x86_64")}
    return {arch: (folder / f"runhaven-{arch}.zip", words) for arch, words in said.items()}


@pytest.fixture(scope="module")
def zipped(built):
    """The zip that is the default: arm64."""
    with zipfile.ZipFile(built["arm64"][0]) as archive:
        yield archive


def test_the_same_input_gives_the_same_zip(built, tmp_path):
    """Built again, and built from a copy elsewhere with other times, the zip has the same hash."""
    copy = exported(tmp_path / "export")
    (copy / f".venv-build-{HERE}").symlink_to(ROOT / f".venv-build-{HERE}")
    path, _ = built["arm64"]
    for root in (ROOT, copy):
        build("--arch=arm64", f"--python={HERE}", f"--to={tmp_path / 'again'}", root=root)
        assert digest(tmp_path / "again" / path.name) == digest(path)


def test_only_what_git_tracks_is_in_it(built, tmp_path):
    """What lies in a checkout and is not tracked does not reach the zip, and the build names it."""
    copy, (path, _) = exported(tmp_path / "checkout"), built["arm64"]
    git(copy, "init", "--quiet")
    git(copy, "add", "functions", "sdk")
    left = ["functions/app_old.py", "functions/ui/static/.DS_Store", "sdk/runhaven/wire/scratch.py"]
    for name in left:
        (copy / name).write_text("x = 1\n")
    said = build("--arch=arm64", f"--python={HERE}", f"--to={tmp_path / 'again'}", root=copy)
    assert digest(tmp_path / "again" / path.name) == digest(path)
    assert [name for name in left if f"{name} stays out of the zip" not in said] == []
    assert [each.name for each in copy.glob(".venv-build-*")] == [f".venv-build-{HERE}"]


def test_it_says_how_large_and_what_it_is(built):
    """Sizes, hash, maker and what the module wants to know are printed; both zips are in budget."""
    for arch, (path, said) in built.items():
        assert path.stat().st_size <= 12 * 2**20
        assert digest(path) in said
        assert f'architecture = "{arch}"' in said
        assert f'python = "{HERE}"' in said
        assert re.search(rf"^made by Python {re.escape(HERE)}\.\S+ and zlib \d\S+$", said, re.MULTILINE)
        assert re.search(r"MB unpacked  botocore$", said, re.MULTILINE)


def test_only_the_server_is_in_it(zipped):
    """No laptop's house, no stand-in, no web server, no test, no wheel's list of files."""
    names = zipped.namelist()
    assert [name for name in names if name.startswith("functions/local")] == []
    tops = {name.split("/")[0].split(".")[0] for name in names}
    assert tops & set("moto uvicorn boto3 werkzeug flask responses tests scripts infra pip".split()) == set()
    assert {"functions", "runhaven", "botocore", "starlette", "fastapi", "cryptography"} <= tops
    assert [name for name in names if name.endswith((".pyi", "RECORD", "/INSTALLER"))] == []


def test_licences_are_kept(zipped):
    """Whoever passes the zip on passes on the licence of everything that is in it."""
    names = zipped.namelist()
    parts = {name.split("/")[0] for name in names if ".dist-info/" in name}
    said = {
        name.split("/")[0]
        for name in names
        if re.search(r"dist-info/(licenses/|LICEN|NOTICE|METADATA)", name)
    }
    assert parts == said


def test_all_of_ours_is_in_it(zipped):
    """Every module of functions/ but the laptop's, with the page, and the SDK's words on the wire."""
    ours = {name for name in tracked("functions") if not name.startswith("functions/local")}
    ours |= {name.removeprefix("sdk/") for name in tracked("sdk/runhaven/wire")}
    assert ours <= set(zipped.namelist())


def test_every_module_is_compiled_and_never_checked(zipped):
    """Bytecode is for this Python, is never compared with its source, and names no folder of the builder."""
    names = zipped.namelist()
    compiled = [name for name in names if name.endswith(".pyc")]
    sources = [name for name in names if name.endswith(".py")]
    cached = {
        f"{Path(name).parent}/__pycache__/{Path(name).stem}.{sys.implementation.cache_tag}.pyc"
        for name in sources
    }
    assert cached <= set(compiled)
    for name in compiled:
        code = zipped.read(name)
        assert code[:4] == importlib.util.MAGIC_NUMBER
        assert int.from_bytes(code[4:8], "little") == 0b01, f"{name} is checked against its source (PEP 552)"
        assert marshal.loads(code[16:]).co_filename.startswith("/var/task/")


def test_the_processor_is_the_one_that_was_asked_for(built):
    """Every compiled library is for the functions' processor and not for the builder's."""
    machines = {"arm64": 183, "x86_64": 62}  # ELF's e_machine
    for arch, (path, _) in built.items():
        with zipfile.ZipFile(path) as archive:
            libraries = [name for name in archive.namelist() if ".so" in Path(name).suffixes]
            assert len(libraries) >= 4
            heads = [archive.read(name)[:20] for name in libraries]
        assert {int.from_bytes(head[18:20], "little") for head in heads} == {machines[arch]}


def services_called():
    """Every service of AWS for which functions/ makes a client."""
    found = set()
    for path in (ROOT / "functions").rglob("*.py"):
        if not path.name.startswith("local"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                match node:
                    case ast.Call(
                        func=ast.Name(id=called) | ast.Attribute(attr=called),
                        args=[ast.Constant(value=str(word)), *_],
                    ) if called.endswith("client"):
                        found.add(word)
    return found


def test_botocore_knows_the_services_that_are_called(zipped):
    """The services that functions/ calls are described, and no others; the certificates are there."""
    names = zipped.namelist()
    held = {name.split("/")[2] for name in names if name.startswith("botocore/data/") and name.count("/") > 2}
    assert held == services_called()
    assert {f"botocore/data/{name}.json" for name in ("endpoints", "partitions", "_retry")} <= set(names)
    assert b"BEGIN CERTIFICATE" in zipped.read("botocore/cacert.pem")


def test_a_python_that_is_not_here_is_refused(tmp_path):
    """Bytecode of another Python cannot be written, and the build says what to install."""
    command = [ROOT / "scripts/build", "--python", "3.99", "--to", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "3.99 is not here" in done.stderr
    assert list(tmp_path.iterdir()) == []
