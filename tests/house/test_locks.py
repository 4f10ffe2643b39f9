"""What is installed is what was meant, byte for byte, from wherever it comes. Needs no network."""

import importlib.metadata
import re
import sys
import tomllib

import pytest

from tests.house.source import ROOT, files, imports

GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
LOCKS = {path.stem: path.read_text("utf-8") for path in sorted((ROOT / "locks").glob("*.txt"))}
# The modules of the local house; everything else runs in Lambda.
LOCAL = "functions/local"


def needs(group):
    """The requirements of a group, those of the groups that it includes among them."""
    for need in GROUPS[group]:
        yield from needs(need["include-group"]) if isinstance(need, dict) else [need]


def canonical(name):
    """A project's name as the index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock):
    """What a lock pins: name and version."""
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", LOCKS[lock], re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place(lock):
    """A lock has no address and no option: it installs from any index."""
    assert re.findall(r"://|^-.*|@ *\S+", LOCKS[lock], re.MULTILINE) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock):
    """Each requirement is one exact version and is followed by its hashes."""
    lines = re.sub(r"^#.*\n", "", LOCKS[lock], flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    assert lines
    assert [
        line
        for line in lines
        if not re.fullmatch(r"[a-z0-9.-]+==[^\s;]+( ; [^\\]+?)?( +--hash=sha256:[0-9a-f]{64})+", line)
    ] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_what_pyproject_names(lock):
    """Every requirement of a group is pinned in its lock, at the version that the group asks for."""
    pinned = pins(lock)
    for need in needs(lock.replace(".", "-")):
        name, exact = re.fullmatch(r"([\w.-]+)(?:\[.*\])?(?:==(\S+))?", need).groups()
        assert canonical(name) in pinned, f"{need}: run scripts/lock"
        assert exact in {None, pinned[canonical(name)]}, f"{need}: run scripts/lock"


def test_what_is_tested_is_what_runs():
    """The lock of the zip is contained in the house's, and that one in the developers'."""
    assert pins("server").items() <= pins("house").items() <= pins("dev").items()


@pytest.mark.parametrize("group", ["server", "house"])
def test_what_is_imported_is_declared(group):
    """The server imports only what its group names, and the local house only what `house` names besides."""
    declared = {canonical(re.match(r"[\w.-]+", need)[0]) for need in needs(group)} | {"runhaven"}
    owners = importlib.metadata.packages_distributions() | {"runhaven": ["runhaven"]}
    ours = [path for path in files("functions") if str(path).startswith(LOCAL) is (group == "house")]
    used = {name.split(".")[0] for path in ours for name in imports(path)}
    foreign = used - {"functions", *sys.stdlib_module_names}
    known = {name for name in foreign if declared & {canonical(each) for each in owners.get(name, [])}}
    assert sorted(foreign - known) == []
