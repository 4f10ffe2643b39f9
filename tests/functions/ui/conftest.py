"""A real browser, and a house with something in it."""

import os
import secrets
import shutil
from urllib.parse import urlsplit

import httpx
import pytest

# Chromium asks its maker for things unless it is told not to, and runs as root only without its sandbox.
QUIET = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# A status that the house answered on purpose is written to the console as an error.
ANSWERED = "Failed to load resource: the server responded with a status of 4"


@pytest.fixture(scope="module")
def browser():
    """Chromium, driven by Playwright, whose event loop runs in this thread until the module's last test."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium on PATH (Debian: apt install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        opened = playwright.chromium.launch(executable_path=program, args=options)
        yield opened
        opened.close()


@pytest.fixture
def look(browser):
    """Opens an address in a browser of its own; at the end nothing may have gone wrong in any of them."""
    wrong, contexts = [], []

    def look(url, *, strict=True, **options):
        context = browser.new_context(**options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        if strict:
            page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
            page.on("console", lambda said: wrong.append(said.text) if is_wrong(said) else None)
            page.on(
                "request", lambda request: wrong.append(request.url) if is_foreign(request, url) else None
            )
        page.goto(url)
        return page

    yield look
    for context in contexts:
        context.close()
    assert wrong == []


def is_wrong(said):
    """Whether a message of the console is an error or a broken policy."""
    return said.type in {"error", "warning"} and not said.text.startswith(ANSWERED)


def is_foreign(request, url):
    """Whether a request goes to another place than the page came from."""
    return not request.url.startswith("data:") and urlsplit(request.url).netloc != urlsplit(url).netloc


class Owner:
    """Somebody who logs to a house over its native API."""

    def __init__(self, url, token=None):
        self.url = url
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=f"{url}/v1", headers=headers, timeout=60)

    def post(self, path, **body):
        """What the house answers."""
        answer = self._http.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def experiment(self, name=None, **tags):
        """The id of a new experiment."""
        name = name or f"test {secrets.token_hex(4)}"
        return self.post("/experiments", name=name, tags=tags)["id"]

    def run(self, experiment, name="a run", status="FINISHED", *, params=None, tags=None, metrics=None):
        """The id of a new run; *metrics* are lists of values, one for each step."""
        run = self.post("/runs", experiment_id=experiment, name=name, tags=tags or {})["run_id"]
        texts = [{"kind": "param", "key": key, "value": value} for key, value in (params or {}).items()]
        points = [
            {
                "kind": "metric",
                "key": key,
                "value": value,
                "timestamp": 1_700_000_000_000 + step,
                "step": step,
            }
            for key, values in (metrics or {}).items()
            for step, value in enumerate(values)
        ]
        if texts or points:
            self.post(f"/runs/{run}/log", writer=secrets.token_hex(16), first=0, records=[*texts, *points])
        if status != "RUNNING":
            assert self._http.patch(f"/runs/{run}", json={"status": status}).is_success
        return run


@pytest.fixture(scope="session")
def open_house(open_process):
    """The owner of a house without credentials."""
    return Owner(open_process.url)


@pytest.fixture
def team(open_house):
    """The owner of a new team in that house."""
    return Owner(f"{open_house.url}/t/team-{secrets.token_hex(4)}")
