"""The laptop's stand-in for Lambda's stream trigger: reads the table's stream and calls the same door."""

import threading
from collections.abc import Iterator
from typing import Any

import botocore.config
import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from functions import table, telemetry
from functions.handlers import stream
from functions.metrics import reactions
from functions.settings import settings

_PAUSE_SECONDS = 0.5
_BATCH = 100


class Jobs:
    """A thread that follows the table's stream; `close` lets it end what it has begun."""

    def __init__(self, *, sweep: bool) -> None:
        """Begin at the stream's end.

        Args:
            sweep: first settle what an earlier process left due, because it was killed or another one wrote it.
        """
        self._sweep = sweep
        # In process, botocore would send the stream's calls to an account's own endpoint, which moto does not serve.
        # Its own check of parameters goes by AWS's shard ids, which are longer than other engines'.
        config = botocore.config.Config(
            account_id_endpoint_mode="disabled", parameter_validation=False, retries={"total_max_attempts": 2}
        )
        chosen = settings()
        self._client: Any = botocore.session.get_session().create_client(
            "dynamodbstreams",
            region_name=chosen.region,
            endpoint_url=chosen.dynamodb_url or None,
            config=config,
        )
        self._arn = table.client().describe_table(TableName=chosen.table)["Table"].get("LatestStreamArn")
        self._iterators: dict[str, str | None] = {}
        self._end = threading.Event()
        self._follow("LATEST")
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take what the stream still holds, and stop."""
        self._end.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        if self._sweep:
            self._safely(self._settle_what_is_due)
        while not self._end.wait(_PAUSE_SECONDS):
            self._safely(self._step)
        self._safely(self._step)

    def _safely(self, work: Any) -> None:
        try:
            work()
        except (ClientError, BotoCoreError):
            telemetry.failure("the table's stream could not be read")

    def _settle_what_is_due(self) -> None:
        for head in self._due():
            if self._end.is_set():
                return
            reactions.on_change(None, head)

    def _due(self) -> Iterator[table.Raw]:
        asked: dict[str, Any] = {
            "TableName": settings().table,
            "FilterExpression": "attribute_exists(due)",
            "ProjectionExpression": "PK, SK, due",
        }
        while True:
            answer = table.client().scan(**asked)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            asked["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _step(self) -> None:
        self._follow("TRIM_HORIZON")
        for shard, iterator in list(self._iterators.items()):
            while iterator is not None:
                answer = self._client.get_records(ShardIterator=iterator, Limit=_BATCH)
                iterator = self._iterators[shard] = answer.get("NextShardIterator")
                if not answer["Records"]:
                    break
                stream.handler({"Records": [_as_lambda_sees(one) for one in answer["Records"]]}, None)

    def _follow(self, beginning: str) -> None:
        """Open the shards that are not followed yet."""
        for shard in self._client.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"]:
            name = shard["ShardId"]
            if name not in self._iterators:
                opened = self._client.get_shard_iterator(
                    StreamArn=self._arn, ShardId=name, ShardIteratorType=beginning
                )
                self._iterators[name] = opened["ShardIterator"]


def _as_lambda_sees(record: dict[str, Any]) -> dict[str, Any]:
    """A record without the date, which Lambda's JSON gives as a number and no reaction looks at."""
    change = {key: value for key, value in record["dynamodb"].items() if key != "ApproximateCreationDateTime"}
    return {**record, "dynamodb": change}
