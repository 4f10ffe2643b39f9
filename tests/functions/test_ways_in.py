"""From where the house answers: allowed networks and the edge's secret, with the events that AWS sends."""

import json
from hashlib import sha256

import pytest

from functions import app as house
from functions.handlers import api
from functions.settings import Settings
from tests.functions import calls
from tests.functions.deployment import CONTEXT, event

OFFICE, ELSEWHERE = "198.51.100.7", "203.0.113.9"
NETWORKS = ("198.51.100.0/24", "2001:db8:1::/48")
SECRET, NEXT = "a-secret-of-thirty-two-characters", "another-secret-of-forty-characters-or-so"
DIGEST, NEXT_DIGEST = (sha256(each.encode()).hexdigest() for each in (SECRET, NEXT))
REFUSAL = {"error_code": "PERMISSION_DENIED", "message": "Not allowed."}


@pytest.fixture
def sent(app, chosen):
    """What the function answers to a request: status and body."""
    api._door.cache_clear()

    def send(method="GET", path="/health", **more):
        answer = api.handler(event(method, path, **more), CONTEXT)
        return answer["statusCode"], answer.get("body", "")

    yield send
    api._door.cache_clear()


@pytest.fixture
def fenced(chosen):
    """The house answers to two networks only."""
    chosen(allowed_cidrs=NETWORKS)


@pytest.fixture
def edged(chosen):
    """The house stands behind an edge, and answers to two networks."""
    chosen(allowed_cidrs=NETWORKS, edge_secret=(DIGEST,))


def refused(answer):
    """Whether an answer is a 403 that says nothing more."""
    return answer[0] == 403 and json.loads(answer[1]) == REFUSAL


@pytest.mark.parametrize("source", [OFFICE, "198.51.100.255", "2001:db8:1::1", "::ffff:198.51.100.7"])
def test_who_is_in_an_allowed_network_is_served(sent, fenced, secret, source):
    """IPv4, IPv6, and IPv4 in IPv6's clothes."""
    assert sent(source=source) == (200, "OK")
    assert sent(path="/v1/me", token=secret, source=source)[0] == 200


@pytest.mark.parametrize(
    "source",
    [ELSEWHERE, "198.51.101.0", "2001:db8:2::1", "::ffff:203.0.113.9", "", "localhost", "198.51.100", "7"],
)
def test_who_is_elsewhere_is_refused(sent, fenced, secret, source):
    """With a good credential as without, and also where the gateway names no address."""
    assert refused(sent(source=source))
    assert refused(sent(path="/v1/me", token=secret, source=source))


def test_no_route_is_exempt(app, fenced, sent):
    """Every route, open or not, of every method, with and without a team before it, and what is none."""
    paths = {(method, path) for method, path, _ in house.every_route(app)}
    paths |= {("GET", path) for path in house.OPEN} | {("OPTIONS", "/health"), ("HEAD", "/"), ("TRACE", "/")}
    paths |= {
        ("GET", path) for path in ("/nowhere", "//health", "/%2fhealth", "/v1", "/ui/main.js", "/t/red")
    }
    for method, path in sorted(paths):
        for prefix in ("", "/t/red"):
            answer = sent(method, prefix + path.replace("{", "").replace("}", ""), source=ELSEWHERE)
            assert answer[0] == 403, (method, path)
            assert method == "HEAD" or refused(answer), (method, path)


@pytest.mark.parametrize(
    "name",
    [
        "x-forwarded-for", "forwarded", "x-real-ip", "true-client-ip", "cf-connecting-ip", "x-client-ip",
        "x-original-forwarded-for", "cloudfront-viewer-address", "x-runhaven-viewer", "via",
        "x-runhaven-edge", "x-amzn-vpce-id", "x-amz-cf-id", "x-apigateway-event", "x-envoy-external-address",
    ],
)  # fmt: skip
def test_no_header_says_whence_a_request_comes(sent, fenced, name):
    """What a caller writes about his way neither lets him in nor keeps another one out."""
    for claim in (OFFICE, f"{OFFICE}:443", f"for={OFFICE}", f"{OFFICE}, {ELSEWHERE}", SECRET):
        assert refused(sent(source=ELSEWHERE, **{name: claim}))
    for claim in (ELSEWHERE, f"for={ELSEWHERE}"):
        assert sent(source=OFFICE, **{name: claim}) == (200, "OK")


def test_only_the_gateway_s_word_counts(app, fenced):
    """A server that is no API Gateway, and events of other shapes, name no address that is believed."""
    assert calls.call(app, "GET", "/health").status == 403
    other = event("GET", "/health", source=OFFICE)
    other["requestContext"] |= {"identity": {"sourceIp": OFFICE}, "sourceIp": OFFICE}
    other["requestContext"]["http"]["sourceIp"] = ""
    api._door.cache_clear()
    assert api.handler(other, CONTEXT)["statusCode"] == 403
    api._door.cache_clear()


def test_the_refusal_comes_before_anything_is_read(app, fenced, sent, lines):
    """Neither a credential nor a body is looked at: a wrong one gets the same words."""
    answers = {
        sent(path="/v1/me", token=token, source=ELSEWHERE, **more)
        for token in (None, "rh_wrong")
        for more in ({}, {"host": "evil.example"}, {"origin": "https://evil.example"})
    }
    assert len(answers) == 1
    assert refused(answers.pop())
    assert {line["status"] for line in lines if line["message"] == "request"} == {403}


def test_behind_the_edge_its_secret_opens(sent, edged, secret):
    """With the secret the viewer's address counts, as the edge tells it; the gateway sees only CloudFront."""
    for viewer in (OFFICE, "2001:db8:1::1"):
        shown = {"x-runhaven-edge": SECRET, "x-runhaven-viewer": viewer}
        assert sent(source="130.176.0.1", **shown) == (200, "OK")
        assert sent(path="/v1/me", token=secret, source="130.176.0.1", **shown)[0] == 200


def test_past_the_edge_there_is_no_way(sent, edged):
    """Who calls the gateway itself is refused from everywhere, whatever address he claims."""
    viewer = {"x-runhaven-viewer": OFFICE}
    for wrong in ("", "x", SECRET[:-1], SECRET + " ", SECRET.upper(), DIGEST, f"{SECRET},{SECRET}", "é"):
        assert refused(sent(source=OFFICE, **{"x-runhaven-edge": wrong}, **viewer))
    assert refused(sent(source=OFFICE, **viewer))
    assert refused(sent(source=OFFICE))


def test_the_edge_lets_nobody_in_from_elsewhere(sent, edged):
    """The secret alone is not enough where networks are set: WAF may be misconfigured, the house is not."""
    for viewer in (ELSEWHERE, "", "x", f"{OFFICE}:1", f"{OFFICE}, {ELSEWHERE}", f"{OFFICE},{OFFICE}"):
        shown = {"x-runhaven-edge": SECRET, "x-runhaven-viewer": viewer}
        assert refused(sent(source=OFFICE, **shown))
    assert refused(sent(source=OFFICE, **{"x-runhaven-edge": SECRET}))


def test_a_header_that_comes_twice_is_none(app, edged):
    """Of two secrets or two addresses none is taken, not even where both are right."""
    shown, viewer = (b"x-runhaven-edge", SECRET.encode()), (b"x-runhaven-viewer", OFFICE.encode())
    assert calls.call(app, "GET", "/health", headers=[shown, viewer]).status == 200
    for twice in ([shown, shown, viewer], [shown, viewer, viewer], [shown, (shown[0], b"x"), viewer]):
        assert calls.call(app, "GET", "/health", headers=twice).status == 403


def test_the_edge_may_stand_alone(sent, chosen):
    """Without networks only the secret is demanded, and the edge's firewall decides about addresses."""
    chosen(edge_secret=(DIGEST,))
    assert sent(source=ELSEWHERE, **{"x-runhaven-edge": SECRET}) == (200, "OK")
    assert refused(sent(source=ELSEWHERE))


def test_the_secret_is_changed_without_a_gap(sent, chosen):
    """While two digests are set both secrets open; afterwards the new one alone."""
    chosen(edge_secret=(DIGEST, NEXT_DIGEST))
    assert [sent(**{"x-runhaven-edge": each})[0] for each in (SECRET, NEXT)] == [200, 200]
    chosen(edge_secret=(NEXT_DIGEST,))
    assert [sent(**{"x-runhaven-edge": each})[0] for each in (SECRET, NEXT)] == [403, 200]


@pytest.mark.parametrize(
    "wrong",
    [
        {"allowed_cidrs": ("198.51.100.7/24",)}, {"allowed_cidrs": ("office",)},
        {"allowed_cidrs": ("10.0.0.0/33",)}, {"allowed_cidrs": ("0.0.0.0/0", "")},
        {"allowed_cidrs": tuple(f"10.0.{n}.0/24" for n in range(21))},
        {"edge_secret": (SECRET,)}, {"edge_secret": (DIGEST.upper(),)}, {"edge_secret": ("",)},
        {"edge_secret": (DIGEST,) * 3},
    ],
)  # fmt: skip
def test_a_mistake_in_the_settings_opens_nothing(wrong):
    """A network with host bits, what is none, too many, a secret instead of its digest: no start at all."""
    with pytest.raises(RuntimeError, match=r"RUNHAVEN_(ALLOWED_CIDRS|EDGE_SECRET)"):
        Settings("runhaven", "eu-central-1", **wrong)
