"""Builders for the tests of the laptop's table: moto, a client, and items."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws

from functions.local_table import LocalTable, open_table

NAME = "runhaven"
PATIENT = Config(account_id_endpoint_mode="disabled", retries={"total_max_attempts": 1})


@functools.cache
def service(name: str, config: Config = PATIENT, **more: Any) -> Any:
    """A botocore client, made once."""
    return botocore.session.get_session().create_client(
        name, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b", config=config, **more
    )


def key(sk: str, pk: str = "p") -> dict[str, Any]:
    """A key as DynamoDB takes it."""
    return {"PK": {"S": pk}, "SK": {"S": sk}}


def number(value: float) -> dict[str, str]:
    """A number as DynamoDB takes it."""
    return {"N": str(value)}


class Desk(NamedTuple):
    """An open table and a client to it, with short words for the long calls."""

    client: Any
    table: LocalTable

    def put(self, sk: str, pk: str = "p", /, **attributes: Any) -> Any:
        """Put an item without conditions."""
        return self.client.put_item(TableName=NAME, Item={**key(sk, pk), **attributes})

    def get(self, sk: str, pk: str = "p") -> Any:
        """An item, or None."""
        return self.client.get_item(TableName=NAME, Key=key(sk, pk), ConsistentRead=True).get("Item")

    def add(self, sk: str, amount: int = 1) -> Any:
        """Add to an item's `n`."""
        return self.client.update_item(TableName=NAME, Key=key(sk), **added(amount))

    def query(self, pk: str = "p", condition: str = "", /, values: Any = None, **more: Any) -> Any:
        """One page of a partition."""
        return self.client.query(
            TableName=NAME,
            KeyConditionExpression="PK = :p" + condition,
            ExpressionAttributeValues={":p": {"S": pk}, **(values or {})},
            **more,
        )

    def transact(self, *writes: tuple[str, dict[str, Any]], **more: Any) -> Any:
        """A transaction of (kind, arguments)."""
        items = [{kind: {"TableName": NAME, **asked}} for kind, asked in writes]
        return self.client.transact_write_items(TransactItems=items, **more)


def added(amount: int) -> dict[str, Any]:
    """The update that adds to `n`."""
    return {"UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": number(amount)}}


@contextmanager
def desk(directory: Path | None = None) -> Iterator[Desk]:
    """A table on a moto of its own, kept in the directory."""
    with mock_aws():
        client = service("dynamodb")
        with open_table(client, NAME, directory) as table:
            yield Desk(client, table)


def refusal(work: Callable[[], object]) -> dict[str, Any]:
    """What DynamoDB answers to a call that it refuses; {} where it does not."""
    try:
        work()
    except ClientError as error:
        return error.response
    return {}
