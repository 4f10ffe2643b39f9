"""Cognito access tokens: signature by the pool's published keys, and the claims that make one ours.

PyJWT and cryptography cost 60 ms, so they are imported with the first such token.
"""

import json
import re
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from functions.errors import Unavailable
from functions.settings import Settings, settings

# Seconds: keys are read again after an hour, used for a day if that fails; between attempts; for one.
FRESH, USABLE, COOL_DOWN, TIMEOUT = 3_600, 86_400, 30, 1.5
KEYS_BYTES = 1024 * 1024

# Access tokens have no audience, who it was issued to stands in `client_id`:
# https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
# The time of issue is not compared: a clock that is a second behind would refuse a fresh token.
_OPTIONS: Any = {"require": ["exp", "iss", "sub"], "verify_aud": False, "verify_iat": False}
_SUB = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@:+-]{0,127}", re.ASCII)


class Claims(NamedTuple):
    """What a verified access token says."""

    sub: str
    username: str
    expires_at: int


class KeyRing:
    """The public keys at one address. Safe among threads.

    An unreachable address changes nothing for a day; an unknown key id is one attempt per cool-down, so that
    forged tokens cannot make the house knock at the pool all the time.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        self._url, self._clock = url, clock
        self._lock = threading.Lock()
        self._keys: dict[str, Any] = {}
        self._read_at = self._tried_at = float("-inf")

    def key(self, key_id: str) -> Any:
        """The public key with that id, or None.

        Raises:
            Unavailable: no keys were read within a day.
        """
        with self._lock:
            now = self._clock()
            wanted = key_id not in self._keys or now - self._read_at >= FRESH
            if wanted and now - self._tried_at >= COOL_DOWN:
                self._tried_at = now
                self._read(now)
            if now - self._read_at >= USABLE:
                why = "The keys of the sign-in service cannot be read right now."
                raise Unavailable(why, retry_after=COOL_DOWN)
            return self._keys.get(key_id)

    def _read(self, now: float) -> None:
        try:
            published = json.loads(_fetched(self._url))["keys"]
            self._keys = {each["kid"]: key for each in published if (key := _public(each)) is not None}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return
        self._read_at = now


_rings: dict[str, KeyRing] = {}


def claims(token: str) -> Claims | None:
    """What a Cognito access token of our pool and clients says, or None if it is not one, or no longer.

    Raises:
        Unavailable: the pool's keys cannot be read.
    """
    chosen = settings()
    if not (chosen.user_pool and chosen.user_pool_clients and chosen.issuer and chosen.jwks_url):
        return None
    import jwt

    try:
        header = jwt.get_unverified_header(token)
        key_id = header.get("kid")
        if header.get("alg") != "RS256" or not isinstance(key_id, str):
            return None
        ring = _rings.setdefault(chosen.jwks_url, KeyRing(chosen.jwks_url))
        key = ring.key(key_id)
        return None if key is None else _ours(jwt.decode(token, key, ["RS256"], _OPTIONS), chosen)
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
        return None


def _ours(said: dict[str, Any], chosen: Settings) -> Claims | None:
    sub, name = said["sub"], said.get("username")
    if said["iss"] != chosen.issuer or said.get("token_use") != "access":
        return None
    if said.get("client_id") not in chosen.user_pool_clients:
        return None
    if not isinstance(sub, str) or not _SUB.fullmatch(sub):
        return None
    return Claims(sub, name if isinstance(name, str) else sub, int(said["exp"]) * 1_000)


def _public(published: Any) -> Any:
    """A key that may verify RS256 signatures, or None."""
    import jwt
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if published.get("kty") != "RSA" or published.get("use", "sig") != "sig":
        return None
    if published.get("alg", "RS256") != "RS256" or not isinstance(published.get("kid"), str):
        return None
    try:
        key = jwt.algorithms.RSAAlgorithm.from_jwk({part: published[part] for part in ("kty", "n", "e")})
    except (jwt.PyJWTError, ValueError, KeyError):
        return None
    return key if isinstance(key, RSAPublicKey) and key.key_size >= 2048 else None


def _fetched(url: str) -> bytes:
    from urllib.request import urlopen

    if not url.startswith(("https://", "file://")):
        raise ValueError("the address of the keys must begin with https: or file:")
    end = time.monotonic() + TIMEOUT
    text = b""
    with urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310  (the scheme is checked above)
        while part := answer.read1(65_536):
            text += part
            if len(text) > KEYS_BYTES or time.monotonic() > end:
                raise ValueError("the keys are too long, or too slow")
    return text
