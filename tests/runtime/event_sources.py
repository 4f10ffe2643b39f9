"""What Lambda's event source mappings do: they read a stream or a queue and call a function with what came.

The events' shapes are those of https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html and
.../with-sqs.html, what follows a partial failure is that of .../services-ddb-batchfailurereporting.html, and
which changes come at all that of .../invocation-eventfiltering.html.
"""

import base64
from dataclasses import dataclass, field
from typing import Any

from tests.runtime.stack import PLATFORM, REGION, Stack


def passes(pattern: Any, told: Any) -> bool:
    """Whether a filter's pattern lets an event through; of Lambda's rules it knows those that ours use."""
    if isinstance(pattern, dict):
        return isinstance(told, dict) and all(passes(each, told.get(name)) for name, each in pattern.items())
    return any(_holds(rule, told) for rule in pattern)


def _holds(rule: Any, told: Any) -> bool:
    match rule:
        case str():
            return told == rule
        case {"exists": bool(wanted)}:  # it looks at leaves alone
            return (told is not None and not isinstance(told, dict)) == wanted
        case {"prefix": str(begin)}:
            return isinstance(told, str) and told.startswith(begin)
        case {"suffix": str(end)}:
            return isinstance(told, str) and told.endswith(end)
    message = f"no rule of a filter that is known here: {rule}"
    raise ValueError(message)


@dataclass
class Stream:
    """The table's stream before the function `stream`.

    Attributes:
        stack: the deployment.
        waiting: what comes again: of the last batch all from the first change on that failed.
        after: the sequence number that was read last.
    """

    stack: Stack
    waiting: list[dict[str, Any]] = field(default_factory=list)
    after: str = ""

    def arrived(self) -> list[dict[str, Any]]:
        """The records that came since the last look, as Lambda writes them."""
        streams = self.stack.cloud.client("dynamodbstreams")
        arn = streams.list_streams(TableName=self.stack.environment["RUNHAVEN_TABLE"])["Streams"][0][
            "StreamArn"
        ]
        shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
        begin = {"ShardIteratorType": "TRIM_HORIZON"}
        if self.after:
            begin = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self.after}
        at = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, **begin)["ShardIterator"]
        found = streams.get_records(ShardIterator=at, Limit=1000)["Records"]
        if found:
            self.after = found[-1]["dynamodb"]["SequenceNumber"]
        return [_record(each, arn) for each in found]

    def pump(self, extra: tuple[dict[str, Any], ...] = ()) -> list[str]:
        """Call the function with what comes again, and with what came and passes the filters.

        Gives the sequence numbers that it failed.
        """
        patterns = self.stack.filters()
        came = [each for each in (*extra, *self.arrived()) if any(passes(one, each) for one in patterns)]
        batch = sorted([*self.waiting, *came], key=_number)
        if not batch:
            return []
        answer = self.stack.functions["stream"].invoke({"Records": batch})
        failed = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
        lowest = min(map(int, failed), default=None)
        self.waiting = [] if lowest is None else [each for each in batch if _number(each) >= lowest]
        return failed


@dataclass
class Queue:
    """The queue of jobs before the function `jobs`; a failed message is seen again."""

    stack: Stack

    def send(self, body: str) -> str:
        """Put a message into the queue; gives its id."""
        queue = self.stack.environment["RUNHAVEN_JOBS_QUEUE"]
        return self.stack.cloud.client("sqs").send_message(QueueUrl=self.url(queue), MessageBody=body)[
            "MessageId"
        ]

    def pump(self) -> tuple[int, list[str]]:
        """Call the function with up to ten messages; how many there were, and which failed."""
        sqs, queue = self.stack.cloud.client("sqs"), self.url(self.stack.environment["RUNHAVEN_JOBS_QUEUE"])
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, AttributeNames=["All"]).get(
            "Messages", []
        )
        if not found:
            return 0, []
        name = queue.rpartition("/")[2]
        records = [
            {
                "messageId": each["MessageId"],
                "receiptHandle": each["ReceiptHandle"],
                "body": each["Body"],
                "attributes": each["Attributes"],
                "messageAttributes": {},
                "md5OfBody": each["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{PLATFORM}:{name}",
                "awsRegion": REGION,
            }
            for each in found
        ]
        answer = self.stack.functions["jobs"].invoke({"Records": records})
        failed = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
        for each in found:
            handle = {"QueueUrl": queue, "ReceiptHandle": each["ReceiptHandle"]}
            if each["MessageId"] in failed:
                sqs.change_message_visibility(**handle, VisibilityTimeout=0)
            else:
                sqs.delete_message(**handle)
        return len(found), failed

    def url(self, queue: str) -> str:
        """The queue's address at the stand-in itself."""
        return f"{self.stack.cloud.url}/{PLATFORM}/{queue.rpartition('/')[2]}"


def _number(record: dict[str, Any]) -> int:
    return int(record["dynamodb"]["SequenceNumber"])


def _record(found: dict[str, Any], arn: str) -> dict[str, Any]:
    """A record of the stream with bytes as base64, since an event is JSON."""
    change = dict(found["dynamodb"])
    for image in {"Keys", "NewImage", "OldImage"} & set(change):
        change[image] = {
            name: {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value
            for name, value in change[image].items()
        }
    change["ApproximateCreationDateTime"] = found["dynamodb"]["ApproximateCreationDateTime"].timestamp()
    return {
        "eventID": found["eventID"],
        "eventName": found["eventName"],
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": change,
        "eventSourceARN": arn,
    }
