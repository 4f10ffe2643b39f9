"""The zip that scripts/build makes for this machine, deployed before AWS's stand-in."""

import os
import sys
from dataclasses import dataclass, field

import pytest

from tests.runtime import sandbox, stack
from tests.runtime.package import unpacked


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """The zip, unpacked as Lambda does, for the Python that the runtime client has: once for all workers."""
    if not sandbox.PYTHON.exists():
        pytest.skip("no environment for Lambda's runtime client; scripts/test installs it")
    if not sys.platform.startswith("linux"):
        pytest.skip("the zip runs on Linux only")
    base = tmp_path_factory.getbasetemp()
    return unpacked((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "package")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """AWS's stand-in, empty when the module's first test asked for it."""
    with stack.cloud(tmp_path_factory.mktemp("cloud") / "log.txt") as cloud:
        yield cloud


@pytest.fixture(scope="module")
def deployed(cloud, package, tmp_path_factory):
    """A deployment that answers."""
    with stack.by_hand(cloud, tmp_path_factory.mktemp("deployed"), package).opened() as deployed:
        yield deployed


@dataclass
class Team:
    """A team of the deployment, and what its owner calls with."""

    deployed: stack.Stack
    token: str
    place: dict[str, str] = field(default_factory=dict)

    def call(self, method, path, **asked):
        """A request of the owner."""
        headers = {"Authorization": f"Bearer {self.token}", **asked.pop("headers", {})}
        return self.deployed.call(method, path, headers=headers, **asked)

    def get(self, path):
        """What the owner reads."""
        return self.call("GET", path)


@pytest.fixture(scope="module")
def red(deployed):
    """A team whose vault is in an account of its own, as its owner sets it up."""
    admin = Team(deployed, deployed.admin())
    made = admin.call("POST", "/v1/teams", json={"name": "red"})
    assert made.status_code in {200, 201}, made.text + deployed.logs()
    new = admin.call("POST", "/v1/vault/new", headers={"X-MLFLOW-WORKSPACE": "red"})
    assert new.status_code == 200, new.text + deployed.logs()
    admin.place = stack.vault_by_hand(deployed.cloud, new.json())
    report = admin.call("POST", "/v1/vault/check", json=admin.place)
    assert report.json().get("active"), report.text + deployed.logs()
    return admin
