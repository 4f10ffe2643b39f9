"""The page as it is served: whole, sealed, and open to everybody because it holds nothing of anybody."""

import hashlib
import re
from base64 import b64encode
from html.parser import HTMLParser

import pytest

from functions import app, settings
from functions.ui.page import page
from tests.functions.calls import call

TEXT = page().body.decode()


@pytest.fixture(scope="module")
def house():
    """The app, which asks callers for credentials; the page needs no table."""
    settings.use(settings.Settings("none", "eu-central-1", origins=("http://127.0.0.1:5000",)))
    yield app.build()
    settings._used.clear()


class Elements(HTMLParser):
    """Every element of the page with its attributes, and the text of those that hold code."""

    def __init__(self):
        super().__init__()
        self.found, self.code = [], {}
        self.feed(TEXT)

    def handle_starttag(self, tag, attrs):
        """Note an element."""
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        """Note code."""
        if self.found and (tag := self.found[-1][0]) in {"script", "style"} and tag not in self.code:
            self.code[tag] = data


def policy(answer):
    """The Content-Security-Policy of an answer, by directive."""
    parts = answer.header("content-security-policy").split("; ")
    return {name: value for name, _, value in (part.partition(" ") for part in parts)}


@pytest.mark.parametrize("path", ["/", "/t/red/", "/t/red", "/t/no-such-team/"])
def test_everybody_gets_the_page(house, path):
    """The page needs no credential and is the same below every team, there or not."""
    answer = call(house, "GET", path)
    assert answer.status == 200
    assert answer.header("content-type") == "text/html; charset=utf-8"
    assert answer.body == page().body


def test_a_known_page_is_not_sent_again(house):
    """A browser that has the page is answered 304 without a body, and one with another page gets this one."""
    etag = call(house, "GET", "/").header("etag")
    again = call(house, "GET", "/", headers=[(b"if-none-match", f'"other", W/{etag}'.encode())])
    assert (again.status, again.body, again.header("etag")) == (304, b"", etag)
    assert call(house, "GET", "/", headers=[(b"if-none-match", b'"other"')]).status == 200


def test_the_page_is_asked_for_anew_each_time(house):
    """A browser keeps the page but asks whether it is still the newest."""
    assert call(house, "GET", "/").header("cache-control") == "no-cache"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ],
)
@pytest.mark.parametrize("held", [b'"other"', b"*"])
def test_the_page_keeps_to_itself(house, header, value, held):
    """The page and its 304 carry each header that keeps other pages away from it, once."""
    assert call(house, "GET", "/", headers=[(b"if-none-match", held)]).header(header) == value


def test_only_its_own_code_runs(house):
    """The policy allows the script and the style of the page, calls to its own origin, and nothing else."""
    hashes = {
        tag: f"'sha256-{b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"
        for tag, code in Elements().code.items()
    }
    assert policy(call(house, "GET", "/")) == {
        "default-src": "'none'",
        "script-src": hashes["script"],
        "style-src": hashes["style"],
        "img-src": "data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_the_page_is_one_request():
    """The document asks for no other file, and names no other host."""
    named = [attributes.get(name, "#/") for _, attributes in Elements().found for name in ("src", "href")]
    assert [each for each in named if not each.startswith(("#/", "data:"))] == []
    known = {"http://www.w3.org/2000/svg"}
    assert set(re.findall(r"https?://[^\s\"'`<>$]+", TEXT)) <= known


def test_no_handler_stands_in_the_markup():
    """No element of the document has a handler or a style of its own, which the policy would forbid."""
    names = {name for _, attributes in Elements().found for name in attributes}
    assert [name for name in names if name.startswith("on") or name == "style"] == []


def test_text_never_becomes_markup():
    """The script has none of the words by which a browser reads a text as markup or as code."""
    words = r"(?i)(?:inner|outer|adjacent|unsafe)HTML|document\.write|\beval\b|\bFunction\(|srcdoc|DOMParser"
    assert re.findall(words, Elements().code["script"]) == []


def test_a_token_is_kept_nowhere():
    """The script knows no storage and no cookie in which a token could stay."""
    words = r"localStorage|sessionStorage|indexedDB|document\.cookie|cookieStore|caches\b|serviceWorker"
    assert re.findall(words, Elements().code["script"]) == []


def test_the_page_is_light():
    """The whole document is at most 90 KB."""
    assert len(page().body) <= 90_000
