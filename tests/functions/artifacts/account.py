"""A team's AWS account before a real S3 server: the trust, the role and the owner that the server lacks."""

import http.client
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import botocore.session

from tests import engines

CREDENTIALS = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<Credentials><AccessKeyId>{AccessKeyId}</AccessKeyId><SecretAccessKey>{SecretAccessKey}</SecretAccessKey>
<SessionToken>{SessionToken}</SessionToken><Expiration>{Expiration:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""
DENIED = "<Error><Code>AccessDenied</Code><Message>not authorized</Message></Error>"


class Account(ThreadingHTTPServer):
    """One account with one bucket and one role, as its team has set it up, well or badly.

    Attributes:
        number: the account's.
        role: what the role may, as a policy.
        trusted: whether an ExternalId (None where none is shown) lets the house in.
        down: whether AWS answers at all.
    """

    daemon_threads = True

    def __init__(self, server, number):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.number, self.down = number, False
        self.role, self.trusted = {"Statement": []}, lambda _shown: False
        self.behind = urlsplit(server).netloc
        user, secret = engines.MINIO_USER.values()
        self.sts = botocore.session.get_session().create_client(
            "sts",
            region_name="us-east-1",
            endpoint_url=server,
            aws_access_key_id=user,
            aws_secret_access_key=secret,
        )

    def session(self, given):
        """The credentials of a new session: what the role may, and no more than the session's policy says."""
        rules = json.loads(given["Policy"][0])["Statement"] if "Policy" in given else self.role["Statement"]
        mine = {action for rule in self.role["Statement"] for action in rule["Action"]}
        kept = [{**rule, "Action": [each for each in rule["Action"] if each in mine]} for rule in rules]
        policy = {"Version": "2012-10-17", "Statement": [rule for rule in kept if rule["Action"]]}
        told = {"RoleArn": given["RoleArn"][0], "RoleSessionName": given["RoleSessionName"][0]}
        return self.sts.assume_role(**told, DurationSeconds=3600, Policy=json.dumps(policy))["Credentials"]


class Handler(BaseHTTPRequestHandler):
    """Answers for STS, and hands everything else on to the server behind."""

    server: Account
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Say nothing."""

    def answer(self):
        """One request."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.server.down:
            self.tell(503, b"<Error><Code>ServiceUnavailable</Code></Error>")
        elif self.command == "POST" and self.path == "/":
            given = parse_qs(body.decode())
            if self.server.trusted(given.get("ExternalId", [None])[0]):
                self.tell(200, CREDENTIALS.format(**self.server.session(given)).encode())
            else:
                self.tell(403, f"<ErrorResponse>{DENIED}</ErrorResponse>".encode())
        elif self.headers.get("x-amz-expected-bucket-owner", self.server.number) != self.server.number:
            self.tell(403, DENIED.encode())
        else:
            self.hand_on(body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815

    def hand_on(self, body):
        """Ask the server behind the same, under the name that was signed."""
        there = http.client.HTTPConnection(self.server.behind, timeout=20)
        there.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in {"expect", "connection"}:
                there.putheader(name, value)
        there.endheaders(body or None)
        said = there.getresponse()
        self.tell(said.status, said.read(), said.getheaders())
        there.close()

    def tell(self, status, body, headers=(("Content-Type", "text/xml"),)):
        """Answer."""
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def opened(*args):
    """An account that answers until the context ends."""
    with Account(*args) as account:
        thread = threading.Thread(target=account.serve_forever, daemon=True)
        thread.start()
        yield account
        account.shutdown()
        thread.join()
