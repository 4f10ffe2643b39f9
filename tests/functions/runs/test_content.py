"""What a head's blob holds."""

from hypothesis import given
from hypothesis import strategies as st

from functions.runs.content import AtBest, Content, Input, Metric, Output, add_range, in_ranges
from tests.functions.runs.strategies import INT64, KEYS, VALUES, bits

METRICS = st.dictionaries(KEYS, st.builds(Metric, *[VALUES] * 4, *[INT64] * 7), max_size=8)
TEXTS = st.dictionaries(KEYS, st.text(max_size=50), max_size=5)


def exact(metrics):
    """Metrics that can be compared bit by bit, in their order."""
    return [(key, *map(bits, one[:4]), *one[4:]) for key, one in metrics.items()]


def filled(metrics, params=(), tags=()):
    """A content that holds these."""
    content = Content()
    content.metrics.changed.update(metrics)
    content.params, content.tags = dict(params), dict(tags)
    return content


@given(METRICS, TEXTS, TEXTS)
def test_content_comes_back(metrics, params, tags):
    """Metrics come back bit by bit, texts as they were, everything else too."""
    content = filled(metrics, params, tags)
    content.inputs, content.outputs = [Input("d", "", {"a": "b"})], [Output("m-1", -(2**63))]
    content.folded, content.writers = ["k"], {"w": [0, 3, 7, 2**53]}
    content.at_best = AtBest("loss", "min", -3, {"acc": 0.5})
    found = Content(content.packed())
    assert exact(found.metrics) == exact(metrics)
    assert (found.params, found.tags) == (params, tags)
    assert (found.inputs, found.outputs, found.folded) == (content.inputs, content.outputs, content.folded)
    assert (found.writers, found.at_best) == (content.writers, content.at_best)


@given(METRICS, METRICS)
def test_changes_lie_over_what_is_stored(stored, changes):
    """Changed metrics replace stored ones and new ones follow them, before packing and after."""
    content = Content(filled(stored).packed())
    content.metrics.changed.update(changes)
    expected = exact(stored | changes)
    assert exact(content.metrics) == expected
    assert len(content.metrics) == len(expected)
    assert exact(Content(content.packed()).metrics) == expected


def test_an_empty_content_is_no_trouble():
    """A head without anything packs and unpacks, and two empty contents share nothing."""
    first, second = Content(), Content(Content().packed())
    first.params["a"] = "b"
    first.folded.append("k")
    assert (second.params, second.folded, dict(second.metrics), Content().params) == ({}, [], {}, {})


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8)), max_size=12))
def test_ranges_hold_exactly_what_was_added(spans):
    """In any order ranges hold the numbers that were added, sorted, separate and as few as possible."""
    ranges, expected = [], set()
    for first, more in spans:
        ranges = add_range(ranges, first, first + more)
        expected |= set(range(first, first + more + 1))
    assert {number for number in range(80) if in_ranges(ranges, number)} == expected
    assert all(after - before > 1 for before, after in zip(ranges[1::2], ranges[2::2], strict=False))
    assert ranges == sorted(ranges)
