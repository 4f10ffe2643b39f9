"""Calls side by side: one round trip instead of several."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any

_pool: list[ThreadPoolExecutor] = []
_thread = threading.local()


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Run calls side by side and give their results in order: one round trip instead of several.

    All of them have ended when it returns, also when one fails: none goes on behind whoever tries again.
    A call that asks for several itself runs those one after the other: threads of the pool that wait for free
    threads of the pool would wait for ever.
    """
    if getattr(_thread, "is_of_pool", False) or len(calls) < 2:
        return [call() for call in calls]
    if not _pool:
        _pool.append(
            ThreadPoolExecutor(16, "parallel", initializer=setattr, initargs=(_thread, "is_of_pool", True))
        )
    # Each in a copy of the context, which says in which team the house works: a copy has one thread only.
    waiting = [_pool[0].submit(copy_context().run, call) for call in calls[1:]]
    try:
        first = calls[0]()
    finally:
        wait(waiting)
    return [first, *(one.result() for one in waiting)]
