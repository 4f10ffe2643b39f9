"""What a table that was brought back says that is so no more: who may come in, and which files are held."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

# Gives a client of DynamoDB whose keys have not ended: a restore may take hours.
Client = Callable[[], Any]
# Of what lets somebody in, so many lines are shown.
SHOWN = 50
# Writes at once: a new table takes 4,000 a second, and each takes some milliseconds.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
WRITERS = 8

# The keys are those of functions/table.py: tokens, users, members, vaults.
_ACCESS = {
    "FilterExpression": (
        "begins_with(PK, :key) OR begins_with(PK, :user) OR begins_with(SK, :member) OR SK = :vault"
    ),
    "ExpressionAttributeValues": {
        ":key": {"S": "KEY#"},
        ":user": {"S": "USER#"},
        ":member": {"S": "U#"},
        ":vault": {"S": "VAULT"},
    },
}
# Content of which the table says that a vault has it: functions/artifacts/items.py.
_HELD = {
    "FilterExpression": (
        "begins_with(PK, :team) AND contains(PK, :content) AND SK = :meta AND #state IN (:held, :doubted)"
        " AND (attribute_not_exists(unproved) OR unproved = :no)"
    ),
    "ExpressionAttributeNames": {"#state": "state"},
    "ExpressionAttributeValues": {
        ":team": {"S": "T#"},
        ":content": {"S": "#F#"},
        ":meta": {"S": "META"},
        ":held": {"S": "held"},
        ":doubted": {"S": "doubted"},
        ":no": {"BOOL": False},
    },
    "ProjectionExpression": "PK, SK",
}


def scanned(client: Client, name: str, **wanted: Any) -> Iterator[dict[str, Any]]:
    """The pages of a table, for as many hours as it takes."""
    place: dict[str, Any] = {}
    while True:
        page = client().scan(TableName=name, **wanted, **place)
        yield page
        if not page.get("LastEvaluatedKey"):
            return
        place = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


class Seen(NamedTuple):
    """What a table was seen to have: how many items, and whom they let in, in words."""

    items: int
    let_in: set[str]


def looked_through(client: Client, name: str) -> Seen:
    """What a table has, all of it counted."""
    count = 0
    found: set[str] = set()
    for page in scanned(client, name, **_ACCESS):
        count += int(page["ScannedCount"])
        found |= {words for item in page["Items"] if (words := let_in(item))}
    return Seen(count, found)


def let_in(item: dict[str, Any]) -> str:
    """Whom an item lets in, in words that may be shown; "" where it lets nobody in.

    Of a token it is the id, never the key: that is the hash of a secret.
    """
    said = {name: str(next(iter(typed.values()))) for name, typed in item.items()}
    kind, _, name = said["PK"].partition("#")
    if kind == "KEY":
        team = f" in team {said['team']}" if "team" in said else ""
        return f"token {said['token_id']} {said['name']!r} of {said['user']}{team}"
    if kind == "USER" and said["SK"] == "META" and said.get("deployment"):
        return f"{name} {said.get('email', '')} is {said['deployment']} of the deployment"
    if kind == "T" and "#" not in name and said["SK"].startswith("U#"):
        since = datetime.fromtimestamp(int(said["since"]) / 1000, UTC).isoformat(timespec="seconds")
        user = f"{said['SK'].removeprefix('U#')} {said.get('email', '')}"
        return f"{user} is {said['role']} of team {name} since {since}"
    if kind == "T" and said["SK"] == "VAULT" and said.get("role_arn"):
        return f"the vault of team {name} is entered as {said['role_arn']}"
    return ""


def show_again(now: set[str], then: set[str]) -> None:
    """Say what the new table lets in and the old one does not, or not so, any more."""
    again = sorted(then - now)
    if not again:
        return
    print(f"{len(again)} of those whom the new table lets in are not so in the old one; revoke again:")
    print("\n".join(f"  {words}" for words in again[:SHOWN]))
    if len(again) > SHOWN:
        print(f"  and {len(again) - SHOWN} more")


def doubt_content(client: Client, name: str) -> int:
    """Mark all content as unproved, so that the house asks for the bytes before it believes to have them.

    What was purged since that moment is gone from the vaults, whatever the table says. Gives how many items
    were marked now; it may be done again.
    """
    found = 0
    with ThreadPoolExecutor(WRITERS) as writers:
        for page in scanned(client, name, **_HELD):
            found += sum(writers.map(partial(_doubt, client(), name), page["Items"]))
    return found


def _doubt(client: Any, table: str, key: dict[str, Any]) -> int:
    wanted = {
        "UpdateExpression": "SET unproved = :yes",
        "ExpressionAttributeValues": {":yes": {"BOOL": True}},
    }
    try:
        client.update_item(TableName=table, Key=key, ConditionExpression="attribute_exists(PK)", **wanted)
    except client.exceptions.ConditionalCheckFailedException:
        return 0
    return 1
