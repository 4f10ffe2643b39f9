"""Random filters over random runs."""

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.search.fields import RUNS
from functions.search.grammar import parse
from functions.search.predicate import predicate
from tests.functions.search import naive
from tests.functions.search.strategies import RUNS as PLAIN_RUNS
from tests.functions.search.strategies import SHELVES, TREES, as_plain, as_run, text_of


@settings(max_examples=400, deadline=None)
@given(
    tree=TREES, runs=st.lists(PLAIN_RUNS, min_size=1, max_size=6), random=st.randoms(use_true_random=False)
)
def test_a_filter_means_what_it_says(tree, runs, random):
    """Any tree, written in any accepted way, selects what a reader of its description would select."""
    text = text_of(tree, random)
    matches = predicate(parse(text, RUNS), RUNS, datasets=SHELVES)
    assert [matches(as_run(run)) for run in runs] == [naive.matches(tree, as_plain(run)) for run in runs], (
        text
    )


@settings(deadline=None)
@given(tree=TREES, random=st.randoms(use_true_random=False))
def test_spelling_does_not_matter(tree, random):
    """However a filter is spelled, quoted and spaced, it is the same tree."""
    assert parse(text_of(tree, random), RUNS) == parse(text_of(tree, random), RUNS)
