"""Random filters, orders and runs, few words apart so that they meet."""

from hypothesis import strategies as st

from tests.functions.search.records import Shelf, a_run, an_input

METRICS = ["a", "b.c", "min", "x y", "a.min", "tr/l"]
WORDS = ["p", "q.r", "two words", "and", "é"]
TEXTS = ["", "x", "X", "xyx", "it's", 'a"b', "%", "a_b", "\n", "\\"]
PATTERNS = [*TEXTS, "%", "x%", "%y%", "_", "X__", "%x%x%", "a%b"]
STATISTICS = ["last", "min", "max", "first", "best", "at_best"]
NUMBERS = [0.0, 1.0, -1.5, 2.5e300, float("inf"), float("-inf")]
NUMERIC = ["=", "!=", "<", "<=", ">", ">="]
TIMES = [0, 1, 2, 2**53 + 1]
STATUSES = ["RUNNING", "FAILED"]
SHELVES = {f"{name}{digest}": Shelf(name, digest) for name in "xy" for digest in ("", "1")}


def texts(entity, key, operators):
    """A clause about texts."""
    values = {
        "=": st.sampled_from(TEXTS + STATUSES),
        "!=": st.sampled_from(TEXTS + STATUSES),
        "LIKE": st.sampled_from(PATTERNS),
        "ILIKE": st.sampled_from(PATTERNS),
        "IN": st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3),
        "NOT IN": st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3),
        "IS NULL": st.none(),
        "IS NOT NULL": st.none(),
    }
    asked = st.sampled_from(operators)
    return asked.flatmap(
        lambda one: st.tuples(st.just(entity), key, st.just("last"), st.just(one), values[one])
    )


PLAIN = ["=", "!=", "LIKE", "ILIKE"]
CLAUSES = st.one_of(
    st.tuples(
        st.just("metrics"),
        st.sampled_from(METRICS),
        st.sampled_from(STATISTICS),
        st.sampled_from(NUMERIC),
        st.sampled_from(NUMBERS),
    ),
    texts("params", st.sampled_from(WORDS), [*PLAIN, "IS NULL", "IS NOT NULL"]),
    texts("tags", st.sampled_from(WORDS), [*PLAIN, "IS NULL", "IS NOT NULL"]),
    texts("datasets", st.sampled_from(["name", "digest", "context"]), [*PLAIN, "IN", "NOT IN"]),
    texts("attributes", st.sampled_from(["status", "user_id", "run_name"]), PLAIN),
    texts("attributes", st.sampled_from(["created_by", "run_id"]), [*PLAIN, "IN", "NOT IN"]),
    st.tuples(
        st.just("attributes"),
        st.sampled_from(["start_time", "end_time"]),
        st.just("last"),
        st.sampled_from(NUMERIC),
        st.sampled_from([*TIMES, 0.5]),
    ),
)
TREES = st.recursive(
    CLAUSES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=4)),
        st.tuples(st.just("not"), inner),
    ),
    max_leaves=8,
)
KEYS = st.one_of(
    st.tuples(st.just("metrics"), st.sampled_from(METRICS), st.sampled_from(STATISTICS)),
    st.tuples(st.sampled_from(["params", "tags"]), st.sampled_from(WORDS), st.just("last")),
    st.tuples(
        st.just("attributes"),
        st.sampled_from(["status", "user_id", "run_name", "run_id", "start_time", "end_time", "created_by"]),
        st.just("last"),
    ),
)
ORDERS = st.lists(st.tuples(KEYS, st.booleans()), max_size=3, unique_by=lambda pair: pair[0])

VALUES = st.sampled_from([*NUMBERS, -0.0, float("nan")])
RUNS = st.fixed_dictionaries(
    {
        "attributes": st.fixed_dictionaries(
            {
                "status": st.sampled_from(STATUSES),
                "user_id": st.sampled_from(TEXTS),
                "created_by": st.sampled_from(TEXTS),
                "run_name": st.sampled_from(TEXTS),
                "start_time": st.sampled_from(TIMES),
                "end_time": st.sampled_from([None, *TIMES]),
            }
        ),
        "params": st.dictionaries(st.sampled_from(WORDS), st.sampled_from(TEXTS)),
        "tags": st.dictionaries(st.sampled_from(WORDS), st.sampled_from(TEXTS)),
        "metrics": st.dictionaries(
            st.sampled_from(METRICS), st.lists(VALUES, min_size=1, max_size=4), max_size=4
        ),
        "at_best": st.dictionaries(st.sampled_from(METRICS), VALUES, max_size=3),
        "inputs": st.lists(
            st.tuples(st.sampled_from([*SHELVES, "gone"]), st.sampled_from([None, "", "x", "X"])), max_size=3
        ),
        "goals": st.just({"a": "max", "b.c": "min"}),
    }
)


def as_run(run, run_id="r"):
    """The run of the house that a plain one describes."""
    facts = dict(run["attributes"])
    facts.pop("run_id", None)
    name = facts.pop("run_name")
    parts = {part: run[part] for part in ("params", "tags", "metrics", "at_best", "goals")}
    inputs = [an_input(*one) for one in run["inputs"]]
    return a_run(run_id, name=name, inputs=inputs, primary="a", **parts, **facts)


def as_plain(run, run_id="r"):
    """The plain run with what the house knows of it: its id, and its datasets' names."""
    shelves = [(SHELVES.get(known_as), context) for known_as, context in run["inputs"]]
    inputs = [
        {"name": shelf and shelf.name, "digest": shelf and shelf.digest, "context": context}
        for shelf, context in shelves
    ]
    return run | {"inputs": inputs, "attributes": run["attributes"] | {"run_id": run_id}}


def key_text(entity, key, statistic, random):
    """A key as somebody might write it."""
    spelling = random.choice(
        {
            "metrics": ["metrics", "metric"],
            "params": ["params", "param", "parameter", "`parameters`"],
            "tags": ["tag", "tags"],
            "datasets": ["dataset", "datasets"],
            "attributes": ["attributes", "attr", "run", ""],
        }[entity]
    )
    plain = key.replace(".", "").replace("/", "").isidentifier()
    last = key.rpartition(".")[2]
    if not plain or (entity == "metrics" and "." in key and last in STATISTICS) or random.random() < 0.3:
        key = random.choice(["`{}`", '"{}"']).format(key)
    if statistic != "last" or (entity == "metrics" and random.random() < 0.2):
        key += f".{statistic}"
    return f"{spelling}.{key}" if spelling else key


def value_text(value, random):
    """A value as somebody might write it."""
    if isinstance(value, list):
        return f"({', '.join(value_text(one, random) for one in value)}{random.choice(['', ','])})"
    if isinstance(value, str):
        quote = random.choice("'\"")
        return quote + value.replace(quote, quote * 2) + quote
    return repr(value)


def text_of(tree, random):
    """A tree as somebody might write it."""

    def word(text):
        return random.choice([text, text.lower(), text.title()])

    kind, *rest = tree
    if kind in {"and", "or"}:
        parts = [text_of(part, random) for part in rest[0]]
        joined = random.choice([" ", "\n"]).join(["", word(kind.upper()), ""]).join(parts)
        return f"({joined})"
    if kind == "not":
        return f"{word('NOT')} {text_of(rest[0], random)}"
    key, statistic, operator, value = rest
    field = key_text(kind, key, statistic, random)
    if value is None:
        return f"{field} {word(operator)}"
    space = random.choice(["", " "]) if not operator[0].isalpha() else " "
    return f"{field}{space}{word(operator)}{space}{value_text(value, random)}"
