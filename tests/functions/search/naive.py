"""Search as its description reads, slowly, over plain dictionaries: what the real one must agree with."""

import math
import operator

SIGNS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def like(pattern, text):
    """LIKE, letter by letter."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(like(pattern[1:], text[cut:]) for cut in range(len(text) + 1))
    return bool(text) and pattern[0] in {"_", text[0]} and like(pattern[1:], text[1:])


def value(run, entity, key, statistic="last"):
    """A run's value, None where it has none."""
    if entity != "metrics":
        return run["attributes"].get(key) if entity == "attributes" else run[entity].get(key)
    if statistic == "at_best":
        if "a" not in run["metrics"]:
            return None
        return value(run, entity, "a", "best") if key == "a" else run["at_best"].get(key)
    if statistic == "best":
        statistic = run["goals"].get(key)
    values = run["metrics"].get(key)
    if values is None or statistic is None:
        return None
    if statistic in {"last", "first"}:
        return values[-1 if statistic == "last" else 0]
    numbers = [one for one in values if not math.isnan(one)] or [math.nan]
    return min(numbers) if statistic == "min" else max(numbers)


def holds(asked, found, wanted):
    """Whether a value that is there satisfies an operator."""
    if asked in SIGNS:
        return SIGNS[asked](found, wanted)
    if asked in {"IN", "NOT IN"}:
        return (found in wanted) is (asked == "IN")
    return like(wanted, found) if asked == "LIKE" else like(wanted.lower(), found.lower())


def matches(tree, run):
    """Whether a run matches a tree of ("and", [...]), ("or", [...]), ("not", tree) or (entity, key, ...)."""
    kind, *rest = tree
    if kind == "and":
        return all(matches(part, run) for part in rest[0])
    if kind == "or":
        return any(matches(part, run) for part in rest[0])
    if kind == "not":
        return not matches(rest[0], run)
    key, statistic, asked, wanted = rest
    if kind == "datasets":
        return any(holds(asked, one[key], wanted) for one in run["inputs"] if one[key] is not None)
    found = value(run, kind, key, statistic)
    if asked in {"IS NULL", "IS NOT NULL"}:
        return (found is None) is (asked == "IS NULL")
    return found is not None and holds(asked, found, wanted)


def before(one, other, keys):
    """-1, 0 or 1: where a run stands to another by keys of (entity, key, statistic, descending)."""
    for entity, key, statistic, descending in keys:
        left, right = (value(run, entity, key, statistic) for run in (one, other))
        ranks = [2 if each is None else 1 if each != each else 0 for each in (left, right)]  # noqa: PLR0124
        if ranks[0] != ranks[1]:
            return -1 if ranks[0] < ranks[1] else 1
        if ranks[0] == 0 and left != right:
            return -1 if (left < right) is not descending else 1
    return 0
