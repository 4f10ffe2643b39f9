"""Cognito's access tokens: what makes one ours, and every way in which one is not."""

import base64
import gzip
import hashlib
import hmac
import json
import time
from dataclasses import replace
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from functions import settings
from functions.access import credentials, signatures
from functions.access.policy import Role
from functions.access.signatures import COOL_DOWN, FRESH, USABLE, KeyRing
from functions.errors import Unauthenticated, Unavailable
from tests.functions import people

POOL = "eu-central-1_Ab1"
ISSUER = f"https://cognito-idp.eu-central-1.amazonaws.com/{POOL}"
NO = object()


@pytest.fixture(scope="module")
def key():
    """The pool's own key."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def published(key, key_id="k1", **more):
    """A key as a pool publishes it."""
    parts = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {
        "kid": key_id,
        "alg": "RS256",
        "use": "sig",
        "kty": "RSA",
        "n": parts["n"],
        "e": parts["e"],
        **more,
    }


@pytest.fixture
def jwks(key, tmp_path):
    """The file that publishes it."""
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [published(key)]}))
    return path


@pytest.fixture
def pool(jwks):
    """A deployment with a user pool."""
    before = list(settings._used)
    plain = before[0] if before else settings.Settings("runhaven", "eu-central-1")
    clients = ("web", "cli")
    settings.use(
        replace(plain, user_pool=POOL, user_pool_clients=clients, issuer=ISSUER, jwks_url=jwks.as_uri())
    )
    signatures._rings.clear()
    yield
    settings._used[:] = before


def said(**changes):
    """What an access token of the pool says."""
    now = int(time.time())
    claims = {
        "sub": people.fresh("user"),
        "iss": ISSUER,
        "client_id": "web",
        "token_use": "access",
        "scope": "aws.cognito.signin.user.admin",
        "username": "ann",
        "iat": now,
        "exp": now + 600,
    }
    return {name: value for name, value in {**claims, **changes}.items() if value is not NO}


def signed(key, claims, algorithm="RS256", **header):
    """A token."""
    return jwt.encode(claims, key, algorithm, {"kid": "k1", **header})


def refused(token):
    """Whether a token is refused, in the words that all are refused in."""
    with pytest.raises(Unauthenticated) as answer:
        credentials.identify(f"Bearer {token}")
    return answer.value.message == "This credential is not valid, or no longer."


def test_an_access_token_is_its_user(engine, pool, key):
    """A token of the pool for one of our clients is its user, who is in the teams that the table says."""
    ann = people.found()
    who = credentials.enter(
        credentials.identify(f"Bearer {signed(key, said(sub=ann.sub, client_id='cli'))}"), None
    )
    assert (who.sub, who.team, who.role, who.token, who.bound) == (ann.sub, ann.team, Role.OWNER, None, False)


def test_groups_in_a_token_give_nothing(engine, pool, key):
    """Memberships are read from the table, whatever the token says."""
    claims = said(**{"cognito:groups": ["admin", "red"], "scope": "admin"})
    who = credentials.enter(credentials.identify(f"Bearer {signed(key, claims)}"), None, needs_team=False)
    assert (who.team, who.role, who.deployment) == (None, None, frozenset())


@pytest.mark.parametrize("changes", [
    {"iss": NO}, {"iss": ""}, {"iss": ISSUER + "x"}, {"iss": "https://evil.example/" + ISSUER},
    {"iss": [ISSUER]},
    {"iss": ISSUER[:-1]}, {"iss": ISSUER.upper()}, {"iss": ISSUER + "/"},
    {"token_use": NO}, {"token_use": "id"}, {"token_use": "id", "aud": "web"}, {"token_use": ["access"]},
    {"client_id": NO}, {"client_id": "other"}, {"client_id": ""}, {"client_id": NO, "aud": "web"},
    {"client_id": ["web"]}, {"client_id": {"web": 1}},
    {"exp": NO}, {"exp": 1}, {"exp": "soon"}, {"exp": -1}, {"exp": None},
    {"nbf": 2**33},
    {"sub": NO}, {"sub": ""}, {"sub": "a#b"}, {"sub": "é"}, {"sub": "a" * 200}, {"sub": 7}, {"sub": None},
])  # fmt: skip
def test_every_claim_must_be_right(pool, key, changes):
    """A wrong issuer, use, client, time or subject is refused although the signature is right."""
    claims = said(**changes)
    try:
        token = signed(key, claims)
    except (TypeError, ValueError):  # PyJWT refuses to make some of them
        token = jwt.PyJWS().encode(json.dumps(claims).encode(), key, "RS256", {"kid": "k1", "typ": "JWT"})
    assert refused(token)


def part(value):
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, "HS256", "rs256", 5, ["RS256"]])
def test_an_unsigned_token_is_refused(pool, algorithm):
    """No spelling of `none` opens the door."""
    head = part({"alg": algorithm, "kid": "k1", "typ": "JWT"})
    for signature in ("", "e30"):
        assert refused(f"{head}.{part(said())}.{signature}")


def test_the_public_key_is_no_secret_to_sign_with(pool, key):
    """A token whose HMAC was made with the published key is refused, in each form of that key."""
    public = key.public_key()
    forms = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(published(key)).encode(),
    ]
    for secret in forms:
        text = f"{part({'alg': 'HS256', 'kid': 'k1'})}.{part(said())}"
        mac = (
            base64.urlsafe_b64encode(hmac.digest(secret, text.encode(), hashlib.sha256)).rstrip(b"=").decode()
        )
        assert refused(f"{text}.{mac}")


def test_other_keys_and_algorithms_are_refused(pool, key):
    """A stranger's key, another RSA algorithm and an elliptic curve are refused under the pool's key id."""
    stranger = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    assert refused(signed(stranger, said()))
    assert refused(signed(key, said(), "RS512"))
    assert refused(signed(key, said(), "PS256"))
    assert refused(signed(ec.generate_private_key(ec.SECP256R1()), said(), "ES256"))


def test_a_key_that_travels_in_the_token_is_not_looked_at(pool, key):
    """`jwk`, `jku` and `x5u` in the header change nothing."""
    stranger = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    assert refused(signed(stranger, said(), jwk=published(stranger)))
    assert refused(
        signed(stranger, said(), jku="https://evil.example/jwks.json", x5u="https://evil.example/")
    )


@pytest.mark.parametrize("key_id", ["k2", "", None, 7, ["k1"], "k1\0", "../k1"])
def test_an_unknown_key_id_is_refused(pool, key, key_id):
    """So is a missing one, and what is no text."""
    text = f"{part({'alg': 'RS256', 'kid': key_id})}.{part(said())}"
    assert refused(f"{text}.{signed(key, said()).rpartition('.')[2]}")


def test_a_signature_covers_every_part(pool, key):
    """Another user's claims under a right signature are refused."""
    head, body, signature = signed(key, said()).split(".")
    assert refused(f"{head}.{part(said(sub='boss'))}.{signature}")
    assert refused(f"{part({'alg': 'RS256', 'kid': 'k1', 'typ': 'x'})}.{body}.{signature}")
    assert refused(f"{head}.{body}.{signature[:-4]}")
    assert refused(f"{head}.{body}.")


def test_hostile_headers_are_refused(pool, key):
    """Nesting without end, duplicate parts and criticals are 401, never a crash."""
    deep = base64.urlsafe_b64encode(b"[" * 5_000).decode().rstrip("=")
    assert refused(f"{deep}.{part(said())}.e30")
    assert refused(f"{part({'alg': 'RS256', 'kid': 'k1'})}.{deep}.e30")
    assert refused(signed(key, said(), crit=["exp"]))
    assert refused("." * 50)
    assert refused(signed(key, said()) + ".x")


def test_a_token_that_is_signed_with_moto_s_published_key_is_refused(pool):
    """The private key of moto ships in its package: whoever has it is still a stranger."""
    import moto.cognitoidp

    path = Path(moto.cognitoidp.__file__).parent / "resources/jwks-private.json.gz"
    private = jwt.algorithms.RSAAlgorithm.from_jwk(json.loads(gzip.decompress(path.read_bytes())))
    assert refused(signed(private, said(), kid="dummy"))
    assert refused(signed(private, said()))


def test_a_remembered_token_ends_on_time(pool, key):
    """The minute for which a credential is known does not prolong it."""
    token = signed(key, said(exp=int(time.time()) + 2))
    credentials.identify(f"Bearer {token}")
    time.sleep(2)
    assert refused(token)


def test_without_a_pool_no_such_token_is_taken(engine, key):
    """A deployment without a user pool takes Runhaven tokens only."""
    assert refused(signed(key, said()))


class Clock:
    """A clock that is moved by hand."""

    now = 1_000_000.0

    def __call__(self):
        """The seconds that it shows."""
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ring(jwks, clock):
    return KeyRing(jwks.as_uri(), clock)


def test_keys_are_read_once(ring, jwks):
    """What was read is used without reading it again."""
    assert ring.key("k1") is not None
    jwks.unlink()
    assert ring.key("k1") is not None


def test_a_new_key_is_found_after_the_cool_down(ring, jwks, key, clock):
    """An unknown key id makes the ring look again, but only once per cool-down."""
    ring.key("k1")
    jwks.write_text(json.dumps({"keys": [published(key, "k2")]}))
    assert ring.key("k2") is None
    clock.now += COOL_DOWN
    assert ring.key("k2") is not None
    assert ring.key("k1") is None


def test_an_unreachable_address_changes_nothing_for_a_day(ring, jwks, clock):
    """Known keys go on; after a day the house says 503 rather than trust them, and recovers by itself."""
    ring.key("k1")
    text = jwks.read_text()
    for broken in (None, "", "[]", "{}", '{"keys": 5}', '{"keys": [5]}', "[" * 100_000):
        if broken is None:
            jwks.unlink()
        else:
            jwks.write_text(broken)
        clock.now += FRESH
        assert ring.key("k1") is not None
        assert ring.key("k2") is None
    clock.now += USABLE
    with pytest.raises(Unavailable) as closed:
        ring.key("k1")
    assert closed.value.retry_after == COOL_DOWN
    jwks.write_text(text)
    clock.now += COOL_DOWN
    assert ring.key("k1") is not None


def test_a_withdrawn_key_is_no_longer_trusted_after_an_hour(ring, jwks, clock):
    """The ring looks for what was withdrawn, not only for what is new."""
    ring.key("k1")
    jwks.write_text('{"keys": []}')
    clock.now += FRESH
    assert ring.key("k1") is None


def test_only_keys_that_sign_are_taken(jwks, key, clock):
    """A weak key, one of another kind or use, and one without an id are left out."""
    weak = rsa.generate_private_key(public_exponent=65_537, key_size=1_024)
    others = [
        published(weak, "weak"),
        published(key, "enc", use="enc"),
        published(key, "hs", alg="HS256"),
        published(key, "oct", kty="oct"),
        published(key, None),
        {**published(key, "broken"), "n": "?"},
    ]
    jwks.write_text(json.dumps({"keys": [*others, published(key)]}))
    ring = KeyRing(jwks.as_uri(), clock)
    assert ring.key("k1") is not None
    assert [name for name in ("weak", "enc", "hs", "oct", "broken") if ring.key(name) is not None] == []


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9/jwks.json", "ftp://x/y", "data:,x", "/etc/passwd"])
def test_keys_come_from_https_or_a_file(url, clock):
    """Any other address has no keys."""
    with pytest.raises(Unavailable):
        KeyRing(url, clock).key("k1")


def test_a_slow_address_is_given_up(clock):
    """An address that accepts and says nothing costs one and a half seconds, once per cool-down."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        ring = KeyRing(f"https://127.0.0.1:{silent.getsockname()[1]}/jwks.json", clock)
        start = time.monotonic()
        for _ in range(3):
            with pytest.raises(Unavailable):
                ring.key("k1")
        assert time.monotonic() - start < 2.5
