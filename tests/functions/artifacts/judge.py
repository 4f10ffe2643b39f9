"""Asks iam-simulate, a program of its own, what AWS's policies allow."""

import json
import shutil
import string
import subprocess

import pytest

from functions.artifacts.sessions import dns_suffix
from tests import engines

MODULE = engines.ROOT / "infra/modules/team_account"
# Runs each simulation that it reads and prints the results, or what was wrong with the policies.
ASK = """
const { runSimulation } = require(process.argv[1]);
const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
Promise.all(asked.map(async (one) => {
  const said = await runSimulation(one, {});
  return said.overallResult ?? JSON.stringify(said.errors);
})).then((results) => console.log(JSON.stringify(results)));
"""


def judged(*simulations):
    """What IAM decides of each simulation: Allowed, ImplicitlyDenied or ExplicitlyDenied."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("iam-simulate is not here: no node")
    command = [node, "-e", ASK, engines.program("iam-simulate")]
    done = subprocess.run(command, input=json.dumps(simulations), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def simulation(action, resource, account, *, who, context, identity=(), resource_policy=None, session=None):
    """One question: may *who* do *action* to *resource* of *account*."""
    return {
        "request": {
            "principal": who,
            "action": action,
            "resource": {"resource": resource, "accountId": account},
            "contextVariables": context,
        },
        "identityPolicies": [{"name": str(at), "policy": policy} for at, policy in enumerate(identity)],
        "serviceControlPolicies": [],
        "resourceControlPolicies": [],
        **({"resourcePolicy": resource_policy} if resource_policy else {}),
        **({"sessionPolicy": session} if session else {}),
    }


def rendered(name, **values):
    """A policy of the module of a team's account, as OpenTofu's `templatefile` renders it."""
    return json.loads(string.Template((MODULE / name).read_text("utf-8")).substitute(values))


def role_policy(vault):
    """What the module lets the role of a vault do."""
    return rendered(
        "role.json",
        partition=vault.role_arn.split(":")[1],
        bucket=vault.bucket,
        prefix=vault.prefix,
        account=vault.account,
        region=vault.region,
        kms_key=vault.kms_key,
        dns_suffix=dns_suffix(vault.region),
    )
