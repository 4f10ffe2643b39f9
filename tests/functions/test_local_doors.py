"""The laptop's house over real HTTP: what a page in a browser, or a curious neighbour, gets out of it."""

import re
import secrets
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx
import pytest

from functions import app

SEARCH, CREATE = "/api/2.0/mlflow/experiments/search", "/api/2.0/mlflow/experiments/create"
LISTEN = "0A"  # as Linux writes it: https://docs.kernel.org/networking/proc_net_tcp.html


@pytest.fixture(params=["open", "closed"])
def door(request):
    """A client of a house with or without credentials, who would be let in, and the house's process."""
    process = request.getfixturevalue(f"{request.param}_process")
    known = process.credentials()["teams"]["red"]["owner"] if request.param == "closed" else None
    headers = {"Authorization": f"Bearer {known}"} if known else {}
    with httpx.Client(base_url=process.url, headers=headers, timeout=30) as client:
        yield SimpleNamespace(process=process, client=client, port=urlsplit(process.url).port)


def names(door):
    """The experiments that are there."""
    found = door.client.post(SEARCH, json={"max_results": 1000}).json()["experiments"]
    return {each["name"] for each in found}


def is_silent(answer):
    """Whether an answer tells a browser nothing that lets a page read it."""
    return not [name for name in answer.headers if name.lower().startswith("access-control-")]


FOREIGN = {
    "a page": {"Origin": "https://evil.example"},
    "a sandboxed page": {"Origin": "null"},
    "no origin at all": {"Origin": ""},
    "another port": {"Origin": "http://127.0.0.1:{other}"},
    "another scheme": {"Origin": "https://127.0.0.1:{port}"},
    "a longer name": {"Origin": "http://127.0.0.1:{port}.evil.example"},
    "two origins": {"Origin": "http://127.0.0.1:{port} https://evil.example"},
    "an image or a form": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    "a page of another port": {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    "a name that leads here": {"Host": "evil.example:{port}"},
    "a name and its own page": {"Host": "evil.example:{port}", "Origin": "http://evil.example:{port}"},
    "a name that looks local": {"Host": "127.0.0.1.evil.example:{port}"},
    "any address": {"Host": "0.0.0.0:{port}"},
    "no name": {"Host": ""},
}
# What a form can send without a preflight.
SIMPLE = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


@pytest.mark.parametrize("how", FOREIGN.values(), ids=FOREIGN)
def test_another_origin_gets_nothing(door, how):
    """A foreign page, also one that rebinds its name, can neither ask, read, write nor reset."""
    headers = {name: text.format(port=door.port, other=door.port + 1) for name, text in how.items()}
    wanted = f"foreign {secrets.token_hex(6)}"
    body = f'{{"name": "{wanted}"}}'
    answers = [
        door.client.options(CREATE, headers={**headers, **PREFLIGHT}),
        door.client.post(CREATE, json={"name": wanted}, headers=headers),
        *(
            door.client.post(CREATE, content=body, headers={**headers, "Content-Type": kind})
            for kind in SIMPLE
        ),
        door.client.post("/v1/experiments", content=body, headers={**headers, "Content-Type": SIMPLE[0]}),
        door.client.get(SEARCH, params={"max_results": 5}, headers=headers),
        door.client.get("/", headers=headers),
        door.client.get("/v1/openapi.json", headers=headers),
        door.client.post("/moto-api/reset", headers=headers),
        door.client.delete("/v1/experiments/0", headers=headers),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert all(is_silent(answer) for answer in answers)
    assert wanted not in names(door)


def test_its_own_pages_are_at_home(door):
    """Under each of its names the house answers its own pages, and says no word of CORS to them either."""
    for name in ("127.0.0.1", "localhost", "[::1]"):
        own = f"{name}:{door.port}"
        for headers in ({"Host": own}, {"Host": own, "Origin": f"http://{own}"}):
            answer = door.client.post(SEARCH, json={"max_results": 1}, headers=headers)
            assert (answer.status_code, is_silent(answer)) == (200, True)


def test_each_name_leads_to_the_house(door):
    """At 127.0.0.1, at localhost and at ::1 it is the same house that answers."""
    for name in ("127.0.0.1", "localhost", *(["[::1]"] if has_v6() else [])):
        assert httpx.get(f"http://{name}:{door.port}/health").text == "OK"


def has_v6():
    """Whether this machine has a loopback of version 6."""
    return Path("/proc/net/if_inet6").exists() and " lo\n" in Path("/proc/net/if_inet6").read_text()


def targets():
    """How each AWS service that moto plays would be asked."""
    cognito, streams = "AWSCognitoIdentityProviderService", "DynamoDBStreams_20120810"
    for name in ("DynamoDB_20120810.ListTables", f"{streams}.ListStreams", f"{cognito}.ListUserPools"):
        yield {"X-Amz-Target": name, "Content-Type": "application/x-amz-json-1.0"}, b'{"MaxResults": 5}'
    yield (
        {"Content-Type": "application/x-www-form-urlencoded"},
        b"Action=GetCallerIdentity&Version=2011-06-15",
    )


def test_no_service_of_aws_answers(door):
    """Neither moto's own doors nor S3, DynamoDB, Cognito and STS are to be had at the house's port."""
    before = names(door)
    asked = [
        *(("POST", f"/moto-api/{word}") for word in ("reset", "reset-auth", "state-manager/set-transition")),
        *(("GET", f"/moto-api{word}") for word in ("", "/", "/data.json", "/recorder/download-recording")),
        *(("GET", path) for path in ("/bucket", "/bucket/key", "/?list-type=2", "/_aws/execute-api")),
        *(("PUT", path) for path in ("/bucket", "/bucket/key?X-Amz-Signature=0")),
        *(("GET", f"/eu-central-1_{word}/.well-known/jwks.json") for word in ("pool", "000000000")),
        ("DELETE", "/bucket/key"),
    ]
    for method, path in asked:
        answer = door.client.request(method, path)
        said = f"{method} {path}: {answer.status_code}"
        assert answer.status_code in {404, 405} or path == "/?list-type=2", said
        assert "amz" not in str(answer.headers).lower(), said
        assert not re.search("<Error>|ListBucket|UserPool|Moto", answer.text), said
    for headers, body in targets():
        answer = door.client.post("/", headers=headers, content=body)
        assert (answer.status_code, answer.json()["error_code"]) == (405, "BAD_REQUEST")
        for service in ("dynamodb", "s3", "sts", "cognito-idp", "motoapi"):
            named = {**headers, "Host": f"{service}.eu-central-1.amazonaws.com"}
            assert door.client.post("/", headers=named, content=body).status_code == 403
    assert names(door) == before


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells which process listens")
def test_nothing_else_listens(door):
    """The process listens on loopback only: at its own port and at that of objects."""
    names(door)
    assert door.client.get("/v1/teams").status_code == 200
    found = listening(door.process.process.pid) - {("tcp6", "0" * 24 + "01000000", door.port)}
    assert ("tcp", "0100007F", door.port) in found
    ((protocol, address, port),) = found - {("tcp", "0100007F", door.port)}
    assert (protocol, address) == ("tcp", "0100007F")
    assert "<Code>AccessDenied</Code>" in httpx.get(f"http://127.0.0.1:{port}/").text


def listening(pid):
    """What sockets of a process others can send to: protocol, address and port."""
    opened = (str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir())
    mine = {match[1] for each in opened if (match := re.match(r"socket:\[(\d+)\]", each))}
    found = set()
    for protocol in ("tcp", "tcp6", "udp", "udp6"):
        table = Path(f"/proc/{pid}/net/{protocol}")
        rows = [line.split() for line in table.read_text().splitlines()[1:]] if table.exists() else []
        for _, local, _, state, *_, inode in (row[:10] for row in rows):
            if inode in mine and (state == LISTEN or protocol.startswith("udp")):
                address, port = local.split(":")
                found.add((protocol, address, int(port, 16)))
    return found


def test_every_other_route_asks_who_calls(closed_process):
    """With credentials demanded, each route but the open ones answers 401 to nobody and to a forged token."""
    served = {(method, re.sub(r"\{[^}]*\}", "1", path)) for method, path, _ in app.every_route(app.build())}
    assert len(served) > 100
    with httpx.Client(base_url=closed_process.url, timeout=30) as client:
        for method, path in sorted(served):
            for headers in ({}, {"Authorization": "Bearer rh_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}):
                for prefix in ("", "/t/red"):
                    status = client.request(method, prefix + path, headers=headers).status_code
                    assert (status == 200) == (path in app.OPEN), f"{method} {prefix}{path}: {status}"
                    assert status in {200, 401}, f"{method} {prefix}{path}: {status}"
        assert client.get("/nowhere").status_code == 401
