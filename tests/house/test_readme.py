"""The README is complete, because this counts."""

import dataclasses
import inspect
import re

from functions import errors
from functions.settings import PREFIX, Settings
from tests.house.source import ROOT, files

README = ROOT / "README.md"
SCRIPTS = sorted(path.name for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.suffix)


def options():
    """The options of scripts/run, read where they are declared."""
    local = [(ROOT / path).read_text("utf-8") for path in files("functions") if path.name.startswith("local")]
    return sorted({option for text in local for option in re.findall(r'add_argument\(\s*"(--[\w-]+)"', text)})


def unsaid(words):
    """The words that the README lacks, as they are and not as part of longer ones."""
    text = README.read_text("utf-8") if README.exists() else ""
    return [word for word in words if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text)]


def test_every_setting_is_documented():
    """The README names every variable that a deployment may set."""
    assert unsaid(PREFIX + field.name.upper() for field in dataclasses.fields(Settings)) == []


def test_every_script_is_documented():
    """The README names every script."""
    assert unsaid(f"scripts/{name}" for name in SCRIPTS) == []


def test_every_option_is_documented():
    """The README names every option of scripts/run."""
    assert unsaid(options()) == []


def test_every_error_code_is_documented():
    """The README names every error code that a caller may see."""
    assert unsaid(sorted({kind.code for _, kind in inspect.getmembers(errors, inspect.isclass)})) == []
