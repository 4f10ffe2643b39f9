"""Door for the table's stream: every change goes to the rooms' reactions.

From the earliest change that fails all come again, those that were done too. So they come in any order, and
more than once: a reaction asks for work, and that looks at the item as it is by then.
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from functions import telemetry
from functions.artifacts import reactions as artifacts
from functions.datasets import reactions as datasets
from functions.errors import HouseError
from functions.metrics import reactions as metrics

_processor = BatchProcessor(event_type=EventType.DynamoDBStreams, raise_on_entire_batch_failure=False)


def changed(record: DynamoDBRecord) -> None:
    """Tell the rooms of one change."""
    images = record.raw_event["dynamodb"]
    try:
        for room in (metrics, artifacts, datasets):
            room.on_change(images.get("OldImage"), images.get("NewImage"))
    except HouseError as error:  # the record comes again, which is all that is needed
        telemetry.logger().info("a reaction must come again", extra={"why": error.message})
        raise
    except Exception:
        telemetry.failure("a reaction failed", sequence=images.get("SequenceNumber"))
        raise


def handler(event: dict[str, Any], context: Any) -> Any:
    """Take a batch of changes; answers which of them failed."""
    return process_partial_response(
        event=event, record_handler=changed, processor=_processor, context=context
    )
