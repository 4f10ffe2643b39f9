"""Tries a house that was deployed: each function as AWS calls it, and its address from here.

Only a function's own answer says that a version is broken. Who cannot see the house from where he is, or may
not come in from there, has learnt nothing about it.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from ipaddress import ip_network
from typing import Any, NamedTuple
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

# Each answer that shows that the whole house is there: open, served by the app, and closed to strangers.
TRIED = {"/health": (200, "OK"), "/version": (200, ""), "/v1/me": (401, "UNAUTHENTICATED")}
# What functions/guard.py says to everybody who comes from elsewhere.
ELSEWHERE = {"error_code": "PERMISSION_DENIED", "message": "Not allowed."}
# What Lambda says of a version that cannot run: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
BROKEN = frozenset({"InvalidRuntimeException", "InvalidZipFileException", "SnapStartException"})
TRIAL = "scripts-deploy"
# A change to which no room reacts: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
CHANGE = {
    "eventID": TRIAL,
    "eventName": "MODIFY",
    "eventVersion": "1.1",
    "eventSource": "aws:dynamodb",
    "dynamodb": {
        "Keys": {"PK": {"S": "ADMINS"}, "SK": {"S": "FIRST"}},
        "NewImage": {"PK": {"S": "ADMINS"}, "SK": {"S": "FIRST"}},
        "SequenceNumber": "1",
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    },
}
# A message that is no job, which the log says: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
MESSAGE = {
    "messageId": TRIAL,
    "receiptHandle": TRIAL,
    "body": "{}",
    "attributes": {"ApproximateReceiveCount": "1"},
    "messageAttributes": {},
    "eventSource": "aws:sqs",
}
# What comes to the functions behind the gateway's, and which of it each gives back as failed.
BATCHES: dict[str, tuple[dict[str, Any], list[str]]] = {"stream": (CHANGE, []), "jobs": (MESSAGE, [TRIAL])}
# So many wrong answers one after the other are no accident.
ENOUGH = 3


class Outcome(Enum):
    """What a trial has shown."""

    RIGHT = "it answers as it should"
    WRONG = "it answers, and not as it should"
    SILENT = "there was no answer"
    REFUSED = "it may not be tried from here"


class Trial(NamedTuple):
    """What a trial has shown, and in which words."""

    outcome: Outcome
    said: str = ""


class Answer(NamedTuple):
    """Status and body; the status is 0, and the body the reason, where nobody answered."""

    status: int
    body: str
    refused: bool = False


def event(path: str, settings: dict[str, str]) -> dict[str, Any]:
    """What API Gateway sends for a GET, from a network that the settings allow.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    host, now = settings["RUNHAVEN_HOSTS"].split(",")[0], datetime.now(UTC)
    networks = settings.get("RUNHAVEN_ALLOWED_CIDRS", "")
    source = str(ip_network(networks.split(",")[0], strict=False)[0]) if networks else "192.0.2.1"
    http = {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": source}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": host, "accept": "*/*", "user-agent": "scripts/deploy"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": host.split(".")[0],
            "domainName": host,
            "domainPrefix": host.split(".")[0],
            "http": {**http, "userAgent": "scripts/deploy"},
            "requestId": uuid4().hex,
            "routeKey": "$default",
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "isBase64Encoded": False,
    }


def called(client: Any, function: str, event: dict[str, Any]) -> Answer:
    """What the function behind the alias answers to an event; 500 where it fails."""
    try:
        given = client.invoke(FunctionName=function, Qualifier="live", Payload=json.dumps(event).encode())
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return Answer(500 if code in BROKEN else 0, str(error), refused=code == "AccessDeniedException")
    except BotoCoreError as error:
        return Answer(0, str(error))
    text = given["Payload"].read().decode("utf-8", "replace")
    return Answer(500 if given.get("FunctionError") else 200, text)


def invoked(client: Any, function: str, settings: dict[str, str], path: str) -> Answer:
    """What the API's function answers to a GET, as the gateway would tell it."""
    answer = called(client, function, event(path, settings))
    said = json.loads(answer.body) if answer.status == 200 else None
    if isinstance(said, dict) and "statusCode" in said:
        return Answer(int(said["statusCode"]), said.get("body") or "")
    return answer._replace(status=500) if answer.status == 200 else answer


def fetched(url: str, path: str) -> Answer:
    """What the address answers to a GET from here."""
    try:
        with urllib.request.urlopen(url + path, timeout=35) as answer:  # noqa: S310  (https, from the state)
            return Answer(answer.status, answer.read().decode("utf-8", "replace"))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read().decode("utf-8", "replace"))
    except OSError as error:
        return Answer(0, str(error))


def of_functions(
    client: Any, names: dict[str, str], settings: dict[str, str], seconds: float, enough: int = 0
) -> Trial:
    """Call the functions behind their alias until all answer as they should, or the time is over.

    Args:
        client: of Lambda.
        names: what the functions api, stream and jobs are called.
        settings: their environment.
        seconds: the time.
        enough: after how many wrong answers in a row no more are waited for; 0 is after none.
    """
    api = names["api"]
    asked = [
        partial(_paths, f"{api}:live, called with GET ", lambda path: invoked(client, api, settings, path)),
        *(partial(_batch, client, names[each], *batch) for each, batch in BATCHES.items()),
    ]
    return _tried(seconds, enough, asked)


def of_address(url: str, seconds: float) -> Trial:
    """Fetch from the address until it answers as it should, or the time is over."""
    return _tried(seconds, 0, [partial(_paths, f"GET {url}", partial(fetched, url))])


def _tried(seconds: float, enough: int, asked: Sequence[Callable[[], Trial]]) -> Trial:
    end, wrong = time.monotonic() + seconds, 0
    while True:
        found = _round(asked)
        wrong = wrong + 1 if found.outcome is Outcome.WRONG else 0
        over = time.monotonic() > end or (enough and wrong >= enough)
        if found.outcome in {Outcome.RIGHT, Outcome.REFUSED} or over:
            return found
        time.sleep(2)


def _round(asked: Sequence[Callable[[], Trial]]) -> Trial:
    """Ask once after the other; who is refused by one may still learn from the next."""
    seen = Trial(Outcome.RIGHT)
    for ask in asked:
        found = ask()
        if found.outcome in {Outcome.WRONG, Outcome.SILENT}:
            return found
        if found.outcome is Outcome.REFUSED and seen.outcome is Outcome.RIGHT:
            seen = found
    return seen


def _paths(whom: str, ask: Callable[[str], Answer]) -> Trial:
    for path, (status, words) in TRIED.items():
        answer = ask(path)
        if answer.status != status or words not in answer.body:
            said = f"{whom}{path} gives {answer.status} {answer.body[:300]!r}, not {status}"
            return Trial(_outcome(answer), said)
    return Trial(Outcome.RIGHT)


def _batch(client: Any, function: str, record: dict[str, Any], failed: list[str]) -> Trial:
    answer = called(client, function, {"Records": [record]})
    right = {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
    if answer.status == 200 and json.loads(answer.body) == right:
        return Trial(Outcome.RIGHT)
    said = f"{function}:live, called with a record, gives {answer.status} {answer.body[:300]!r}, not {right}"
    return Trial(_outcome(answer), said)


def _outcome(answer: Answer) -> Outcome:
    """What an answer shows that is not the one that was looked for."""
    if answer.refused:
        return Outcome.REFUSED
    if not answer.status:
        return Outcome.SILENT
    if answer.status == 403 and _is_elsewhere(answer.body):
        return Outcome.REFUSED
    return Outcome.WRONG


def _is_elsewhere(body: str) -> bool:
    """Whether a 403 is of who watches the door, the guard or a firewall, and tells nothing of the house."""
    try:
        said = json.loads(body)
    except ValueError:
        return True
    return not isinstance(said, dict) or "error_code" not in said or ELSEWHERE.items() <= said.items()
