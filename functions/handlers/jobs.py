"""Door for the jobs' queue: every message is a piece of a job; what fails comes again alone."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from functions import jobs, telemetry, tenancy
from functions.artifacts import reactions as artifacts
from functions.datasets import reactions as datasets
from functions.errors import HouseError
from functions.metrics import reactions as metrics

_processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
_works = {**metrics.JOBS, **artifacts.JOBS, **datasets.JOBS}


def due(record: SQSRecord) -> None:
    """Do a piece of one job, and give the job back if that was not the last."""
    try:
        job = jobs.read(record.body)
        with tenancy.inside(job.team):
            is_done = _works[job.what](job.team, *job.words)
        if not is_done:
            jobs.again(job)
    except HouseError as error:  # the message comes again, which is all that is needed
        telemetry.logger().info("a job must come again", extra={"why": error.message})
        raise
    except Exception:
        telemetry.failure("a job failed", message_id=record.message_id)
        raise


def handler(event: dict[str, Any], context: Any) -> Any:
    """Take a batch of messages; answers which of them failed."""
    return process_partial_response(event=event, record_handler=due, processor=_processor, context=context)
