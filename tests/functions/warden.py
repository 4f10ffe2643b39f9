"""IAM before the table: reads from what is really sent as whom each call comes, and which keys it touches.

moto judges no leading keys. So every request to DynamoDB is stopped before it leaves the process: the access
key in its signature says whose it is, its body which partitions it touches, and `keys.json`, from which the
module makes its policies, whether that is allowed.
"""

import json
import re
from pathlib import Path
from urllib.parse import parse_qs

from botocore.awsrequest import AWSResponse

from functions import roles, table
from tests.functions.artifacts.weather import Raw, body

KEYS = Path(__file__).parents[2] / "infra/modules/control_plane/keys.json"
TAG = "${aws:PrincipalTag/team}"


def touched(target, asked):
    """The actions of a request, as IAM names them, each with a partition."""
    operation = target.rpartition(".")[2]
    if operation == "TransactWriteItems":
        for write in asked["TransactItems"]:
            for kind, said in write.items():
                yield f"{kind}Item", (said.get("Item") or said["Key"])["PK"]["S"]
    elif operation == "BatchGetItem":
        for said in asked["RequestItems"].values():
            yield from ((operation, key["PK"]["S"]) for key in said["Keys"])
    elif operation == "BatchWriteItem":
        for said in asked["RequestItems"].values():
            for each in said:
                ((kind, one),) = each.items()
                yield operation, (one["Item"] if kind == "PutRequest" else one["Key"])["PK"]["S"]
    elif operation == "Query":
        yield operation, asked["ExpressionAttributeValues"][":p"]["S"]
    else:
        yield operation, (asked.get("Item") or asked.get("Key") or {"PK": {"S": "?"}})["PK"]["S"]


def pattern(partition, team):
    """A partition as policies spell it."""
    if team is not None and partition == f"T#{team}":
        return f"T#{TAG}"
    if team is not None and partition.startswith(f"T#{team}#"):
        return f"T#{TAG}#*"
    kind, found, _ = partition.partition("#")
    return f"{kind}#*" if found and kind != "T" else partition


class Warden:
    """Stands before the clients of this process.

    Attributes:
        seen: every (who, action, leading key) that came by, the key as policies spell it.
        refused: what was not allowed.
        asked_sts: how often a role was assumed.
    """

    def __init__(self, house, allowed=None):
        self.house, self.allowed = house, allowed
        self.seen, self.refused, self.teams, self.asked_sts = set(), [], {}, 0
        self.trips = []
        table.client().meta.events.register_first("before-send.dynamodb", self.judge)
        roles.client().meta.events.register("before-send.sts.AssumeRole", self.ask)
        roles.client().meta.events.register("after-call.sts.AssumeRole", self.give)

    def ask(self, request, **_):
        """Remember with which tag a session was asked for, by its name."""
        said = parse_qs(body(request))
        self.asked_sts += 1
        if "Tags.member.1.Value" in said:
            self.teams[said["RoleSessionName"][0]] = said["Tags.member.1.Value"][0]

    def give(self, parsed, **_):
        """Remember whose credentials were given."""
        name = parsed["AssumedRoleUser"]["Arn"].rpartition("/")[2]
        if name in self.teams:
            self.teams[parsed["Credentials"]["AccessKeyId"]] = self.teams[name]

    def judge(self, request, **_):
        """Note a call, and refuse it where `keys.json` does not allow it."""
        signed = request.headers["Authorization"]
        signed = signed.decode() if isinstance(signed, bytes) else signed
        target = request.headers["X-Amz-Target"]
        target = target.decode() if isinstance(target, bytes) else target
        team = self.teams.get(re.search(r"Credential=([^/]+)/", signed)[1])
        who = self.house.at_work if team is None else "data"
        self.trips.append(target.rpartition(".")[2])
        for action, partition in touched(target, json.loads(body(request))):
            if who == "DynamoDB":
                continue
            one = (who, action, pattern(partition, team))
            self.seen.add(one)
            if self.allowed is not None and one[2] not in self.allowed.get(who, {}).get(action, ()):
                self.refused.append(one)
                return self.answer("AccessDeniedException", f"not authorized: {one}")
        return None

    @staticmethod
    def answer(code, words=""):
        """What DynamoDB says instead."""
        said = json.dumps({"__type": code, "Message": words}).encode()
        return AWSResponse("https://dynamodb", 400, {}, Raw(said))


def as_keys(seen):
    """What came by, in the shape of `keys.json`."""
    told = {"api": {}, "stream": {}, "jobs": {}, "data": {}}
    for who, action, key in sorted(seen):
        told.setdefault(who, {}).setdefault(action, []).append(key)
    return told
