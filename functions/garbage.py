"""How Python looks for garbage in a process that serves."""

import gc


def tune() -> None:
    """Look for cycles seldom, and never among what was there at the start.

    A search over 10,000 runs makes hundreds of thousands of objects that no cycle holds. With Python's own
    thresholds the search for cycles is a third of its CPU: 1.1 s instead of 0.75 s.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
