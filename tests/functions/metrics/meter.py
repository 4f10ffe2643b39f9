"""What the table charges for a piece of work, and what the work costs beside the table."""

import time
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Barrier

from functions import table

READS = {"GetItem", "Query", "BatchGetItem", "Scan"}


@dataclass
class Bill:
    """Units as the engine answers them (moto's are constants), and CPU seconds beside the AWS calls."""

    read: float = 0
    write: float = 0
    cpu: float = 0


@contextmanager
def metered():
    """Count units and CPU of what this thread does meanwhile."""
    bill, began, inside = Bill(), time.process_time(), [0.0, 0.0]

    def ask(params, model, **_):
        params["ReturnConsumedCapacity"] = "TOTAL"
        inside[1] = time.process_time()

    def note(parsed, model, **_):
        consumed = parsed.get("ConsumedCapacity", [])
        units = sum(one["CapacityUnits"] for one in (consumed if isinstance(consumed, list) else [consumed]))
        if model.name in READS:
            bill.read += units
        else:
            bill.write += units
        inside[0] += time.process_time() - inside[1]

    events = table.client().meta.events
    events.register_first("before-parameter-build.dynamodb", ask)
    events.register_last("after-call.dynamodb", note)
    try:
        yield bill
    finally:
        bill.cpu = time.process_time() - began - inside[0]
        events.unregister("before-parameter-build.dynamodb", ask)
        events.unregister("after-call.dynamodb", note)


@contextmanager
def side_by_side(*operations):
    """Demand that these calls are under way at the same time: none is made before all of them begin."""
    meeting, waited = Barrier(len(operations)), []

    def wait(model, **_):
        if len(waited) < len(operations):
            waited.append(model.name)
            meeting.wait(timeout=60)

    events = table.client().meta.events
    events.register("before-call.dynamodb", wait)
    try:
        yield
    finally:
        events.unregister("before-call.dynamodb", wait)
    assert sorted(waited) == sorted(operations)
