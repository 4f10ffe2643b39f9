"""Page tokens."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.errors import Unacceptable
from functions.search.fields import LOGGED_MODELS, RUNS
from functions.search.pages import encode
from functions.search.plan import plan
from functions.search.readers import OnDataset
from tests.functions.search.records import a_model, a_run

SEARCHES = {
    "itself": (RUNS, ["1", "2"], "tags.a = '1'", ["metrics.a"]),
    "another target": (LOGGED_MODELS, ["1", "2"], "tags.a = '1'", ["metrics.a"]),
    "other experiments": (RUNS, ["1"], "tags.a = '1'", ["metrics.a"]),
    "another filter": (RUNS, ["1", "2"], "tags.a = '2'", ["metrics.a"]),
    "no filter": (RUNS, ["1", "2"], None, ["metrics.a"]),
    "another statistic": (RUNS, ["1", "2"], "tags.a = '1'", ["metrics.a.min"]),
    "another direction": (RUNS, ["1", "2"], "tags.a = '1'", ["metrics.a DESC"]),
    "another key": (RUNS, ["1", "2"], "tags.a = '1'", ["params.a"]),
}
TOKEN = plan(*SEARCHES["itself"]).token(a_run("a", metrics={"a": [0.1]}))


def refused(asked, token):
    """Whether a search refuses a token, in the words of MLflow's clients."""
    with pytest.raises(Unacceptable, match="Invalid page token") as caught:
        asked.after(token)
    return caught.value.field == "page_token"


@pytest.mark.parametrize("name", [name for name in SEARCHES if name != "itself"])
def test_tokens_of_other_searches(name):
    """A token goes on with the search that gave it and with no other."""
    assert refused(plan(*SEARCHES[name]), TOKEN)
    assert refused(plan(*SEARCHES["itself"], view="ALL"), TOKEN)


def test_tokens_of_datasets():
    """A token of a search on one dataset is none on another."""
    one, other = (plan(LOGGED_MODELS, ["1"], on=[OnDataset("d", digest)]) for digest in (None, "g"))
    assert refused(one, other.token(a_model("m-1")))


def test_the_same_search_said_otherwise():
    """A token holds for the same experiments in any order."""
    assert plan(RUNS, ["2", "1", "2"], "tags.a = '1'", ["metric.`a` ASC"]).after(TOKEN) == [0.1, 0, "a"]


def forged(*content):
    """A token that is well-formed on the outside."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


CHECK = json.loads(base64.urlsafe_b64decode(TOKEN))[1]


@pytest.mark.parametrize(
    "token",
    [
        "x",
        TOKEN[:-4],
        TOKEN + "=",
        TOKEN + "\n",
        " " + TOKEN,
        TOKEN.replace("=", "") + "AAAA",
        "not base64!",
        "é",
        "\ud800",
        "AAAA",
        "=" * 4,
        "A" * 2_000_000,
        base64.b64encode(b'{"offset": 2}').decode(),
        base64.b64encode(b"[" * 100_000).decode(),
        base64.b64encode(b"1" * 10_000).decode(),
        forged(),
        forged(1, CHECK, [0.2, 0, "a"]),
        forged(1, CHECK, [0.1, 0, "b"]),
        forged(2, CHECK, [0.1, 0, "a"]),
        forged(1, CHECK, [0.1, 0]),
        forged(1, CHECK, ["0.1", 0, "a"]),
        forged(1, CHECK, [0.1, True, "a"]),
        forged(1, CHECK, [0.1, 0, 7]),
        forged(1, CHECK, [[], {}, "a"]),
        forged(1, None, [0.1, 0, "a"]),
    ],
)
def test_broken_tokens(token):
    """A token that was cut, edited or made by hand is refused."""
    assert refused(plan(*SEARCHES["itself"]), token)


@settings(deadline=None)
@given(values=st.tuples(st.none() | st.floats(), st.none() | st.text(), st.integers(0, 2**63)))
def test_tokens_are_exact(values):
    """Any float64, NaN, any text and any time come back from a token as they were."""
    number, text, start = values
    run = a_run("a", start_time=start, **{"metrics": {"m": [number]}} if number is not None else {})
    run.params.update({} if text is None else {"p": text})
    asked = plan(RUNS, ["1"], None, ["metrics.m", "params.p DESC"])
    assert repr(asked.after(asked.token(run))) == repr([number, text, start, "a"])


@pytest.mark.parametrize(
    "values", [["x", 0, "a"], [0.1, None, 7], [0.1, True, "a"], [[0.1], 0, "a"], [0.1, 0], {}]
)
def test_forged_tokens(values):
    """A token with a right check and wrong values is refused, since the check is no secret."""
    asked = plan(*SEARCHES["itself"])
    assert refused(asked, encode(asked.search, values))
