"""The edge before a control plane: made, left alone by a second look, in force, and removed."""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

import pytest

from functions import guard, settings
from functions.errors import NotAllowed
from tests.infra import firewall, roots
from tests.infra.conftest import amazon_running
from tests.infra.tofu import Tofu

pytestmark = [pytest.mark.engine, pytest.mark.long, pytest.mark.xdist_group("edge")]

# Of the networks in the README's example, and of none.
INSIDE, OUTSIDE = ["192.0.2.7", "2001:db8::7"], ["192.0.3.7", "2001:db9::7"]
API = 'module.control_plane.aws_lambda_function.runhaven["api"]'


@dataclass
class Edge:
    """The README's example, applied.

    Attributes:
        tofu: its folder.
        url: its output.
        made: every resource's values by address.
    """

    tofu: Tofu
    url: str
    made: dict[str, dict[str, Any]]

    @property
    def environment(self):
        """What the API finds in its environment."""
        return self.made[API]["environment"][0]["variables"]


@pytest.fixture(scope="module")
def edge(opentofu, package, tmp_path_factory):
    """An edge and a control plane in an AWS of their own."""
    with amazon_running() as amazon:
        there = roots.edge(opentofu, tmp_path_factory.mktemp("edge"), amazon, package)
        yield Edge(there, there.apply()["url"], there.made())


@pytest.fixture
def is_let_in(edge, monkeypatch):
    """Whether the API, in its environment, lets a request in that carries these headers."""
    for name, text in edge.environment.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr(settings, "_used", [])
    host = (b"host", edge.environment["RUNHAVEN_HOSTS"].encode())

    def asked(headers):
        arrived = []

        async def app(*_):
            arrived.append(True)

        scope = {"method": "GET", "path": "/", "headers": [host, *headers]}
        try:
            asyncio.run(guard.guarded(app)(scope, None, None))
        except NotAllowed:
            return False
        return arrived == [True]

    return asked


def test_the_edge_and_the_api_know_each_other(edge):
    """The edge sends requests to the API's host with the secret that the API knows by its hash."""
    origin = edge.made[firewall.DISTRIBUTION]["origin"][0]
    assert edge.url in edge.environment["RUNHAVEN_ORIGINS"].split(",")
    assert origin["domain_name"] == edge.environment["RUNHAVEN_HOSTS"]
    shown = hashlib.sha256(origin["custom_header"][0]["value"].encode()).hexdigest()
    assert [shown] == edge.environment["RUNHAVEN_EDGE_SECRET"].split(",")


def test_the_firewall_blocks_who_comes_from_elsewhere(edge):
    """An address of either kind is blocked exactly when it is in none of the networks."""
    assert [firewall.is_blocked(edge.made, each) for each in INSIDE + OUTSIDE] == [False, False, True, True]


def test_every_request_passes_the_function(edge):
    """CloudFront calls its function for each request of a viewer."""
    called = edge.made[firewall.DISTRIBUTION]["default_cache_behavior"][0]["function_association"]
    assert called == [{"event_type": "viewer-request", "function_arn": edge.made[firewall.FUNCTION]["arn"]}]


def test_the_api_sees_who_comes_through_the_edge(edge, is_let_in):
    """The API lets in whom CloudFront saw in one of the networks, whatever a request says of itself."""
    for address, forged in zip(INSIDE + OUTSIDE, OUTSIDE + INSIDE, strict=True):
        headers = firewall.passed_on(
            edge.made, address, {"X-Runhaven-Viewer": forged, "X-Forwarded-For": forged}
        )
        assert is_let_in(headers) is (address in INSIDE), address


def test_the_api_lets_in_nobody_past_the_edge(edge, is_let_in):
    """Without the header that CloudFront adds, an address of the networks is not enough."""
    headers = dict(firewall.passed_on(edge.made, INSIDE[0], {}))
    assert is_let_in(headers.items())
    assert not is_let_in([(b"x-runhaven-viewer", headers[b"x-runhaven-viewer"])])
    assert not is_let_in({**headers, b"x-runhaven-edge": b"guessed"}.items())


def test_a_second_look_finds_nothing_to_change(edge):
    """A plan after the apply is empty."""
    assert edge.tofu.changes() == ""


def test_all_of_it_is_removed(edge):
    """Everything is destroyed, the firewall after what it guards."""
    edge.tofu.destroy()
    assert edge.tofu.run("state", "list") == ""
