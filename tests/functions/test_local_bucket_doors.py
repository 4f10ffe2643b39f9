"""What the laptop's S3 port turns away: other requests than for objects, foreign names and foreign pages."""

import socket
from urllib.parse import urlsplit

import pytest

from tests.functions.buckets import PAGE, send, shop


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """An open shop."""
    with shop(tmp_path_factory.mktemp("objects")) as opened:
        yield opened


@pytest.fixture
def red(here):
    """Team red."""
    return here.red


NOT_SERVED = [
    ("GET", "/"),
    ("GET", "/vault-of-red"),
    ("GET", "/vault-of-red/"),
    ("GET", "/vault-of-red/?list-type=2"),
    ("PUT", "/vault-of-red"),
    ("POST", "/vault-of-red?delete"),
    ("GET", "/moto-api/"),
    ("GET", "/moto-api/data.json"),
    ("POST", "/moto-api/reset"),
    ("POST", "/moto-api/reset-auth"),
    ("POST", "/"),
    ("POST", "/vault-of-red/runhaven/red/x?uploads"),
    ("PATCH", "/vault-of-red/runhaven/red/x"),
    ("TRACE", "/vault-of-red/runhaven/red/x"),
    ("GET", "/v1/teams"),
    ("GET", "/api/2.0/mlflow/experiments/search"),
]


@pytest.mark.parametrize(("method", "target"), NOT_SERVED)
def test_nothing_else_is_served(here, red, method, target):
    """Lists, other services, moto's own page and other verbs are not there."""
    red.put("x", b"kept")
    answer = send(method, here.url + target, b"" if method in {"POST", "PUT", "PATCH"} else None)
    assert answer.status == 403
    assert red.get("x").body == b"kept"


SIGNED = [
    ("GET", "x", {"uploadId": "y"}),
    ("GET", "x", {"acl": ""}),
    ("GET", "x", {"tagging": ""}),
    ("GET", "x", {"partNumber": "1"}),
    ("GET", "x", {"list-type": "2"}),
    ("PUT", "x", {"acl": ""}),
    ("PUT", "x", {"tagging": ""}),
    ("DELETE", "x", {"uploadId": "y"}),
    ("DELETE", "x", {"tagging": ""}),
    ("POST", "x", {"uploads": ""}),
]


@pytest.mark.parametrize(("method", "key", "query"), SIGNED)
def test_nothing_else_is_served_to_a_signer(red, method, key, query):
    """Who signs right may read, write and delete objects, and add parts, but ask for nothing else."""
    answer = send(method, red.sign(method, key, **query), b"" if method in {"PUT", "POST"} else None)
    assert (answer.status, answer.code) == (403, "AccessDenied")


def test_headers_do_not_sign(red):
    """A request that is signed in a header, as SDKs do it, is no presigned URL."""
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-central-1/s3/aws4_request"}
    assert send("GET", red.sign("GET", "x").partition("?")[0], None, signed).status == 403


def test_a_bucket_that_is_not_there(red):
    """A bucket that nobody has is told to who signs, and to nobody else."""
    assert send("GET", red.sign("GET", "x", bucket="nowhere")).code == "NoSuchBucket"


def raw(here, text):
    """The first line of the answer to these bytes."""
    parts = urlsplit(here.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as line:
        line.sendall(text)
        return line.recv(200).partition(b"\r\n")[0]


def test_a_body_without_a_length(here, red):
    """A body that does not say how long it is, or longer than S3 takes, is refused before it comes."""
    url = urlsplit(red.sign("PUT", "endless"))
    start = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n".encode()
    assert b" 411 " in raw(here, start + b"Transfer-Encoding: chunked\r\n\r\n")
    assert b" 400 " in raw(here, start + b"Content-Length: 5368709121\r\n\r\n")


def test_a_body_that_ends_too_early(here, red):
    """Who hangs up before the last byte has written nothing, and leaves no file."""
    url = urlsplit(red.sign("PUT", "broken"))
    before = set(here.buckets.objects.directory.glob("*/??/*"))
    with socket.create_connection((url.hostname, url.port), timeout=10) as line:
        head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: 100000\r\n\r\n"
        line.sendall(head.encode() + b"x" * 50000)
        while set(here.buckets.objects.directory.glob("*/??/*")) == before:
            pass
    while set(here.buckets.objects.directory.glob("*/??/*")) != before:
        pass
    assert red.get("broken").status == 403


@pytest.mark.parametrize("key", ["x" * 1013, "ü" * 507])
def test_a_key_that_is_too_long(red, key):
    """A key has at most 1,024 bytes."""
    assert red.put(key, b"x").code == "KeyTooLongError"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "runhaven-vault.s3.amazonaws.com"]
)
def test_a_rebound_name(here, red, host):
    """Under a foreign name nothing is served, also to who has signed for that name."""
    red.put("file", b"x")
    port = urlsplit(here.url).port
    url = red.sign("GET", "file", headers={"host": f"{host}:{port}"})
    answer = send("GET", url, None, {"host": f"{host}:{port}"})
    assert (answer.status, answer.code) == (403, "AccessDenied")


def test_localhost_is_the_house_too(here, red):
    """A URL that was signed for localhost works there."""
    red.put("file", b"x")
    host = {"host": f"localhost:{urlsplit(here.url).port}"}
    assert send("GET", red.sign("GET", "file", headers=host), None, host).body == b"x"


FOREIGN = [
    "https://evil.example",
    "null",
    "http://127.0.0.1:5001",
    "http://127.0.0.1",
    "https://127.0.0.1:5000",
]


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
def test_a_foreign_page(red, origin, method):
    """A page of another origin is turned away, and hears not a word of CORS."""
    red.put("file", b"x")
    asks = {"origin": origin, "access-control-request-method": "PUT"}
    url = red.sign("PUT" if method == "OPTIONS" else method, "file")
    answer = send(method, url, b"y" if method == "PUT" else None, asks)
    assert answer.status == 403
    assert [name for name in answer.headers if name.startswith("access-control")] == []
    assert red.get("file").body == b"x"


def test_the_houses_own_page(red):
    """The page of the house reads and writes by presigned URL, and may see what it needs of the answer."""
    wanted = "content-type,x-amz-checksum-sha256,x-amz-expected-bucket-owner"
    asks = {"origin": PAGE, "access-control-request-method": "PUT", "access-control-request-headers": wanted}
    url = red.sign("PUT", "file")
    first = send("OPTIONS", url, None, asks)
    assert first.status == 200
    assert first.headers["access-control-allow-origin"] == PAGE
    assert first.headers["access-control-allow-headers"] == wanted
    assert "PUT" in first.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in first.headers
    put = send("PUT", url, b"mine", {"origin": PAGE})
    got = red.get("file", {"origin": PAGE})
    for answer in (put, got):
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, PAGE)
        assert "ETag" in answer.headers["access-control-expose-headers"]
        assert answer.headers["vary"] == "Origin"
    refused = send("GET", url, None, {"origin": PAGE})
    assert refused.headers["access-control-allow-origin"] == PAGE, "the page must learn why"


@pytest.mark.parametrize(
    ("site", "aim", "status"),
    [
        ("same-site", "image", 200),
        ("none", "document", 200),
        ("cross-site", "image", 403),
        ("cross-site", "script", 403),
    ],
)
def test_what_browsers_say_of_a_request(red, site, aim, status):
    """An image of the house's own page is shown, a link is followed, and another site's image is not."""
    red.put("plot.png", b"x")
    assert red.get("plot.png", {"sec-fetch-site": site, "sec-fetch-dest": aim}).status == status


def test_a_preflight_that_is_none(here, red):
    """OPTIONS without an origin, or for no object, is refused."""
    assert send("OPTIONS", red.sign("PUT", "file")).status == 403
    assert send("OPTIONS", f"{here.url}/", None, {"origin": PAGE}).status == 403
