"""The laptop's stand-in for Lambda's stream trigger: reads the table's stream and calls the same door."""

import threading
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from functions import aws, table, telemetry
from functions.handlers import stream
from functions.local_folder import CannotOpen
from functions.settings import settings

_PAUSE_SECONDS = 0.5
_BATCH = 100
# A change whose reaction fails is tried again after 1, 2, 4, 8 and 16 seconds, as often as Lambda is told to.
_TRIES = 5
_CLOSE_SECONDS = 10


class Again(NamedTuple):
    """A change that waits for its next try."""

    at: float  # of the monotonic clock
    record: table.Raw
    failed: int = 0


class Jobs:
    """A thread that follows the table's stream; `close` lets it end what it has begun."""

    def __init__(self, *, sweep: bool) -> None:
        """Begin at the stream's end.

        Args:
            sweep: first do what an earlier process, or another one, has left to do.

        Raises:
            CannotOpen: the table has no stream.
        """
        self._sweep = sweep
        chosen = settings()
        # In process, botocore would send the stream's calls to an account's own endpoint, which moto does not
        # serve. Its own check of parameters goes by AWS's shard ids, which are longer than other engines'.
        self._client = aws.client(
            "dynamodbstreams",
            chosen.region,
            chosen.dynamodb_url,
            {},
            account_id_endpoint_mode="disabled",
            parameter_validation=False,
            retries={"total_max_attempts": 2},
        )
        self._arn = table.client().describe_table(TableName=chosen.table)["Table"].get("LatestStreamArn")
        if self._arn is None:
            raise CannotOpen(f"the table {chosen.table} at {chosen.dynamodb_url} has no stream.")
        self._iterators: dict[str, str | None] = {}
        self._again: list[Again] = []
        self._lost = self._given_up = False
        self._end = threading.Event()
        self._follow("LATEST")
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._thread.start()

    def close(self) -> bool:
        """Take what the stream still holds, and stop.

        Returns:
            Whether all is done; otherwise some run may still be due, and the next process should sweep.
        """
        self._end.set()
        self._thread.join(timeout=_CLOSE_SECONDS)
        unread = self._thread.is_alive() or self._lost or self._sweep
        return not (unread or self._again or self._given_up)

    def _run(self) -> None:
        while not self._end.wait(_PAUSE_SECONDS):
            self._turn()
        self._turn()

    def _turn(self) -> None:
        try:
            if self._lost:  # the engine was away: what changed meanwhile stands in the table
                self._iterators.clear()
                self._follow("LATEST")
                self._lost, self._sweep = False, True
            if self._sweep:
                self._sweep = not self._took_what_was_left()
            self._take_what_came()
            self._take_what_waits()
        except (BotoCoreError, ClientError) as error:
            if not self._lost:
                telemetry.logger().warning("the table's stream cannot be read", extra={"why": str(error)})
            self._lost = True
        except Exception:  # noqa: BLE001  (written down here; the thread lives on whatever happens)
            telemetry.failure("the table's stream was not understood")
            self._lost = True

    def _take_what_came(self) -> None:
        self._follow("TRIM_HORIZON")
        for shard in self._iterators:
            while self._iterators[shard] is not None:
                answer = self._client.get_records(ShardIterator=self._iterators[shard], Limit=_BATCH)
                self._iterators[shard] = answer.get("NextShardIterator")
                if not answer["Records"]:
                    break
                self._take([Again(0, _as_lambda_sees(one)) for one in answer["Records"]])

    def _take_what_waits(self) -> None:
        now = time.monotonic()
        ready = [one for one in self._again if one.at <= now]
        self._again = [one for one in self._again if one.at > now]
        if ready:
            self._take(ready)

    def _take(self, changes: list[Again]) -> None:
        answer = stream.handler({"Records": [one.record for one in changes]}, None)
        failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        for one in changes:
            if one.record["dynamodb"]["SequenceNumber"] not in failed:
                continue
            if one.failed == _TRIES:  # it stays due in the table
                self._given_up = True
            else:
                at = time.monotonic() + 2**one.failed
                self._again.append(Again(at, one.record, one.failed + 1))

    def _took_what_was_left(self) -> bool:
        """Settle what is due and go on with what is being purged; False where the house closes first."""
        items = self._left()
        while chosen := list(islice(items, _BATCH)):
            self._take([_swept(item) for item in chosen])
            if self._end.is_set():
                return False
        return True

    def _left(self) -> Iterator[table.Raw]:
        asked: dict[str, Any] = {
            "TableName": settings().table,
            "FilterExpression": "attribute_exists(due) OR attribute_exists(#p)",
            "ProjectionExpression": "PK, SK, due, #p",
            "ExpressionAttributeNames": {"#p": "purge"},
        }
        while True:
            answer = table.client().scan(**asked)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            asked["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _follow(self, beginning: str) -> None:
        """Open the shards that are not followed yet."""
        for shard in self._client.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"]:
            name = shard["ShardId"]
            if name not in self._iterators:
                opened = self._client.get_shard_iterator(
                    StreamArn=self._arn, ShardId=name, ShardIteratorType=beginning
                )
                self._iterators[name] = opened["ShardIterator"]


def _swept(item: table.Raw) -> Again:
    """What is left to do as if it had just been asked for."""
    number = f"{item['PK']['S']} {item['SK']['S']}"
    return Again(0, {"eventName": "MODIFY", "dynamodb": {"NewImage": item, "SequenceNumber": number}})


def _as_lambda_sees(record: dict[str, Any]) -> dict[str, Any]:
    """A record without the date, which Lambda's JSON gives as a number and no reaction looks at."""
    change = {key: value for key, value in record["dynamodb"].items() if key != "ApproximateCreationDateTime"}
    return {**record, "dynamodb": change}
