"""What checkov finds in the modules as OpenTofu plans them is either mended or has a reason beside it."""

import functools
import json
import re
import subprocess

import pytest

from tests import engines
from tests.infra import roots, tofu
from tests.infra.conftest import VAULT, amazon_running, two_accounts
from tests.infra.tofu import INFRA

pytestmark = [pytest.mark.engine, pytest.mark.long, pytest.mark.xdist_group("checkov")]

CHECKOV = engines.ROOT / ".venv-checkov/bin/checkov"
REASON = re.compile(r"# checkov:skip=(CKV\w+): (\S.{20,})")
# Fails in plans for what was applied before: until then checkov takes the missing key to be an unknown one.
LATER = {"control_plane: aws_lambda_function.runhaven: CKV_AWS_173"}
MODULES = {"control_plane": "control_plane", "edge": "edge", "red": "team_account"}


def reasons():
    """Each check that a resource may fail (module, resource and check), with the reason beside it."""
    for path in sorted((INFRA / "modules").glob("*/*.tf")):
        text = path.read_text("utf-8")
        for kind, name, body in re.findall(
            r'^resource "(\w+)" "(\w+)" {\n(.*?)^}', text, re.MULTILINE | re.DOTALL
        ):
            for check, reason in REASON.findall(body):
                yield f"{path.parent.name}: {kind}.{name}: {check}", reason


def examined(there):
    """What checkov says of a plan, which is asked to leave nothing out."""
    if not CHECKOV.exists():
        pytest.skip("checkov is not here; scripts/test installs it where OpenTofu is")
    planned = there.planned()
    plan = there.folder / "plan.json"
    plan.write_text(json.dumps(planned), "utf-8")
    options = ["--framework", "terraform_plan", "--output", "json", "--compact", "--skip-download"]
    done = subprocess.run(
        [CHECKOV, "--file", plan, *options], env=tofu.world(), capture_output=True, text=True, check=False
    )
    assert done.returncode in {0, 1}, done.stderr[-3000:]
    said = json.loads(done.stdout)
    # It passes over files that it does not know, and is content.
    assert said["summary"]["resource_count"] == len(tofu.resources(planned["planned_values"]))
    assert said["summary"]["parsing_errors"] == 0
    assert said["summary"]["passed"] > 90
    return said


def failed(said):
    """The checks that failed, as `reasons` names them."""
    for each in said["results"]["failed_checks"]:
        call, kind, name = re.match(r"module\.(\w+)(?:\[\d+\])?\.(\w+)\.(\w+)", each["resource"]).groups()
        yield f"{MODULES[call]}: {kind}.{name}: {each['check_id']}"


ROOTS = {
    "two_accounts": lambda *asked: two_accounts(*asked, vault=VAULT),
    "edge": roots.edge,
    "everything": roots.everything,
}


@pytest.fixture(scope="module")
def found(opentofu, package, tmp_path_factory):
    """What checkov says of a root: each is planned once, when it is first asked about."""
    with amazon_running() as amazon:

        @functools.cache
        def said_of(root):
            return examined(ROOTS[root](opentofu, tmp_path_factory.mktemp(root), amazon, package))

        yield said_of


@pytest.mark.parametrize(("root", "count"), [("two_accounts", 71), ("edge", 64), ("everything", 82)])
def test_no_check_fails_without_a_reason(found, root, count):
    """All resources of a root are seen, and each check that one fails has a reason beside it."""
    assert found(root)["summary"]["resource_count"] == count
    assert sorted(set(failed(found(root))) - set(dict(reasons()))) == []


def test_no_reason_is_left_over(found):
    """Each reason is beside a check that fails somewhere: what is mended needs none."""
    needed = {each for root in ROOTS for each in failed(found(root))}
    assert sorted(set(dict(reasons())) - needed - LATER) == []
    assert needed & LATER == set()
