"""A deployment as AWS runs it, on moto: functions that get events only, a stream and a queue between."""

import json
from base64 import b64decode, b64encode
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import botocore.session
from botocore.config import Config

from functions import settings, table
from functions.access.memory import MEMORY
from functions.artifacts import sessions
from functions.handlers import api, jobs, stream
from tests.functions.artifacts import scene, towns

DATA_ROLE = "arn:aws:iam::123456789012:role/runhaven-data"
CONTEXT = SimpleNamespace(
    function_name="runhaven",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:eu-central-1:123456789012:function:runhaven",
    aws_request_id="52fdfc07-2182-154f-163f-5f0f9a621d72",
)


def event(method, path, *, token=None, body=None, query="", source="192.0.2.1", **headers):
    """A request as API Gateway's payload format 2.0 has it; bytes as a body are base64 there."""
    headers = {"host": "127.0.0.1", "content-type": "application/json", **headers}
    headers |= {"authorization": f"Bearer {token}"} if token else {}
    sent = {}
    if isinstance(body, bytes):
        sent = {"body": b64encode(body).decode(), "isBase64Encoded": True}
    elif body is not None:
        sent = {"body": json.dumps(body)}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": source},
            "stage": "$default",
        },
        "isBase64Encoded": False,
        **sent,
    }


def client(service):
    """A client of what stands around the functions."""
    config = Config(account_id_endpoint_mode="disabled", parameter_validation=False)
    return botocore.session.get_session().create_client(service, region_name=towns.REGION, config=config)


class Deployment:
    """The functions, and what brings them their events.

    Attributes:
        at_work: which function runs at this moment, or that DynamoDB does something by itself.
        messages: the bodies of all messages that the queue has brought.
    """

    def __init__(self, queue):
        self.queue, self.at_work, self.messages = queue, "", []
        self.sqs, self.streams = client("sqs"), client("dynamodbstreams")
        arn = table.client().describe_table(TableName="runhaven")["Table"]["LatestStreamArn"]
        shard = self.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
        at = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "LATEST"}
        self.place = self.streams.get_shard_iterator(**at)["ShardIterator"]

    def call(self, method, path, **sent):
        """The status of an answer and its JSON, or its body where it is none."""
        self.at_work = "api"
        answer = api.handler(event(method, path, **sent), CONTEXT)
        body = answer.get("body", "")
        body = b64decode(body) if answer.get("isBase64Encoded") else body
        try:
            return answer["statusCode"], json.loads(body)
        except ValueError:
            return answer["statusCode"], body

    def changes(self):
        """What has changed in the table since, as Lambda gives it to the stream's function."""
        got = self.streams.get_records(ShardIterator=self.place, Limit=1000)
        self.place = got["NextShardIterator"]
        return [json.loads(json.dumps(each, default=_plain)) for each in got["Records"]]

    def follow(self):
        """Bring the stream's function what has changed; gives the sequence numbers of what failed."""
        records, self.at_work = self.changes(), "stream"
        answer = stream.handler({"Records": records}, CONTEXT) if records else {"batchItemFailures": []}
        return [each["itemIdentifier"] for each in answer["batchItemFailures"]]

    def waiting(self):
        """The messages that the queue would bring now, as Lambda gives them to the jobs' function."""
        got = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [
            message(each["Body"], each["MessageId"], each["ReceiptHandle"])
            for each in got.get("Messages", ())
        ]

    def work(self):
        """Bring the jobs' function all messages that wait now; gives those that failed, which stay."""
        records, self.at_work = self.waiting(), "jobs"
        self.messages += [each["body"] for each in records]
        answer = jobs.handler({"Records": records}, CONTEXT) if records else {"batchItemFailures": []}
        failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        for each in records:
            if each["messageId"] not in failed:
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=each["receiptHandle"])
        return failed

    def expire(self):
        """The time passes after which DynamoDB deletes what has a time to live."""
        self.at_work = "DynamoDB"
        for item in table.client().scan(TableName="runhaven")["Items"]:
            if "ttl" in item:
                table.client().delete_item(TableName="runhaven", Key={"PK": item["PK"], "SK": item["SK"]})

    def settle(self):
        """Let stream and queue run until both are empty."""
        while self.follow() or self.waiting():
            assert self.work() == set()


def message(body, number="19dd0b57-b21e-4ac1-bd88-01bbb068cb78", receipt="handle"):
    """A message as Lambda gives it."""
    return {
        "messageId": number,
        "receiptHandle": receipt,
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:jobs",
        "awsRegion": towns.REGION,
    }


@contextmanager
def opened(**more):
    """A deployment with an empty table and a queue; *more* are settings."""
    with scene.opened():
        at_once = {"DelaySeconds": "0"}
        queue = client("sqs").create_queue(QueueName="jobs", Attributes=at_once)["QueueUrl"]
        settings.use(replace(settings.settings(), jobs_queue=queue, **more))
        api._door.cache_clear()
        for forget in (MEMORY.forget, sessions.forget, table.forget_clients):
            forget()
        yield Deployment(queue)
        api._door.cache_clear()


def _plain(value):
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return value.timestamp()
