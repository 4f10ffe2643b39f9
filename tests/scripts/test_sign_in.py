"""Where the sign-in page sends the browser back to."""

import sys
import threading
from http.server import ThreadingHTTPServer

import httpx

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
from _sign_in import Landing


def test_a_landing_waits_for_its_own_answer():
    """Neither a browser's other requests nor another attempt's answer end the wait for the redirect."""
    found, arrived = {}, threading.Event()
    here = type("Here", (Landing,), {"state": "s", "found": found, "arrived": arrived})
    with ThreadingHTTPServer(("127.0.0.1", 0), here) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        for path in ("/favicon.ico", "/", "/?state=another&code=1"):
            assert httpx.get(url + path).status_code == 404
        assert (found, arrived.is_set()) == ({}, False)
        assert httpx.get(f"{url}/?state=s&code=c").status_code == 200
        assert arrived.wait(60)
        server.shutdown()
    assert found == {"state": "s", "code": "c"}
