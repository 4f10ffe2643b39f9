"""Nothing in the project belongs to one machine."""

import re
import subprocess

from tests.house.source import ROOT

FOREIGN = re.compile(
    r"""
    (?:^|[\s"'=(:`]) / (?:root|work|farm|home/\w|Users/\w|tmp/\w+/) [\w./-]*     # somebody's folder
    | \b(?:pypi|files\.pythonhosted|test\.pypi) \. org \b                        # an index or a mirror
    | \b(?:registry\.npmjs|registry\.yarnpkg|proxy\.golang|repo\d?\.maven|crates) \. (?:org|com|io) \b
    | --(?:extra-)?index-url | registry\ =\ "http | "resolved":\ "http
    """,
    re.VERBOSE | re.MULTILINE,
)


def ours():
    """Every file that is or would be tracked."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [path for name in sorted(set(names.split("\0")) - {""}) if (path := ROOT / name).is_file()]


def test_no_file_names_a_machine_or_a_registry():
    """No tracked file has somebody's folder or the address of a package index in it."""
    texts = {path.relative_to(ROOT): path.read_bytes().decode("utf-8", "replace") for path in ours()}
    assert [f"{path}: {found[0]}" for path, text in texts.items() for found in FOREIGN.finditer(text)] == []


def test_documents_that_are_named_exist():
    """A text refers to no document that the reader of the project does not have."""
    texts = {path.relative_to(ROOT): path.read_bytes().decode("utf-8", "replace") for path in ours()}
    have = {path.name for path in texts}
    named = {(str(path), word) for path, text in texts.items() for word in re.findall(r"[\w-]+\.md\b", text)}
    assert sorted((path, word) for path, word in named if word not in have) == []
