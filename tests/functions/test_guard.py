"""What is turned away before anybody asks who sent it: foreign names and pages, large and bad requests."""

import pytest

from functions.guard import BODY_BYTES
from tests.functions.calls import HEALTH, HOME, JSON, SEARCH, call, search


@pytest.mark.parametrize("host", [
    b"127.0.0.1", b"127.0.0.1:5000", b"localhost:5000", b"LOCALHOST", b"localhost.", b"[::1]:5000",
    b"127.0.0.1:1",
])  # fmt: skip
def test_the_house_answers_to_its_names(app, host):
    """Its own host names are answered, with any port, in any case."""
    assert call(app, "GET", HEALTH, headers=[(b"host", host)]).status == 200


@pytest.mark.parametrize("host", [
    b"evil.example", b"evil.example:5000", b"127.0.0.1.evil.example", b"localhost.evil.example", b"",
    b"127.0.0.2",
    b"127.0.0.1@evil.example", b"evil.example#127.0.0.1", b"127.0.0.1:x", b"127.0.0.1:5000:5000", b"[::2]",
    b"[]",
    b"127.0.0.1, evil.example", b"\xff", b"0x7f.1", b"2130706433", b"127.0.0.1 ", b"localhost\0",
])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
def test_a_foreign_host_name_is_turned_away(app, method, host):
    """A page that rebinds its own name to this address reaches nothing, open or not."""
    answer = call(app, method, HEALTH, headers=[(b"host", host)])
    assert (answer.status, answer.json["error_code"]) == (403, "PERMISSION_DENIED")


def test_a_host_must_be_named_once(app):
    """Two different hosts are 400, none is 403."""
    two = [(b"host", b"localhost"), (b"host", b"evil.example")]
    assert call(app, "GET", HEALTH, headers=two).status == 400
    assert search(app, headers=two).status == 400


@pytest.mark.parametrize("origin", [
    b"null", b"http://evil.example", b"https://127.0.0.1:5000", b"http://127.0.0.1", b"http://127.0.0.1:5001",
    b"http://localhost:5000", b"", b"http://127.0.0.1:5000.evil.example", b"file://", b"*", b"\xff",
    b"http://127.0.0.1:5000, http://evil.example",
])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT", "HEAD"])
@pytest.mark.parametrize("path", [HEALTH, SEARCH, "/v1/teams", "/nowhere", "/"])
def test_a_foreign_page_is_turned_away(app, method, path, origin):
    """Whatever it asks for, also by preflight: 403, nothing is done, and no word of CORS is said."""
    asks = [(b"origin", origin), (b"access-control-request-method", b"POST")]
    answer = call(app, method, path, headers=asks)
    assert answer.status == 403
    assert not [name for name, _ in answer.headers if name.lower().startswith(b"access-control")]


def test_a_foreign_page_is_turned_away_with_a_right_token_too(app, secret):
    """Credentials do not change where a request comes from."""
    assert search(app, token=secret, headers=[(b"origin", b"null")]).status == 403
    assert search(app, token=secret, headers=[(b"origin", b"http://evil.example")]).status == 403


def test_the_house_s_own_page_may_call(app, secret):
    """Its own origin is let in, without any word of CORS."""
    answer = search(app, token=secret, headers=[(b"origin", HOME.encode())])
    assert answer.status == 200
    assert not [name for name, _ in answer.headers if name.lower().startswith(b"access-control")]


@pytest.mark.parametrize("site", [b"cross-site", b"same-site", b"other"])
def test_what_a_foreign_page_embeds_is_turned_away(app, site):
    """A foreign page's image, script, frame or form is refused; a link to the house's page is not."""
    for more in ([], [(b"sec-fetch-dest", b"image")], [(b"sec-fetch-dest", b"iframe")]):
        assert call(app, "GET", "/", headers=[(b"sec-fetch-site", site), *more]).status == 403
    link = [(b"sec-fetch-site", site), (b"sec-fetch-dest", b"document")]
    for page in ("/", "/t/red", "/t/red/"):
        assert call(app, "GET", page, headers=link).status == 200
        assert call(app, "POST", page, headers=link).status == 403
    for elsewhere in (HEALTH, "/t/red/v1/me", "/v1/me"):
        assert call(app, "GET", elsewhere, headers=link).status == 403


@pytest.mark.parametrize("site", [b"none", b"same-origin"])
def test_what_a_browser_marks_as_ours_is_let_in(app, site):
    """A typed address and our own page are no foreign page."""
    assert call(app, "GET", HEALTH, headers=[(b"sec-fetch-site", site)]).status == 200


def test_on_a_laptop_without_credentials_a_foreign_page_is_turned_away(app, ann, chosen):
    """What protects a house without a lock is the host and origin rule."""
    chosen(local_user=ann.sub)
    assert search(app).status == 200
    assert search(app, headers=[(b"origin", b"null")]).status == 403
    assert search(app, headers=[(b"host", b"evil.example")]).status == 403


@pytest.mark.parametrize("path", [SEARCH, "/v1/experiments", "/v1/nowhere"])
def test_a_large_body_is_refused(app, secret, path):
    """More than 6 MB is 413 in JSON, declared or in chunks, before anything is done."""
    huge = b" " * (BODY_BYTES + 1)
    declared = call(app, "POST", path, token=secret, body=huge, headers=[JSON])
    assert (declared.status, declared.json["error_code"]) == (413, "BAD_REQUEST")


@pytest.mark.parametrize("path", [SEARCH, "/v1/experiments"])
def test_a_large_body_without_a_length_is_refused(app, secret, path):
    """A body in chunks is counted while it comes."""
    chunks = [b" " * 1_000_000] * 7
    answer = call(app, "POST", path, token=secret, body=chunks, headers=[JSON])
    assert (answer.status, answer.json["error_code"]) == (413, "BAD_REQUEST")


def test_the_largest_body_is_taken(app, secret):
    """Exactly 6 MB pass."""
    body = b'{"max_results": 5}'.ljust(BODY_BYTES)
    assert call(app, "POST", SEARCH, token=secret, body=body, headers=[JSON]).status == 200


@pytest.mark.parametrize("body", [
    b"", b"x", b"{", b"[]", b'"text"', b"5", b"null", b"[" * 100_000, b'{"a":' * 100_000, b"\xff",
    b"\xef\xbb\xbf{}",
    b'{"name": "\\ud800"}', b'{"name": NaN}', b'{"name": 1e999}', b'{"name": {"a": 1}}', b'{"name": null}',
    b"{}",
    '{"name": "\ud800"}'.encode("utf-8", "surrogatepass"), b"\0", b'{"name": "x", "name": 5}',
])  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/experiments", "/api/2.0/mlflow/experiments/create", "/v1/tokens"])
def test_a_bad_body_is_400(app, secret, path, body):
    """Nothing that is sent as JSON makes the house fail: 400 with a code and a sentence."""
    answer = call(app, "POST", path, token=secret, body=body, headers=[JSON])
    assert answer.status == 400, answer.body
    assert answer.json.keys() >= {"error_code", "message"}


def test_a_bad_field_is_named(app, secret):
    """The answer says which field is wrong, and what is wrong with it."""
    answer = call(app, "POST", "/v1/tokens", token=secret, json_body={"name": "x", "expires_in_days": 0})
    assert (answer.status, answer.json["field"]) == (400, "expires_in_days")
    assert answer.json["error_code"] == "INVALID_PARAMETER_VALUE"
    assert call(app, "GET", "/v1/tokens", token=secret, query="limit=x").json["field"] == "limit"


@pytest.mark.parametrize(("raw", "query"), [
    (b"/api/%ff", b""), (b"/%c3%28", b""), (b"/t/%ff/health", b""), (b"/health", b"a=%ff"),
    (b"/health", b"%c3%28=1"),
    (b"/health\xff", b""), (b"/health", b"\xff"), (b"/%ed%a0%80", b""),
])  # fmt: skip
def test_what_is_no_utf_8_is_400(app, raw, query):
    """A path or query that is no UTF-8 is refused, not guessed at."""
    assert call(app, "GET", None, raw=raw, query=query).status == 400
