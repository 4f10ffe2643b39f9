"""Signs in at a deployment's own page, in a browser on this machine, and prints a token of Runhaven's.

The code comes back to loopback and is bound by PKCE (RFC 7636), so no secret is kept anywhere. With
--first-admin the caller becomes the deployment's first admin, if the settings name his address.
"""

import argparse
import base64
import hashlib
import json
import secrets
import sys
import threading
import urllib.error
import urllib.request
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from _deployed import Deployment


class Landing(BaseHTTPRequestHandler):
    """Where the sign-in page sends the browser back to. Whatever else comes to the port ends no wait."""

    state: str
    found: dict[str, str]
    arrived: threading.Event

    def do_GET(self) -> None:
        """Keep what came, if it belongs to this attempt, and say that the window may be closed."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        ours = query.get("state", "") == self.state
        self.send_response(200 if ours else 404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        if not ours:
            return
        self.wfile.write(b"You are signed in. Close this window.\n" if "code" in query else b"That failed.\n")
        self.found |= query
        self.arrived.set()

    def log_message(self, *_: object) -> None:
        """Say nothing: the address has the code in it."""


def asked(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
    """Status and JSON that a POST answers; None where it says nothing."""
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310  (https, from the state)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            status, text = error.code, error.read()
    return status, json.loads(text) if text else None


def sent(url: str, body: bytes, headers: dict[str, str]) -> Any:
    """What a POST answers.

    Raises:
        SystemExit: it was refused, with the words.
    """
    status, said = asked(url, body, headers)
    if status >= 300:
        sys.exit(f"POST {url} gives {status}: {said}")
    return said


def minted(url: str, team: str, days: int, headers: dict[str, str]) -> str:
    """A token of the caller's for a team, which is made where there is none of that name."""
    token = json.dumps({"name": "scripts/sign-in", "expires_in_days": days}).encode()
    status, said = asked(f"{url}/t/{team}/v1/tokens", token, headers)
    if status == 404:
        sent(f"{url}/v1/teams", json.dumps({"name": team}).encode(), headers)
        print(f"Team {team} was made; you own it.", file=sys.stderr)
        status, said = asked(f"{url}/t/{team}/v1/tokens", token, headers)
    if status >= 300:
        sys.exit(f"no token: {status} {said}")
    return str(said["secret"])


def signed_in(deployment: Deployment, seconds: int) -> str:
    """An access token of the user pool, after somebody has signed in.

    Raises:
        SystemExit: nobody did in time, every port is taken, or the page said no.
    """
    domain = deployment.made["aws_cognito_user_pool_domain.people"]["domain"]
    page = f"https://{domain}.auth.{deployment.region}.amazoncognito.com"
    client = deployment.made['aws_cognito_user_pool_client.public["cli"]']
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    found: dict[str, str] = {}
    arrived = threading.Event()
    landing = type("Here", (Landing,), {"state": state, "found": found, "arrived": arrived})
    for back in client["callback_urls"]:
        try:
            server = ThreadingHTTPServer(("127.0.0.1", urlsplit(back).port or 0), landing)
            break
        except OSError:
            continue
    else:
        sys.exit(f"none of {', '.join(client['callback_urls'])} is free on this machine")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"response_type": "code", "client_id": client["id"], "redirect_uri": back, "state": state}
    asked |= {"scope": "openid email profile", "code_challenge": challenge, "code_challenge_method": "S256"}
    url = f"{page}/oauth2/authorize?{urlencode(asked)}"
    print(f"Sign in at {url}", file=sys.stderr, flush=True)
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        webbrowser.open(url)
        arrived.wait(seconds)
        server.shutdown()
    if "code" not in found:
        sys.exit(f"nobody signed in: {found.get('error_description', 'no answer in time')}")
    form = {"grant_type": "authorization_code", "client_id": client["id"], "redirect_uri": back}
    form |= {"code": found["code"], "code_verifier": verifier}
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return str(sent(f"{page}/oauth2/token", urlencode(form).encode(), kind)["access_token"])


def main() -> None:
    """Print the token, once, and nothing else to the output."""
    parser = argparse.ArgumentParser(prog="scripts/sign-in", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the root module that was applied")
    parser.add_argument("team", help="for which the token is; an admin's is made where there is none")
    parser.add_argument("--first-admin", action="store_true", help="become the deployment's first admin")
    parser.add_argument("--days", type=int, default=30, help="for which the token is good (30)")
    parser.add_argument("--module", default="", help="the control plane, where there are several")
    parser.add_argument("--patience", type=int, default=600, help="seconds to wait for the browser (600)")
    options = parser.parse_args()
    deployment = Deployment.read(options.folder, module=options.module)
    headers = {"Authorization": f"Bearer {signed_in(deployment, options.patience)}"}
    headers["Content-Type"] = "application/json"
    if options.first_admin:
        sent(f"{deployment.url}/v1/admins/first", b"", headers)
        print("You are the deployment's first admin.", file=sys.stderr)
    print(minted(deployment.url, options.team, options.days, headers))


if __name__ == "__main__":
    main()
