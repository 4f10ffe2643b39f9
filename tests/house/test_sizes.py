"""How long a thing may be before it must become two."""

from statistics import median

import pytest

from tests.house.source import ROOT, files, functions, tree

OURS = files("functions", "sdk", "tests", "scripts", "infra")


def lines(path):
    """The lines of a file."""
    return (ROOT / path).read_text("utf-8").splitlines()


def test_no_file_is_long():
    """A file has at most 400 lines, and a Lambda's door at most 40."""
    limits = {path: 40 if path.is_relative_to("functions/handlers") else 400 for path in OURS}
    assert [f"{path}: {len(lines(path))}" for path, limit in limits.items() if len(lines(path)) > limit] == []


def test_most_files_are_short():
    """Half of the files have at most 120 lines, empty ones not counted."""
    assert median(length for path in OURS if (length := len(lines(path)))) <= 120


def test_no_function_is_long():
    """A function has at most 60 lines, its docstring included."""
    sizes = [
        (path, each, each.end_lineno - each.lineno + 1) for path in OURS for each in functions(tree(path))
    ]
    assert [f"{path}:{each.lineno} {each.name}: {size}" for path, each, size in sizes if size > 60] == []


def scripts():
    """The files behind the verbs."""
    return sorted(path for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.suffix)


@pytest.mark.parametrize("path", scripts(), ids=lambda path: path.name)
def test_a_script_is_short_and_can_be_run(path):
    """A script is executable, says in its second line what it does, and has at most 40 lines."""
    first, second, *rest = path.read_text("utf-8").splitlines()
    assert path.stat().st_mode & 0o111
    assert first.startswith("#!/usr/bin/env ")
    assert second.startswith(("# ", '"""'))
    assert len(rest) <= 38
