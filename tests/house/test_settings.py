"""One documented object holds what a deployment may set."""

import ast
import dataclasses
import typing

from functions.settings import Settings
from tests.house.source import files, tree

ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv"}


def touches(node):
    """Whether a piece of code reads or changes the environment."""
    match node:
        case ast.Attribute(attr=word):
            return word in ENVIRONMENT
        case ast.ImportFrom(module="os", names=names):
            return any(name.name in ENVIRONMENT for name in names)
    return False


def test_only_settings_reads_the_environment():
    """No other file of the server touches os.environ."""
    others = [path for path in files("functions") if str(path) != "functions/settings.py"]
    assert [
        f"{path}:{node.lineno}" for path in others for node in ast.walk(tree(path)) if touches(node)
    ] == []


def test_settings_are_frozen():
    """Nobody changes a setting after it was read."""
    assert Settings.__dataclass_params__.frozen


def test_every_setting_says_what_it_means():
    """A setting carries a sentence about itself."""
    hints = typing.get_type_hints(Settings, include_extras=True)
    said = {
        field.name: getattr(hints[field.name], "__metadata__", [""])[0]
        for field in dataclasses.fields(Settings)
    }
    assert [name for name, sentence in said.items() if not sentence.endswith(".")] == []
