"""Something that happens just before or after a call of the table: a crash, a fault, a reader, a writer."""

from contextlib import contextmanager

from botocore.awsrequest import AWSResponse

from functions import table

READS = {"GetItem", "Query", "BatchGetItem"}
WRITES = {"PutItem", "DeleteItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems"}


class Crash(Exception):
    """The process ends here."""


def at_read(number, act):
    """Call *act* once just before the n-th read from now."""
    return at_write(number, act, calls=READS)


def crash():
    """End the process."""
    raise Crash


def refused(code, status=400, **more):
    """What makes the table refuse a write with this error, as it looks after botocore's own retries."""
    told = {"Error": {"Code": code, "Message": "injected"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return lambda: (AWSResponse("", status, {}, None), told | more)


@contextmanager
def hooked(event, handler):
    """Let a handler answer one of botocore's events, before all others."""
    events = table.client().meta.events
    events.register_first(event, handler)
    try:
        yield
    finally:
        events.unregister(event, handler)


@contextmanager
def at_write(number, act, *, applied=False, calls=WRITES):
    """Call *act* once at the n-th write from now, counted from 0, before it is made or when it is applied.

    Args:
        number: which write; None means every one, before and after it.
        act: what happens then; its own writes are not counted. What it answers is the table's answer.
        applied: after the write instead of before it.
        calls: what counts as a write.

    Yields:
        How many writes came, as [before, after].
    """
    seen, busy = [0, 0], [False]

    def note(after, model):
        if model.name not in calls or busy[0]:
            return None
        mine = number is None or (seen[after] == number and bool(after) is applied)
        seen[after] += 1
        busy[0] = mine
        try:
            return act() if mine else None
        finally:
            busy[0] = False

    def before(model, **_):
        return note(0, model)

    def after(model, **_):
        note(1, model)

    with hooked("before-call.dynamodb", before), hooked("after-call.dynamodb", after):
        yield seen
