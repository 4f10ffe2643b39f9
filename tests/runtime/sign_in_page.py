"""Cognito's sign-in page, of which moto has none: a browser is sent back with a code, a code becomes a token.

What it demands is what Cognito demands of a public client, its own addresses to return to, and PKCE with
SHA-256: https://docs.aws.amazon.com/cognito/latest/developerguide/using-pkce-in-authorization-code.html.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.runtime import loopback


class SignInPage:
    """The page of a user pool, before which somebody stands who always signs in.

    Args:
        people: a client of the user pool's service.
        pool: the pool's id.
        token: gives the access token of who signs in.
    """

    def __init__(self, people: Any, pool: str, token: Callable[[str], str]) -> None:
        self.people, self.pool, self.token = people, pool, token
        self.codes: dict[str, dict[str, str]] = {}
        self.port = 0

    def authorized(self, asked: dict[str, str]) -> str | None:
        """Where the browser is sent; None where the page shows an error instead."""
        client = self.people.describe_user_pool_client(UserPoolId=self.pool, ClientId=asked["client_id"])
        known = client["UserPoolClient"]
        if asked["redirect_uri"] not in known["CallbackURLs"] or asked["code_challenge_method"] != "S256":
            return None
        if asked["response_type"] not in known["AllowedOAuthFlows"] or "ClientSecret" in known:
            return None
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def exchanged(self, form: dict[str, str]) -> dict[str, Any] | None:
        """The tokens for a code, once; None for whoever did not begin this."""
        begun = self.codes.pop(form["code"], None)
        shown = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(shown).rstrip(b"=").decode()
        if begun is None or begun["code_challenge"] != challenge:
            return None
        if any(begun[name] != form[name] for name in ("client_id", "redirect_uri")):
            return None
        return {"access_token": self.token(form["client_id"]), "token_type": "Bearer", "expires_in": 3600}

    @contextmanager
    def opened(self) -> Iterator["SignInPage"]:
        """Serve on a free port of loopback."""
        with loopback.served(_Door, page=self) as self.port:
            yield self


class _Door(BaseHTTPRequestHandler):
    page: SignInPage

    def do_GET(self) -> None:
        """`/oauth2/authorize`."""
        there = self.page.authorized(dict(parse_qsl(urlsplit(self.path).query)))
        self._say(302 if there else 400, b"", {"Location": there} if there else {})

    def do_POST(self) -> None:
        """`/oauth2/token`."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        given = self.page.exchanged(dict(parse_qsl(body)))
        self._say(200 if given else 400, json.dumps(given or {"error": "invalid_grant"}).encode(), {})

    def _say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
