"""Going through a search page by page."""

from functools import cmp_to_key

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.search.fields import EXPERIMENTS, LOGGED_MODELS, RUNS
from functions.search.plan import plan
from functions.search.readers import OnDataset
from tests.functions.search import naive
from tests.functions.search.records import a_run, an_experiment
from tests.functions.search.strategies import (
    METRICS,
    ORDERS,
    SHELVES,
    TREES,
    as_plain,
    as_run,
    key_text,
    text_of,
)
from tests.functions.search.strategies import RUNS as PLAIN_RUNS

# Experiment 1 is that of the runs; 2 has a goal for every metric, so that none is refused.
EXPERIMENT = an_experiment(
    1, **{"runhaven.goal.a": "max", "runhaven.goal.b.c": "min", "runhaven.primary": "a"}
)
SEARCHED = [EXPERIMENT, an_experiment(2, **{f"runhaven.goal.{key}": "min" for key in METRICS})]
TIES = [("attributes", "start_time", "last", True), ("attributes", "run_id", "last", False)]


def all_pages(asked, records, sizes, gone=()):
    """The ids of each page, where the records in *gone* vanish once they were seen."""
    token, pages, there = None, [], list(records)
    while not pages or token:
        size = sizes[len(pages) % len(sizes)]
        page, token = asked.page(there, size, token, experiments=SEARCHED, datasets=SHELVES)
        pages.append([run.run_id for run in page])
        there = [run for run in there if run.run_id not in gone or run not in page]
    return pages


@settings(max_examples=150, deadline=None)
@given(
    runs=st.lists(PLAIN_RUNS, max_size=12),
    tree=st.none() | TREES,
    order=ORDERS,
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    gone=st.sets(st.integers(0, 11)),
    random=st.randoms(use_true_random=False),
)
def test_pages_give_each_match_once_in_order(runs, tree, order, sizes, gone, random):
    """Whatever filter, order and sizes, and though runs vanish once seen, each match comes once, in order."""
    names = {f"{number:x}": run for number, run in enumerate(runs)}
    keys = [(*key, descending) for key, descending in order]
    keys += [tie for tie in TIES if tie[:3] not in [key for key, _ in order]]
    ways = {True: [" DESC", "  desc"], False: ["", " ASC", " asc "]}
    entries = [key_text(*key, random) + random.choice(ways[descending]) for key, descending in order]
    plain = {known_as: as_plain(run, known_as) for known_as, run in names.items()}
    wanted = sorted(plain, key=cmp_to_key(lambda one, other: naive.before(plain[one], plain[other], keys)))
    wanted = [known_as for known_as in wanted if tree is None or naive.matches(tree, plain[known_as])]
    asked = plan(RUNS, ["1"], tree and text_of(tree, random), entries)
    records = [as_run(run, known_as) for known_as, run in names.items()]
    random.shuffle(records)
    pages = all_pages(asked, records, sizes, {f"{number:x}" for number in gone})
    assert [known_as for page in pages for known_as in page] == wanted
    assert all(len(page) == sizes[at % len(sizes)] for at, page in enumerate(pages[:-1]))
    assert pages[-1] or len(pages) == 1


def runs_of(*starts):
    """Runs with these start times, named a, b, c ..."""
    return [a_run("abcdefgh"[at], start_time=start) for at, start in enumerate(starts)]


def test_no_token_behind_the_last_record():
    """A page that ends with the last match has no token, and a search without a match has one empty page."""
    asked = plan(RUNS, ["1"])
    assert asked.page(runs_of(1, 2), 2)[1] is None
    assert asked.page(runs_of(1, 2), 1)[1]
    assert asked.page([], 1) == ([], None)


def test_pages_are_not_offsets():
    """Runs that come or go in front of a page move nothing behind it."""
    asked = plan(RUNS, ["1"])
    runs = runs_of(5, 4, 3, 2)
    _, token = asked.page(runs, 2)
    later = [*runs[2:], a_run("new", start_time=9)]
    assert [run.run_id for run in asked.page(later, 9, token)[0]] == ["c", "d"]


def test_a_page_may_end_earlier():
    """The token behind any record goes on right after it."""
    asked = plan(RUNS, ["1"], None, ["status"])
    runs = runs_of(5, 4, 3)
    assert [run.run_id for run in asked.page(runs, 9, asked.token(runs[0]))[0]] == ["b", "c"]


def test_where_a_page_begins():
    """A token tells the place in default order, so that only the page itself must be read."""
    asked = plan(RUNS, ["1"])
    assert asked.after(None) is None
    assert asked.after(asked.token(a_run("a", start_time=7))) == [7, "a"]


@pytest.mark.parametrize(
    ("target", "asked", "plain"),
    [
        (RUNS, {}, True),
        (RUNS, {"where": " ", "order_by": []}, True),
        (RUNS, {"order_by": ["attributes.start_time DESC"]}, True),
        (RUNS, {"order_by": ["created DESC", "run_id ASC"]}, True),
        (RUNS, {"order_by": ["start_time"]}, False),
        (RUNS, {"order_by": ["run_id"]}, False),
        (RUNS, {"where": "status = 'RUNNING'"}, False),
        (EXPERIMENTS, {"order_by": ["creation_time DESC", "experiment_id"]}, True),
        (EXPERIMENTS, {"order_by": ["creation_time DESC"]}, False),
        (LOGGED_MODELS, {"order_by": [{"field_name": "creation_time", "ascending": False}]}, True),
        (LOGGED_MODELS, {"on": [OnDataset("d")]}, False),
    ],
)
def test_plain_searches(target, asked, plain):
    """A search is plain when everything matches, in default order however it is said."""
    assert plan(target, ["1"], **asked).plain is plain


@pytest.mark.parametrize(
    ("asked", "needs"),
    [
        ({}, ""),
        ({"where": "status = 'x' AND run_name != '' AND start_time > 1", "order_by": ["end_time"]}, ""),
        ({"where": "NOT (params.a = '' OR tags.b IS NULL)"}, "params tags"),
        (
            {"where": "metrics.a.best > 1", "order_by": ["metrics.b.at_best", "tags.c"]},
            "metrics at_best tags",
        ),
        ({"where": "datasets.context = 'train'"}, "inputs"),
        ({"where": "datasets.context = 'train' AND datasets.digest = 'x'"}, "inputs datasets"),
    ],
)
def test_parts_that_a_search_needs(asked, needs):
    """A search says which parts of a run it looks at, so that nothing else is decoded or read."""
    assert plan(RUNS, ["1"], **asked).needs == set(needs.split())
    assert plan(LOGGED_MODELS, ["1"], on=[OnDataset("d")]).needs == {"metrics"}
