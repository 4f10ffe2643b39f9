"""What a restore takes up again, and what it leaves alone, against AWS's stand-in."""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import botocore.session
import httpx
import pytest
from moto.server import ThreadedMotoServer

from functions import aws, jobs, local_table, settings
from functions.artifacts.items import FileItem
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import _restore
import _restored
from _deployed import Caller, Deployment, sha256

REGION, ACCOUNT = "eu-central-1", "123456789012"
KEY = "AKIAIOSFODNN7EXAMPLE"
# In the place of OpenTofu: it notes what it is told, and gives the plan that lies in the folder.
PROGRAM = """#!{python}
import base64, hashlib, json, os, sys
from pathlib import Path
folder, package = Path(sys.argv[1].removeprefix("-chdir=")), os.environ.get("TF_VAR_package", "")
with (folder / "said").open("a") as out:
    print(*(word for word in sys.argv[2:4] if not word.startswith("-")), file=out)
if sys.argv[2] == "plan":
    digest = base64.b64encode(hashlib.sha256(Path(package).read_bytes()).digest()).decode()
    values = {{"source_code_hash": digest, "filename": package}}
    function = {{"address": "f", "type": "aws_lambda_function", "name": "runhaven", "values": values}}
    plan = {{"planned_values": {{"resources": [function]}}, **json.loads((folder / "more").read_text())}}
    (to,) = (word.removeprefix("-out=") for word in sys.argv if word.startswith("-out="))
    Path(to).write_text(json.dumps(plan))
if sys.argv[2] == "show":
    print(Path(sys.argv[4]).read_text())
"""


def client(service):
    """A client of the stand-in."""
    return botocore.session.get_session().create_client(service, region_name=REGION)


@pytest.fixture
def table(monkeypatch):
    """The table that serves, with its backup, as the script knows it."""
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    httpx.post(f"{url}/moto-api/reset")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody's")
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    dynamodb, before = client("dynamodb"), settings._used[:]
    local_table.create(dynamodb, "runhaven")
    backup = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName="runhaven", PointInTimeRecoverySpecification=backup)
    arn = dynamodb.describe_table(TableName="runhaven")["Table"]["TableArn"]
    yield SimpleNamespace(client=lambda: dynamodb, source={"name": "runhaven", "arn": arn, "key": "k"})
    settings._used[:] = before
    jobs.forget()
    aws.forget()
    server.stop()


def test_a_restore_goes_on(table):
    """A table that an earlier run has asked for is completed instead of asked for again."""
    for _ in range(2):
        _restore.restored(table.client, table.source, "new", None)
        _restore.completed(table.client, "new")
    known = table.client().describe_table(TableName="new")["Table"]
    assert known["StreamSpecification"]["StreamEnabled"]
    assert _restore.compared(table.client, "runhaven", "new") == (0, 0)


def test_a_table_of_others_is_left_alone(table):
    """A table that was not restored from the serving one is neither completed nor, by a drill, removed."""
    local_table.create(table.client(), "another")
    with pytest.raises(SystemExit, match="was not restored from"):
        _restore.restored(table.client, table.source, "another", None)


def test_who_comes_in_again_is_said(table, capsys):
    """What was revoked since is listed, without anything of a secret; what is as it was is not."""
    member = {"role": "owner", "since": 1_000, "email": "ann@example.org"}
    token = {"token_id": "t1", "name": "laptop", "user": "ann", "team": "red"}
    let_in = [
        ({"PK": f"KEY#{'0' * 64}", "SK": "META"}, token),
        ({"PK": f"KEY#{'1' * 64}", "SK": "META"}, {**token, "token_id": "t2"}),
        ({"PK": "T#red", "SK": "U#ann"}, member),
        ({"PK": "T#red", "SK": "U#bob"}, member),
        ({"PK": "T#red", "SK": "VAULT"}, {"role_arn": "arn:aws:iam::1:role/old"}),
        ({"PK": "USER#ann", "SK": "META"}, {"deployment": "admin"}),
        ({"PK": "T#red#D#h", "SK": "U#h"}, {"ttl": 1}),
    ]
    for keys, values in let_in:
        written(table, "runhaven", keys, values)
    restored(table)
    for keys, _ in (let_in[1], let_in[3], let_in[5]):
        table.client().delete_item(TableName="runhaven", Key=raw(keys))
    written(table, "runhaven", {"PK": "T#red", "SK": "VAULT"}, {"role_arn": "arn:aws:iam::1:role/new"})
    assert _restore.compared(table.client, "runhaven", "new") == (4, 7)
    said = capsys.readouterr().out
    listed = [line.strip() for line in said.splitlines() if line.startswith("  ")]
    assert listed == [
        "ann  is admin of the deployment",
        "bob ann@example.org is owner of team red since 1970-01-01T00:00:01+00:00",
        "the vault of team red is entered as arn:aws:iam::1:role/old",
        "token t2 'laptop' of ann in team red",
    ]
    assert "1" * 64 not in said


def test_of_many_only_some_are_listed(capsys):
    """A list that nobody would read to its end is cut, and says how long it is."""
    _restored.show_again({"a"}, {"a", *map(str, range(1_000))})
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("1000 of those")
    assert len(said) == _restored.SHOWN + 2
    assert said[-1] == "  and 950 more"


def test_content_is_doubted(table):
    """What the table says to hold is to be proved again; what is on its way out, or no content, is not."""
    states = {"a": "held", "b": "doubted", "c": "doomed", "d": "gone"}
    for address, state in states.items():
        place = {"PK": f"T#red#F#{address}", "SK": "META"}
        written(table, "runhaven", place, {"state": state, "rv": 1, "size": 1})
        written(table, "runhaven", {**place, "SK": "REF#r1"}, {"state": "held"})
    for _ in range(2):
        found = _restored.doubt_content(table.client, "runhaven")
    items = table.client().scan(TableName="runhaven")["Items"]
    marked = {each["PK"]["S"][-1] for each in items if FileItem.from_raw_data(each).unproved}
    assert (marked, found) == ({"a", "b"}, 0)
    assert sum("unproved" in each for each in items) == 2


def test_what_was_proved_once_is_doubted_again(table):
    """A mark that says no is no proof of what was deleted since."""
    place = {"PK": "T#red#F#a", "SK": "META"}
    written(table, "runhaven", place, {"state": "held", "unproved": False})
    assert _restored.doubt_content(table.client, "runhaven") == 1


def written(table, name, keys, values):
    """Put an item into a table."""
    kinds = {bool: "BOOL", int: "N", str: "S"}
    typed = {each: {kinds[type(value)]: value} for each, value in values.items()}
    typed = {each: {"N": str(value["N"])} if "N" in value else value for each, value in typed.items()}
    table.client().put_item(TableName=name, Item={**raw(keys), **typed})


def raw(keys):
    """A key as DynamoDB takes it."""
    return {name: {"S": text} for name, text in keys.items()}


def restored(table):
    """Bring the table back as `new`."""
    _restore.restored(table.client, table.source, "new", None)
    _restore.completed(table.client, "new")


@pytest.fixture
def due(table, tmp_path):
    """A queue, and a deployment whose table has three jobs for it."""
    queue = client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    items = [
        ({"PK": "T#red#X#1", "SK": "R#r1~"}, "due"),
        ({"PK": "T#red#X#1", "SK": "R#r2~"}, "purge"),
        ({"PK": "T#red#D#h", "SK": "V#00000003"}, "purge"),
    ]
    for keys, mark in items:
        written(table, "runhaven", keys, {mark: 7})
    block = {"RUNHAVEN_REGION": REGION}
    made = {
        'aws_lambda_function.runhaven["api"]': {"environment": [{"variables": block}]},
        "aws_sqs_queue.jobs": {"url": queue},
    }
    return SimpleNamespace(queue=queue, deployment=Deployment(tmp_path, "", made))


def test_what_the_stream_lost_is_sent_again(table, due):
    """Runs that are due, and whatever was condemned, go to the queue, versions of datasets among them."""
    assert _restore.resumed(due.deployment, table.client, "runhaven") == 3
    found = client("sqs").receive_message(QueueUrl=due.queue, MaxNumberOfMessages=10)["Messages"]
    assert sorted(json.loads(each["Body"])["job"] for each in found) == ["drop", "purge", "settle"]


def test_a_role_is_always_assumed_by_the_caller(table, due):
    """The jobs are sent as the role, which is asked for again and again with the caller's own keys."""
    session, signed = botocore.session.get_session(), []
    session.register(
        "before-send.sts.AssumeRole", lambda request, **_: signed.append(request.headers["Authorization"])
    )
    due.deployment.caller = Caller(f"arn:aws:iam::{ACCOUNT}:role/deployer", session)
    own = dict(os.environ)
    for _ in range(2):
        assert _restore.resumed(due.deployment, table.client, "runhaven") == 3
        assert dict(os.environ) == own
    assert len(signed) == 2
    assert all(f"Credential={KEY}/".encode() in bytes(each) for each in signed)


def test_a_roles_keys_end_with_what_needs_them(monkeypatch):
    """Meanwhile the environment has the role's keys alone, and afterwards the caller's again."""
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", "2026-11-20T09:30:00Z")
    own = dict(os.environ)
    with _restore.calling_with({"aws_access_key_id": "A", "aws_session_token": "T"}):
        assert (os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SESSION_TOKEN"]) == ("A", "T")
        assert "AWS_CREDENTIAL_EXPIRATION" not in os.environ
    assert dict(os.environ) == own
    with _restore.calling_with({}):
        assert dict(os.environ) == own


class Lambda(BaseHTTPRequestHandler):
    """Lambda with one function, and where its code is fetched."""

    code: bytes
    digest: str

    def do_GET(self):
        """What is known of the function, or its zip."""
        here = f"http://{self.headers['Host']}/code.zip"
        known = {"Configuration": {"CodeSha256": self.digest}, "Code": {"Location": here}}
        body = self.code if self.path == "/code.zip" else json.dumps(known).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def applied(table, tmp_path, monkeypatch):
    """A deployment whose zip is gone from this machine, and what OpenTofu was told of it."""
    program = tmp_path / "tofu"
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    code = tmp_path / "code.zip"
    code.write_bytes(b"what serves")
    (tmp_path / "more").write_text("{}")
    here = type("Here", (Lambda,), {"code": code.read_bytes(), "digest": sha256(code)})
    monkeypatch.setenv("RUNHAVEN_TOFU", str(program))
    function = {"function_name": "runhaven-api", "filename": str(tmp_path / "gone.zip")}
    function |= {"arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:runhaven-api"}
    function |= {"environment": [{"variables": {"RUNHAVEN_REGION": REGION}}]}
    made = {_restore.ADDRESS: {"name": "runhaven"}, 'aws_lambda_function.runhaven["api"]': function}
    with ThreadingHTTPServer(("127.0.0.1", 0), here) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{server.server_port}")
        deployment = Deployment(tmp_path, "module.house.", {**made})
        yield SimpleNamespace(deployment=deployment, here=here, code=code, function=function)
        server.shutdown()


def told(folder):
    """What OpenTofu was told."""
    return (folder / "said").read_text().splitlines()


def test_a_switch_runs_the_zip_that_serves(applied, tmp_path):
    """The zip comes from Lambda where it is not on this machine, or is another by now, and is applied."""
    (tmp_path / "gone.zip").write_bytes(b"a newer one")
    _restore.switched(applied.deployment, "new")
    assert told(tmp_path) == ["state rm", "import", "plan", "show", "apply"]
    with _restore.serving_package(applied.deployment) as package:
        assert package.read_bytes() == b"what serves"


def test_a_switch_takes_the_file_that_was_applied(applied):
    """Where the file that was applied is still what serves, nothing is fetched and its path stays."""
    applied.function["filename"] = str(applied.code)
    with _restore.serving_package(applied.deployment) as package:
        assert package == applied.code


def test_code_that_is_not_what_serves_is_not_applied(applied):
    """What was fetched has to have the hash of the version that serves."""
    applied.here.code = b"something else"
    with (
        pytest.raises(SystemExit, match="has another hash"),
        _restore.serving_package(applied.deployment),
    ):
        pass


def test_a_switch_that_went_half_way_goes_on(applied, tmp_path):
    """When the state knows the new table already, nothing is imported, and the rest is applied."""
    applied.deployment.made[_restore.ADDRESS]["name"] = "new"
    _restore.switched(applied.deployment, "new")
    assert told(tmp_path) == ["plan", "show", "apply"]


def test_a_switch_deletes_no_data(applied, tmp_path):
    """A plan that would delete a table, a key or a pool is not applied."""
    change = {"address": "module.house.aws_kms_key.runhaven", "type": "aws_kms_key"}
    more = {"resource_changes": [{**change, "change": {"actions": ["delete", "create"]}}]}
    (tmp_path / "more").write_text(json.dumps(more))
    with pytest.raises(SystemExit, match=r"deletes data, but this plan would: module\.house\.aws_kms_key"):
        _restore.switched(applied.deployment, "new")
    assert "apply" not in told(tmp_path)
