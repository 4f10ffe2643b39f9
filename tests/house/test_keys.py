"""No key without a grant: another team's data is not forbidden, it is unspellable."""

import ast
import re

from tests.house.source import called, files, functions, tree

OURS = files("functions")
# Credentials are read before anybody has a grant.
BEFORE_GRANTS = "functions/access/items.py"


def makes(path, name):
    """Where a file makes a Key or a Grant, also past its constructor."""
    calls = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    around = re.compile(rf"\b{name}\._make|\b__new__\({name}|_replace\(.*\b[ps]k=")
    return [
        f"{path}:{node.lineno}" for node in calls if called(node) == name or around.search(ast.unparse(node))
    ]


def test_keys_are_made_in_items():
    """Only the items of a room, and the table itself, spell a storage key."""
    others = [path for path in OURS if path.name != "items.py" and str(path) != "functions/table.py"]
    assert [where for path in others for where in makes(path, "Key")] == []


def test_grants_are_made_in_one_place():
    """Only access/grants.py makes a Grant."""
    others = [path for path in OURS if str(path) != "functions/access/grants.py"]
    assert [where for path in others for where in makes(path, "Grant")] == []


def test_keys_and_grants_keep_their_names():
    """Neither is imported under another name, so that these rules see every use."""
    nodes = [
        (path, node) for path in OURS for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom)
    ]
    hidden = [(path, name) for path, node in nodes for name in node.names if name.asname]
    assert [f"{path}: {name.asname}" for path, name in hidden if name.name in {"Key", "Grant"}] == []


def test_a_key_needs_a_grant():
    """Every function that makes a key takes a Grant, and no key is made while a module loads."""
    rooms = [path for path in OURS if path.name == "items.py" and str(path) != BEFORE_GRANTS]
    granted = {
        f"{path}:{line}"
        for path in rooms
        for each in functions(tree(path))
        if "Grant" in kinds(each)
        for line in range(each.lineno, each.end_lineno + 1)
    }
    assert [where for path in rooms for where in makes(path, "Key") if where not in granted] == []


def kinds(function):
    """The last words of the types of a function's parameters."""
    given = function.args
    notes = [
        each.annotation for each in [*given.posonlyargs, *given.args, *given.kwonlyargs] if each.annotation
    ]
    return {ast.unparse(note).strip("'\"").split(".")[-1] for note in notes}
