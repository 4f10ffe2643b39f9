"""The modules as they are written: in form, valid, documented, and strict with what they are given."""

import json
import re
import warnings

import pytest

from functions.settings import PREFIX, Settings
from tests.infra import tofu
from tests.infra.conftest import VAULT, provider_beside
from tests.infra.roots import EVERYTHING, SECRET, example
from tests.infra.tofu import INFRA, Tofu

MODULES = ["control_plane", "team_account", "edge"]
TESTS = [
    (module, path.name.partition(".")[0])
    for module in MODULES
    for path in sorted((INFRA / "modules" / module / "tests").glob("*.tftest.hcl"))
]
# Between them they hold all modules; the other example is applied by both programs.
ROOTS = ["examples/everything", "examples/one_account"]
# Settings of the laptop's house: no deployment has them.
LAPTOP = {"dynamodb_url", "s3_url", "s3_public_url", "sts_url", "local_user", "auto_teams"}
BLOCK = r'^{} "(\w+)" {{(?:\n(.*?)^}}|([^\n]*)}}$)'
ROW = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)
engine, long = pytest.mark.engine, pytest.mark.long


def blocks(module, kind):
    """The body of every block of a kind in a module, by name."""
    text = "\n".join(path.read_text("utf-8") for path in sorted((INFRA / "modules" / module).glob("*.tf")))
    found = re.findall(BLOCK.format(kind), text, re.MULTILINE | re.DOTALL)
    return {name: body or f"  {line.strip()}" for name, body, line in found}


def section(module, heading):
    """A section of a module's README."""
    readme = (INFRA / "modules" / module / "README.md").read_text("utf-8")
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", readme, re.MULTILINE | re.DOTALL)[1]


@engine
def test_everything_has_one_form(opentofu, tmp_path):
    """`tofu fmt` would change nothing."""
    there = Tofu(opentofu, tmp_path, "")
    there.write("everything.tf", EVERYTHING.read_text("utf-8"))
    assert there.run("fmt", "-check", "-recursive") == ""


@engine
@long
@pytest.mark.parametrize("root", ROOTS)
def test_everything_is_valid(either, tmp_path, root):
    """OpenTofu and Terraform find all modules valid, and the example that nobody applies."""
    there = Tofu(either, tmp_path, root)
    if not there.folder.exists():
        there.write("main.tf", EVERYTHING.read_text("utf-8"))
    there.init()
    assert json.loads(there.run("validate", "-json"))["valid"]


@engine
@long
def test_the_newest_provider_takes_all_modules(opentofu, tmp_path):
    """With provider 6.x, or under CI the newest that can be had, everything at once is valid."""
    found = tofu.known_provider(6)
    if found is None and tofu.CI:
        warnings.warn(f"no AWS provider 6.x on this machine: validated with {tofu.provider()}", stacklevel=1)
    there = Tofu(opentofu, tmp_path, "examples/everything")
    there.write("main.tf", EVERYTHING.read_text("utf-8"))
    there.init(found or tofu.provider(5 if tofu.CI else 6))
    assert json.loads(there.run("validate", "-json"))["valid"]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_tests_of_its_own(module):
    """Beside each module lies what its variables refuse and what its switches make."""
    assert {"switches", "validation"} <= {name for owner, name in TESTS if owner == module}


@engine
@long
@pytest.mark.parametrize(("module", "name"), TESTS)
def test_variables_refuse_and_switches_work(opentofu, tmp_path, module, name):
    """All runs of a module's own tests are done and hold."""
    file = f"tests/{name}.tftest.hcl"
    written = (INFRA / "modules" / module / file).read_text("utf-8")
    runs = len(re.findall(r'^run "', written, re.MULTILINE))
    there = Tofu(opentofu, tmp_path, f"modules/{module}")
    there.init()
    with there.attached():
        said = there.run("test", "-no-color", f"-filter={file}")
    assert runs > 0
    assert f"Success! {runs} passed, 0 failed." in said, said


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize(("kind", "heading"), [("variable", "Variables"), ("output", "Outputs")])
def test_variables_and_outputs_are_documented(module, kind, heading):
    """The README has a row for each variable and output and no other; it repeats what that says of itself."""
    rows, written = section(module, heading), blocks(module, kind)
    assert sorted(ROW.findall(rows)) == sorted(written)
    for name, body in written.items():
        said = re.search(r'^  description\s+= "(.*)"$', body, re.MULTILINE)
        assert said, f"{kind} {name} says nothing"
        assert re.search(rf"^\| `{name}` \|.*{re.escape(said[1])} \|$", rows, re.MULTILINE), f"{kind} {name}"
        assert kind == "output" or re.search(r"^  type\s+= ", body, re.MULTILINE), f"{name} has no type"


@pytest.mark.parametrize("example", ["one_account", "two_accounts"])
def test_an_example_is_short(example):
    """An example is no longer than somebody reads, and lies in one file."""
    (only,) = (INFRA / "examples" / example).iterdir()
    assert len(only.read_text("utf-8").splitlines()) <= 40


def test_a_deployment_sets_every_setting():
    """The functions' environment holds every setting but the laptop's, and nothing that is no setting."""
    text = (INFRA / "modules/control_plane/functions.tf").read_text("utf-8")
    given = set(re.findall(rf"^    ({PREFIX}\w+)\s+=", text, re.MULTILINE))
    known = {PREFIX + name.upper() for name in Settings.__dataclass_fields__ if name not in LAPTOP}
    assert given == known


@engine
@long
@pytest.mark.parametrize("module", MODULES)
def test_the_readme_s_example_plans(opentofu, amazon, package, tmp_path, module):
    """What a module's README shows can be planned as it stands, with the variables that it declares."""
    there = Tofu(opentofu, tmp_path, f"examples/{module}", amazon.url)
    there.write("main.tf", example(module))
    aliases = re.findall(r'alias\s+= "(\w+)"', example(module))
    there.write("override.tf", "".join(provider_beside(alias) for alias in ["", *aliases]))
    known = {**VAULT, "package": str(package), "edge_secret": SECRET}
    declared = re.findall(r'^variable "(\w+)"', example(module), re.MULTILINE)
    there.write("given.auto.tfvars.json", {name: known[name] for name in declared})
    there.init()
    assert tofu.resources(there.planned()["planned_values"])


@engine
@long
def test_one_account_plans_before_and_after_its_vault_was_asked_for(opentofu, amazon, package, tmp_path):
    """In one account the vault comes with the house's answer."""
    there = Tofu(opentofu, tmp_path, "examples/one_account", amazon.url)
    there.write("provider.tf", provider_beside())
    there.init()
    for vault, expected in ((None, False), (VAULT, True)):
        given = {"package": str(package), "first_admin": "ann@example.org", "alarm_emails": ["a@example.org"]}
        there.write("given.auto.tfvars.json", {**given, "vault": vault})
        planned = there.planned()["planned_values"]
        addresses = {each["address"] for each in tofu.resources(planned)}
        assert set(planned["outputs"]) == {"url", "place"}
        assert 'module.control_plane.aws_sns_topic_subscription.alarms["a@example.org"]' in addresses
        assert ("module.red[0].aws_iam_role.vault" in addresses) is expected
