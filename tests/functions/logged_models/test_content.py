"""What a logged model holds, as one blob."""

import math
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.errors import Unacceptable
from functions.logged_models.content import Content, latest, unpacked
from runhaven.wire.logged_models import ModelMetric

VALUES = (
    st.sampled_from([0.0, -0.0, 1.0, -1.0, math.nan, math.inf, -math.inf, 1e308, 5e-324, 0.1]) | st.floats()
)
METRICS = st.builds(
    ModelMetric,
    key=st.sampled_from(["loss", "f1"]),
    value=VALUES,
    timestamp=st.sampled_from([0, 2**63 - 1]),
    step=st.sampled_from([0, -(2**63), 2**63 - 1]),
    dataset_name=st.none() | st.just("iris"),
    dataset_digest=st.none() | st.just("d1"),
    run_id=st.none() | st.just("f" * 32),
)
SOME = st.lists(METRICS, max_size=12)


def bits(metrics):
    """Metrics with their values as bits, so that NaN equals NaN and 0.0 is not -0.0."""
    return [
        (one.key, one.value.hex(), one.timestamp, one.step, one.dataset_name, one.dataset_digest, one.run_id)
        for one in metrics
    ]


@given(SOME, st.randoms())
@example([ModelMetric("f1", 0.0, 1), ModelMetric("f1", -0.0, 1)], random.Random(1))
def test_the_latest_does_not_depend_on_order_or_repetition(metrics, chance):
    """The same metrics, in any order and any number of times, leave the same latest ones."""
    again = [*metrics, *chance.choices(metrics, k=5)] if metrics else []
    chance.shuffle(again)
    assert bits(latest(again)) == bits(latest(metrics[::-1])) == bits(latest(metrics))


@given(SOME, SOME)
def test_the_latest_of_parts_is_the_latest_of_all(some, others):
    """Taking metrics in one call or in two leaves the same."""
    assert bits(latest([*latest(some), *others])) == bits(latest([*some, *others]))


@given(SOME)
def test_the_latest_has_the_greatest_step_then_timestamp_then_value(metrics):
    """Of each metric, dataset and run the one that MLflow takes for the latest is left."""

    def same(one, other):
        return bits([one])[0][0] == bits([other])[0][0] and bits([one])[0][4:] == bits([other])[0][4:]

    for left in latest(metrics):
        rivals = [
            one
            for one in metrics
            if same(one, left) and (one.step, one.timestamp) >= (left.step, left.timestamp)
        ]
        assert all((one.step, one.timestamp) == (left.step, left.timestamp) for one in rivals)
        assert not any(
            one.value > left.value or (math.isnan(left.value) and not math.isnan(one.value)) for one in rivals
        )


@given(st.dictionaries(st.text(), st.text()), st.dictionaries(st.text(), st.text()), SOME)
def test_what_is_packed_is_unpacked(params, tags, metrics):
    """Params, tags and every bit of a value come back, and taking the same in again changes nothing."""
    content = Content(params, tags)
    assert content.add(metrics) is bool(metrics)
    found = unpacked(content.packed(10**6))
    assert (found.params, found.tags) == (params, tags)
    assert bits(found.metrics()) == bits(latest(metrics))
    assert found.add(metrics) is False


def test_what_repeats_itself_ends_too():
    """However well it compresses, a model takes at most a megabyte in an answer."""
    content = Content(params={f"p{number}": "x" * 6000 for number in range(174)})
    assert len(content.packed(10_000)) < 10_000
    content.params["one more"] = "x" * 6000
    with pytest.raises(Unacceptable) as refused:
        content.packed(10_000)
    assert refused.value.field == "params"


@pytest.mark.parametrize("field", ["params", "tags", "metrics"])
def test_what_does_not_fit_is_named(field):
    """A blob that grows beyond its bound is refused by the name of what takes the most of it."""
    noise = random.Random(1)
    content = Content({"a": "b"}, {"c": "d"})
    if field == "metrics":
        content.add(ModelMetric(noise.randbytes(8).hex(), noise.random(), 0) for _ in range(200))
    else:
        getattr(content, field)["big"] = noise.randbytes(2000).hex()
    with pytest.raises(Unacceptable) as refused:
        content.packed(1000)
    assert refused.value.field == field
