"""Each rule of each variable is tried: a run of the module's own tests breaks it, and no other."""

import json
import re

import pytest

from tests.infra.test_modules import MODULES, blocks
from tests.infra.tofu import INFRA, Tofu

pytestmark = pytest.mark.engine

SHARED = re.compile(r"^variables {\n(.*?)^}", re.MULTILINE | re.DOTALL)
RUN = re.compile(r'^run "(\w+)" {\n(.*?)^}', re.MULTILINE | re.DOTALL)
GIVEN = re.compile(r"^  variables {\n(.*?)^  }", re.MULTILINE | re.DOTALL)
RULE = re.compile(r"validation rule at variables\.tf:(\d+)")


def refusals(module):
    """The runs that expect a variable to refuse what they give: name, what all share, and their own."""
    for path in sorted((INFRA / "modules" / module / "tests").glob("*.tftest.hcl")):
        text = path.read_text("utf-8")
        for name, body in RUN.findall(text):
            if "expect_failures = [var." in body:
                yield name, SHARED.search(text)[1], GIVEN.search(body)[1]


def broken(there, *given):
    """The lines of the rules that are broken by what is given, of a folder that holds variables alone."""
    files = [f"{number}.tfvars" for number in range(len(given))]
    for file, text in zip(files, given, strict=True):
        there.write(file, text)
    said = there.run("plan", "-json", *(f"-var-file={file}" for file in files), answers=(0, 1))
    told = [json.loads(line).get("diagnostic", {}).get("detail", "") for line in said.splitlines()]
    return {int(line) for detail in told for line in RULE.findall(detail)}


@pytest.mark.parametrize("module", MODULES)
def test_every_validation_is_tried(opentofu, tmp_path, module):
    """For each validation there is a run that breaks it alone."""
    variables = INFRA / "modules" / module / "variables.tf"
    lines = variables.read_text("utf-8").splitlines()
    rules = {number for number, line in enumerate(lines, 1) if line == "  validation {"}
    assert len(rules) == sum(body.count("validation {") for body in blocks(module, "variable").values())
    there = Tofu(opentofu, tmp_path, "alone")
    there.write("variables.tf", variables.read_text("utf-8"))
    found = {name: broken(there, *given) for name, *given in refusals(module)}
    assert [name for name, each in found.items() if not each] == []
    assert rules - {line for each in found.values() if len(each) == 1 for line in each} == set()
