"""Names that say what a thing is."""

import ast
import re

from tests.house.source import ROOT, files, tree

VAGUE = set(
    "util utils helper helpers common base bases manager managers misc shared core lib impl abstract".split()
)
# In every room the same furniture.
FURNITURE = {"__init__", "items", "service", "routes", "reactions"}
# Where a room keeps more, each piece has a noun of its own, and stands here.
SPECIALISTS = {
    "artifacts": (
        "catalogue content files owners paths proofs purge registering sessions signing uploads vault_routes"
        " vaults"
    ),
    "access": "admins caller credentials directory grants members memory policy principal signatures tokens",
    "datasets": "files lineage manifest removal versions",
    "experiments": "datasets memory removal",
    "logged_models": "content removal",
    "metrics": "downsample history upkeep",
    "runs": "content limits lineage merge names opening points removal spoken store",
    "search": "fields grammar order pages pattern plan predicate readers tokens tree",
}
# A dialect, a page and the doors are not rooms with drawers.
OTHERWISE = {"mlflow", "ui", "handlers"}


def words(path):
    """The words in the names of a file, its folders and its classes."""
    classes = [node.name for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)]
    names = [*path.with_suffix("").parts, *(re.sub(r"(?<!^)([A-Z])", r"_\1", name) for name in classes)]
    return {word.lower() for name in names for word in name.split("_")}


def test_no_name_is_vague():
    """No file, folder or class is called after nothing in particular."""
    ours = files("functions", "sdk", "tests", "scripts")
    assert [f"{path}: {vague}" for path in ours if (vague := words(path) & VAGUE)] == []


def test_every_room_has_the_same_furniture():
    """A room has items, service, routes and reactions, or a specialist with a noun of its own."""
    pieces = [path.parts[1:] for path in files("functions") if len(path.parts) > 2]
    rooms = [(room, "/".join(rest)) for room, *rest in pieces if room not in OTHERWISE]
    known = {
        room: {f"{noun}.py" for noun in FURNITURE | set(SPECIALISTS.get(room, "").split())}
        for room, _ in rooms
    }
    assert [f"{room}/{piece}" for room, piece in rooms if piece not in known[room]] == []


def test_no_furniture_is_empty():
    """A file without a statement is absent; only a package's own may be."""
    empty = [path for path in files("functions", "sdk") if not tree(path).body and path.stem != "__init__"]
    assert empty == []


def test_every_room_is_a_package():
    """Each folder of Python in functions/ and sdk/runhaven/ can be imported by its name."""
    folders = {path.parent for path in files("functions", "sdk/runhaven")}
    assert {folder for folder in folders if not (ROOT / folder / "__init__.py").exists()} == set()
