"""The example with two accounts as it is deployed with the scripts: its folder, and its users' way in."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.infra import conftest as infra
from tests.infra.tofu import Tofu
from tests.runtime import invocations, stack
from tests.runtime.event_sources import Queue, Stream
from tests.runtime.gateway import Gateway
from tests.runtime.internet import Internet
from tests.runtime.package import arch, python
from tests.runtime.sandbox import Failed
from tests.runtime.sign_in_page import SignInPage
from tests.runtime.stack import PLATFORM, REGION, ROOT, Cloud, Stack

EMAIL = "ann@example.org"
API = 'module.control_plane.aws_lambda_function.runhaven["api"]'
DEPLOYER = f"arn:aws:iam::{PLATFORM}:role/deployer"
OVERRIDE = """
module "control_plane" {{
  architecture        = "{arch}"
  python              = "{python}"
  first_admin         = "{email}"
  deletion_protection = false
  {more}
}}
"""
# In the place of OpenTofu: an apply ends when the functions are changed and nothing that follows is.
BREAKING_OFF = """#!/bin/sh
if [ "$2" = apply ]; then
  "{program}" "$1" apply -auto-approve -no-color -target=module.control_plane.aws_lambda_function.runhaven
  exit 1
fi
exec "{program}" "$@"
"""


@dataclass
class Deployment:
    """Who deploys, and what is there afterwards.

    Attributes:
        cloud: AWS's stand-in.
        there: the folder that is applied.
        package: the zip that scripts/build makes, unpacked.
        folder: for logs and certificates.
        vault: what `POST /v1/vault/new` answered.
        down: whether the functions fail at every call.
        unseen: whether nobody reaches the API's address from here.
        lambdas: address of Lambda, which calls the functions.
    """

    cloud: Cloud
    there: Tofu
    package: Path
    folder: Path
    stack: Stack | None = None
    internet: Internet = None
    page: SignInPage | None = None
    vault: dict[str, str] | None = None
    down: bool = False
    unseen: bool = False
    lambdas: str = ""
    closing: ExitStack = field(default_factory=ExitStack)

    @property
    def words(self) -> tuple[str, ...]:
        """What the scripts are told here: what runs on this machine, and as whom AWS is called."""
        return ("--arch", arch(), "--python", python(), "--role", DEPLOYER)

    def port_of(self, host: str) -> int | None:
        """Who stands for a host of AWS's; the functions are looked up when somebody first asks for them."""
        if ".execute-api." in host and self.unseen:
            return None
        if ".execute-api." in host:
            return self.deployed().gateway.port
        if ".auth." in host:
            return self.sign_in_page().port
        return self.cloud.port if host.endswith(".amazonaws.com") else None

    def called(self, name: str, event: Any) -> Any:
        """What a function answers to an event.

        Raises:
            Failed: it raised something, or shall do so.
        """
        if self.down:
            message = "No module named 'functions'"
            raise Failed(message)
        return self.deployed().functions[name.removeprefix("runhaven-")].invoke(event)

    def deployed(self) -> Stack:
        """The functions as Lambda has them now under their alias."""
        if self.stack is None:
            self.stack = stack.as_deployed(self.cloud, self.folder, self.package)
            self.stack.internet = self.internet
            for name in self.stack.roles:
                self.stack.functions[name] = self.stack.function(name)
                self.closing.callback(self.stack.functions[name].end)
            host = urlsplit(self.stack.url).netloc
            gateway = Gateway(self.stack.functions["api"].invoke, host)
            self.stack.gateway = self.closing.enter_context(gateway.opened())
        return self.stack

    def renewed(self) -> Stack:
        """The same after a change: new processes, with the environment of now."""
        self.closing.close()
        self.stack = None
        return self.deployed()

    def follow(self) -> None:
        """Let the functions of the stream and of the queue do all that is to be done."""
        stream, queue = Stream(self.deployed()), Queue(self.deployed())
        assert stream.pump() == [], self.deployed().logs()
        while (done := queue.pump())[0]:
            assert done[1] == [], self.deployed().logs()

    def sign_in_page(self) -> SignInPage:
        """The pool's page, before which the invited person stands."""
        if self.page is None:
            people = self.cloud.client("cognito-idp")
            pool = self.deployed().environment["RUNHAVEN_USER_POOL"]
            password = f"aA1-{secrets.token_urlsafe(20)}"

            def token(client: str) -> str:
                who = {"UserPoolId": pool, "Username": EMAIL}
                people.admin_set_user_password(**who, Password=password, Permanent=True)
                said = {"USERNAME": EMAIL, "PASSWORD": password}
                flow = {"AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": said}
                given = people.initiate_auth(ClientId=client, **flow)
                return given["AuthenticationResult"]["AccessToken"]

            page = SignInPage(people, pool, token)
            self.page = self.closing.enter_context(page.opened())
        return self.page

    def deployed_package(self) -> str:
        """The path of the zip that is applied."""
        return self.there.made()[API]["filename"]

    def applied_environment(self) -> dict[str, str]:
        """The functions' environment as OpenTofu's state has it."""
        return self.there.made()[API]["environment"][0]["variables"]

    def script(self, name: str, *words: str, **world: str) -> subprocess.CompletedProcess[str]:
        """Run one of the scripts as somebody who may become the platform's administrator."""
        region = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "RUNHAVEN_TOFU": self.there.program}
        ours = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sdk'}"}
        called = {"AWS_ENDPOINT_URL_LAMBDA": self.lambdas}
        called["TF_CLI_ARGS_init"] = f"-plugin-dir={self.there.top / 'mirror'}"
        called["TF_CLI_CONFIG_FILE"] = os.devnull  # as whoever deploys has it: the provider is verified
        environment = {**self.there.world, **region, **ours, **called, **self.internet.world, **world}
        command = [sys.executable, ROOT / f"scripts/_{name}.py", self.there.folder, *words]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=900, check=False
        )

    def breaking_off(self) -> str:
        """A program that does as OpenTofu does, and breaks an apply off in the middle."""
        program = self.folder / "breaking-off"
        program.write_text(BREAKING_OFF.format(program=self.there.program))
        program.chmod(0o755)
        return str(program)

    def configured(self, more: str = "", **variables: Any) -> None:
        """Write what whoever deploys would write into the root module."""
        text = OVERRIDE.format(arch=arch(), python=python(), email=EMAIL, more=more)
        beside = infra.provider_beside() + infra.provider_beside("red")
        self.there.write("override.tf", beside + text)
        self.there.write("given.auto.tfvars.json", {"platform": PLATFORM, "red": stack.RED, **variables})


@contextmanager
def begun(program: str, folder: Path, package: Path) -> Iterator[Deployment]:
    """An empty AWS, and the example with two accounts ready to be deployed."""
    with ExitStack() as closing:
        amazon = closing.enter_context(infra.amazon_running())
        cloud = Cloud(urlsplit(amazon.url).port)
        there = Tofu(program, folder / "root", "examples/two_accounts", amazon.url)
        made = Deployment(cloud, there, package, folder)
        made.configured()
        there.init()
        made.lambdas = closing.enter_context(invocations.opened(cloud.port, made.called))
        made.internet = closing.enter_context(Internet(folder, made.port_of).opened())
        closing.enter_context(made.closing)
        yield made


def browser(folder: Path) -> str:
    """A browser that follows where it is sent, and shows nothing."""
    program = folder / "browser"
    code = "import sys, requests; requests.get(sys.argv[1], timeout=60)"
    program.write_text(f'#!/bin/sh\n"{sys.executable}" -c "{code}" "$1" &\n')
    program.chmod(0o755)
    return f"{program} %s"
