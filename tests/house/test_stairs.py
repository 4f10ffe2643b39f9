"""The map of the house, and the rule that imports follow it."""

import ast
import re
from pathlib import Path

from tests.house.source import ROOT, files, imports, module, tree

# From the top floor to the ground. A room that is not here does not exist.
FLOORS = [
    {"local"},  # the laptop's stand-in for AWS: it opens the same doors
    {"handlers"},
    {"app"},
    {"guard", "native", "mlflow", "ui"},
    {"search", "registry", "datasets"},
    {"artifacts"},
    {"metrics", "logged_models"},
    {"runs"},
    {"experiments"},
    {"teams"},
    {"access"},
    {"audit"},
    {
        "table",
        "dynamo",
        "tenancy",
        "roles",
        "jobs",
        "aws",
        "durable",
        "parallel",
        "revision",
        "literals",
        "limits",
        "ids",
        "telemetry",
        "garbage",
        "settings",
        "errors",
    },
]
GROUND = FLOORS[-1]
# The verbs of a room that has no `service`, and the pure nouns that a room publishes.
SERVICES = {"access": {"caller", "credentials", "directory", "members", "memory", "tokens"}}
PUBLISHED = {
    "artifacts": {"content", "paths"},
    "access": {"principal", "policy", "grants"},
    "runs": {"content", "limits", "merge", "names", "points", "spoken"},
}
# Doors and dialects, each a folder of routes without drawers.
DIALECTS = {"handlers", "mlflow", "ui"}
# Who puts the house together, and what it may therefore take from any room.
COMPOSERS = {
    "app": {"routes", "vault_routes"},
    "handlers": {"reactions"},
    "local": {"reactions", "registering", "vaults"},
}
OURS = files("functions")


def room(dotted):
    """The room of a module; local.py and its helpers local_*.py are one."""
    name = [*dotted.split("."), ""][1] if dotted.split(".")[0] == "functions" else ""
    return "local" if name.startswith("local") else name


def piece(dotted):
    """The piece of furniture that a dotted name leads to, "" for the room itself."""
    return [*dotted.split("."), "", ""][2]


def looks():
    """Each look of a file into another room: the file, its room, what it imports and that one's room."""
    for path in OURS:
        mine = room(module(path))
        for name in imports(path):
            if room(name) not in {"", mine}:
                yield path, mine, name, room(name)


def floor(name):
    """How far down a room is, from 0; -1 where there is no such room."""
    return next((height for height, rooms in enumerate(FLOORS) if name in rooms), -1)


def test_every_room_is_on_the_stairs():
    """The map shows every room."""
    assert {name for path in OURS if (name := room(module(path))) and floor(name) < 0} == set()


def test_imports_only_go_down():
    """A room looks down the stairs, never up and never across."""
    up = [
        f"{path} looks at {name}"
        for path, mine, name, other in looks()
        if floor(mine) >= floor(other) and not {mine, other} <= GROUND
    ]
    assert up == []


def test_what_a_room_stores_is_its_own_affair():
    """Nobody opens the drawers of another room."""
    assert [f"{path} opens {name}" for path, _, name, _ in looks() if piece(name) == "items"] == []


def test_a_room_is_entered_through_its_service():
    """Other rooms call a room's verbs, or use the nouns that it publishes."""
    past = [
        f"{path} enters {name}"
        for path, mine, name, other in looks()
        if (ROOT / "functions" / other).is_dir() and other not in DIALECTS
        if piece(name) not in doors(other) | COMPOSERS.get(mine, set())
    ]
    assert past == []


def doors(name):
    """By which of its modules a room is entered."""
    return {"service"} | SERVICES.get(name, set()) | PUBLISHED.get(name, set())


def test_published_nouns_are_pure():
    """What a room publishes besides its verbs stores nothing: it imports no items, no verbs and no table."""
    nouns = [Path("functions", name, f"{noun}.py") for name, nouns in PUBLISHED.items() for noun in nouns]
    stores = re.compile(r"functions\.table|functions\.\w+\.(items|service)|pynamodb|botocore")
    pure = [path for path in nouns if path in OURS]
    assert [f"{path}: {name}" for path in pure for name in imports(path) if stores.match(name)] == []


def test_each_of_aws_s_services_has_one_door():
    """Clients are made in one file for each service, and `aws.py` makes them for those that come late."""
    ours = [path for path in OURS if not str(path).startswith("functions/local")]
    made = {(str(path), word) for path in ours for node in ast.walk(tree(path)) for word in clients(node)}
    assert made == {
        ("functions/dynamo.py", "dynamodb"),
        ("functions/access/directory.py", "cognito-idp"),
        ("functions/aws.py", "create_client"),
        ("functions/artifacts/sessions.py", "s3"),
        ("functions/roles.py", "sts"),
        ("functions/jobs.py", "sqs"),
    }


def clients(node):
    """For which of AWS's services a piece of code makes a client; the maker's name where it does not say."""
    match node:
        case ast.Call(func=ast.Attribute(attr="create_client"), args=[ast.Constant(value=service), *_]):
            yield service
        case ast.Call(func=ast.Attribute(value=ast.Name(id="aws"), attr="client"), args=[first, *_]):
            yield first.value if isinstance(first, ast.Constant) else "?"
        case ast.Assign(value=ast.Attribute(attr="create_client")):
            yield "create_client"


def test_the_server_takes_only_words_from_the_sdk():
    """Of the SDK, functions/ imports runhaven.wire and nothing else."""
    sdk = {(str(path), name) for path in OURS for name in imports(path) if name.split(".")[0] == "runhaven"}
    assert [(path, name) for path, name in sdk if not f"{name}.".startswith("runhaven.wire.")] == []


def test_the_sdk_does_not_know_the_server():
    """The SDK installs without the server and imports nothing of it."""
    assert [f"{path}: {name}" for path in files("sdk") for name in imports(path) if room(name)] == []
