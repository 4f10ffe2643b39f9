"""The edge before a control plane, with everything else that can be switched on: whom it lets through."""

import asyncio
import hashlib

import pytest

from functions import guard, settings
from functions.errors import NotAllowed
from tests.infra import firewall

pytestmark = [pytest.mark.engine, pytest.mark.long, pytest.mark.xdist_group("everything")]

# Of the networks that may come in, and of none.
INSIDE, OUTSIDE = ["192.0.2.7", "2001:db8::7"], ["192.0.3.7", "2001:db9::7"]
API = 'module.control_plane.aws_lambda_function.runhaven["api"]'


@pytest.fixture(scope="module")
def made(everything):
    """Every resource's values by address."""
    return everything.made


@pytest.fixture(scope="module")
def environment(made):
    """What the API finds in its environment."""
    return made[API]["environment"][0]["variables"]


@pytest.fixture
def is_let_in(environment, monkeypatch):
    """Whether the API, in its environment, lets a request in that carries these headers."""
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr(settings, "_used", [])
    host = (b"host", environment["RUNHAVEN_HOSTS"].encode())

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


def test_the_edge_and_the_api_know_each_other(everything, made, environment):
    """The edge sends requests to the API's host with the secret that the API knows by its hash."""
    origin = made[firewall.DISTRIBUTION]["origin"][0]
    assert everything.outputs["edge"] in environment["RUNHAVEN_ORIGINS"].split(",")
    assert origin["domain_name"] == environment["RUNHAVEN_HOSTS"]
    shown = hashlib.sha256(origin["custom_header"][0]["value"].encode()).hexdigest()
    assert [shown] == environment["RUNHAVEN_EDGE_SECRET"].split(",")


def test_the_firewall_blocks_who_comes_from_elsewhere(made):
    """An address of either kind is blocked exactly when it is in none of the networks."""
    assert [firewall.is_blocked(made, each) for each in INSIDE + OUTSIDE] == [False, False, True, True]


def test_every_request_passes_the_function(made):
    """CloudFront calls its function for each request of a viewer."""
    called = made[firewall.DISTRIBUTION]["default_cache_behavior"][0]["function_association"]
    assert called == [{"event_type": "viewer-request", "function_arn": made[firewall.FUNCTION]["arn"]}]


def test_the_api_sees_who_comes_through_the_edge(made, is_let_in):
    """The API lets in whom CloudFront saw in one of the networks, whatever a request says of itself."""
    for address, forged in zip(INSIDE + OUTSIDE, OUTSIDE + INSIDE, strict=True):
        headers = firewall.passed_on(made, address, {"X-Runhaven-Viewer": forged, "X-Forwarded-For": forged})
        assert is_let_in(headers) is (address in INSIDE), address


def test_the_api_lets_in_nobody_past_the_edge(made, is_let_in):
    """Without the header that CloudFront adds, an address of the networks is not enough."""
    headers = dict(firewall.passed_on(made, INSIDE[0], {}))
    assert is_let_in(headers.items())
    assert not is_let_in([(b"x-runhaven-viewer", headers[b"x-runhaven-viewer"])])
    assert not is_let_in({**headers, b"x-runhaven-edge": b"guessed"}.items())
