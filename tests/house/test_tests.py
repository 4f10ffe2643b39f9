"""Tests are the specification: each says one thing, about the real thing."""

import ast
import re

from tests.house.source import called, files, functions, tree

OURS = files("tests")
SENTENCE = re.compile(r"(?:(?![.!?]\s+[A-Z]).)+\.", re.DOTALL)
MOCKS = {"Mock", "MagicMock", "AsyncMock", "NonCallableMock", "PropertyMock", "patch", "create_autospec"}


def cases():
    """Every test function, with its file."""
    ours = [path for path in OURS if path.stem.startswith("test_")]
    return [(path, each) for path in ours for each in functions(tree(path)) if each.name.startswith("test_")]


def is_mock(node):
    """Whether a call puts something false in the place of something real."""
    on = ast.unparse(node.func).split(".")
    return called(node) in MOCKS or "patch" in on[:-1] or on == ["monkeypatch", "setattr"]


def test_every_test_states_a_behaviour():
    """A test's docstring is one sentence, with a full stop."""
    said = {f"{path}:{each.lineno}": ast.get_docstring(each) or "nothing" for path, each in cases()}
    assert {where: text for where, text in said.items() if not SENTENCE.fullmatch(text.strip())} == {}


def test_mocks_are_rare():
    """There are at most two mocks in a hundred tests."""
    calls = [(path, node) for path in OURS for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    mocks = [f"{path}:{node.lineno}" for path, node in calls if is_mock(node)]
    assert len(mocks) * 100 <= len(cases()) * 2, mocks
