"""Orders as text, and where missing values stand."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.errors import Unacceptable
from functions.search.fields import EXPERIMENTS, LOGGED_MODELS, RUNS, Entity
from functions.search.order import MOST_KEYS, Ordering, Sort, parse_order
from functions.search.readers import OnDataset
from functions.search.tree import Field
from tests.functions.search.records import a_model, a_run, an_experiment

START, ID = (
    Sort(Field(Entity.ATTRIBUTE, "start_time"), descending=True),
    Sort(Field(Entity.ATTRIBUTE, "run_id"), descending=False),
)


def refusal(entries, target=RUNS):
    """The message with which an order is refused."""
    with pytest.raises(Unacceptable) as caught:
        parse_order(entries, target)
    assert caught.value.field == "order_by"
    return caught.value.message


def order(records, entries, target=RUNS):
    """The records' ids in order."""
    ordering = Ordering(parse_order(entries, target), target)
    found = sorted(records, key=lambda record: ordering.key(ordering.values(record)))
    return [
        getattr(one, {"runs": "run_id", "experiments": "id"}.get(target.name, "model_id")) for one in found
    ]


@pytest.mark.parametrize("entries", [None, []])
def test_default_orders(entries):
    """Without an order the newest come first, and the id decides between equals."""
    runs = [a_run(one, start_time=start) for one, start in (("b", 1), ("a", 1), ("c", 2))]
    assert order(runs, entries) == ["c", "a", "b"]
    experiments = [an_experiment(one, created=at) for one, at in ((10, 1), (9, 1), (2, 2))]
    assert order(experiments, entries, EXPERIMENTS) == ["2", "9", "10"]
    models = [a_model(one, created_at=at) for one, at in (("m-b", 1), ("m-a", 1), ("m-c", 2))]
    assert order(models, entries, LOGGED_MODELS) == ["m-c", "m-a", "m-b"]


def test_ties():
    """In an order that was asked for, ties fall as they do in MLflow."""
    runs = [a_run(one, start_time=start, user_id="u") for one, start in (("b", 1), ("a", 1), ("c", 2))]
    assert order(runs, ["user_id"]) == ["c", "a", "b"]
    assert order(runs, ["start_time ASC"]) == ["a", "b", "c"]
    assert order(runs, ["run_id DESC"]) == ["c", "b", "a"]
    experiments = [an_experiment(one, "x") for one in (9, 10, 2)]
    assert order(experiments, ["name"], EXPERIMENTS) == ["10", "9", "2"]
    assert order(experiments, ["experiment_id"], EXPERIMENTS) == ["2", "9", "10"]


@pytest.mark.parametrize(
    ("entry", "sort"),
    [
        ("metrics.loss", Sort(Field(Entity.METRIC, "loss", "last"), descending=False)),
        (
            "metric.`Mean Square Error`  dEsC",
            Sort(Field(Entity.METRIC, "Mean Square Error", "last"), descending=True),
        ),
        ('params."a.b" ASC ', Sort(Field(Entity.PARAM, "a.b"), descending=False)),
        ("metrics.loss.best desc", Sort(Field(Entity.METRIC, "loss", "best"), descending=True)),
        ("tags.`mlflow.user` DESC", Sort(Field(Entity.TAG, "mlflow.user"), descending=True)),
        ("attributes.`Run name` DESC", Sort(Field(Entity.ATTRIBUTE, "run_name"), descending=True)),
        ("tags.desc DESC", Sort(Field(Entity.TAG, "desc"), descending=True)),
    ],
)
def test_keys(entry, sort):
    """An entry is a key as in a filter and a direction, ascending if nothing is said."""
    assert parse_order([entry], RUNS) == (sort, START, ID)


@pytest.mark.parametrize("target", [RUNS, EXPERIMENTS, LOGGED_MODELS], ids=lambda target: target.name)
def test_attributes_of_every_target_are_orderable(target):
    """Every attribute may be ordered by, under each of its names."""
    for name in target.attributes:
        assert parse_order([f"`{name}` DESC"], target)[0].descending


def test_missing_values_come_last():
    """Numbers come first, then NaN, then the missing, in both directions."""
    values = {"a": -math.inf, "b": -1.0, "c": 0.0, "d": math.inf, "e": math.nan, "f": None}
    runs = [a_run(one, metrics={} if value is None else {"x": [value]}) for one, value in values.items()]
    assert "".join(order(runs, ["metrics.x"])) == "abcdef"
    assert "".join(order(runs, ["metrics.x DESC"])) == "dcbaef"
    texts = [a_run(one, params=params) for one, params in (("a", {}), ("b", {"p": ""}), ("c", {"p": "x"}))]
    assert "".join(order(texts, ["params.p"])) == "bca"
    assert "".join(order(texts, ["params.p DESC"])) == "cba"


def test_texts_are_ordered_by_code_point():
    """Texts are ordered as SQL's binary collation does, a prefix before what it begins, also downwards."""
    runs = [a_run(text or "empty", tags={"t": text}) for text in ("a", "", "ab", "B", "é", "z")]
    assert order(runs, ["tags.t"]) == ["empty", "B", "a", "ab", "z", "é"]
    assert order(runs, ["tags.t DESC"]) == ["é", "z", "ab", "a", "B", "empty"]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["m.acc"], "Invalid entity type 'm'"),
        (["acc"], "Invalid attribute key 'acc'"),
        (["attribute.experiment_id"], "Invalid attribute key"),
        (["`metrics.A"], "Invalid order_by clause '`metrics.A'"),
        (["metrics.A != 1"], "Invalid order_by clause"),
        (["status, user_id"], "several keys are several entries"),
        (["run_id ACS"], "Invalid ordering key 'ACS' at character 8: it is ASC or DESC"),
        (["run_id DESC DESC"], "Invalid order_by clause"),
        ([""], "Invalid order_by clause"),
        (["run_id (", "x"], "Invalid order_by clause"),
        (["'run_id'"], "Invalid order_by clause"),
        (["1"], "Invalid order_by clause"),
        (
            ["datasets.name"],
            "Invalid order_by entity datasets at character 1: runs are ordered by attributes, metrics",
        ),
        (["user_id", "user_id DESC"], "duplicate fields: 'attributes.user_id'"),
        (["created", "start_time"], "duplicate fields"),
        (["metrics.a", "metric.`a`.last"], "duplicate fields"),
        (["metrics." + "a" * 3000], "has 3008 characters"),
        ([f"params.a{number}" for number in range(MOST_KEYS + 1)], "at most 10"),
        ([None], "An entry of order_by"),
        ([{"field_name": 1}], "An entry of order_by"),
    ],
)
def test_refused_orders(entries, message):
    """An unknown, doubled or garbled key is refused with what would be right."""
    assert message in refusal(entries)


@pytest.mark.parametrize("entry", ["tags.team", "metrics.a", "run_id"])
def test_experiments_are_ordered_by_attributes(entry):
    """As in MLflow, experiments are ordered by their own attributes only."""
    assert "Invalid" in refusal([entry], EXPERIMENTS)


def by(name, **more):
    """An entry of an order as MLflow's clients send it for logged models."""
    return {"field_name": name, "ascending": True, "dataset_name": None, "dataset_digest": None} | more


def test_orders_of_logged_models():
    """A logged model's order names attributes, and metrics that may be restricted to one dataset."""
    rows = {
        "m-1": [("acc", 0.5, 0, "d1", "g1"), ("acc", 0.9, 1, "d2", "g2")],
        "m-2": [("acc", 0.7, 0, "d1", "g1")],
        "m-3": [("acc", 0.6, 5, "d1", "g9"), ("acc", 0.8, 1, "d1", "g9")],
        "m-4": [],
    }
    statuses = dict(zip(rows, ("READY", "PENDING", "FAILED", "READY"), strict=True))
    models = [
        a_model(one, metrics=some, status=statuses[one], created_at=int(one[2:]))
        for one, some in rows.items()
    ]
    asked = {
        "3214": [by("metrics.acc")],
        "1234": [by("metrics.acc", ascending=False)],
        "1324": [by("metrics.acc", dataset_name="d1")],
        "1243": [by("metrics.acc", dataset_name="d1", dataset_digest="g1")],
        "2413": [by("status")],
        "2143": [by("metrics.acc", dataset_name="d1", dataset_digest="g1", ascending=False)],
        "4321": [by("metrics.no"), {"field_name": "creation_time", "ascending": False}],
    }
    assert {
        wanted: [one[2:] for one in order(models, entries, LOGGED_MODELS)]
        for wanted, entries in asked.items()
    } == {wanted: list(wanted) for wanted in asked}


def test_keys_of_logged_models_are_verbatim():
    """What follows `metrics.` there is the metric's name with spaces, dots and all, without backticks."""
    for name in ("metrics.val loss.min", "metrics.`val loss.min`"):
        sort = parse_order([by(name, dataset_name="d")], LOGGED_MODELS)[0]
        assert sort == Sort(Field(Entity.METRIC, "val loss.min", "last"), descending=False, on=OnDataset("d"))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([by("params.p")], "Invalid order by field name 'params.p'"),
        ([by("foo")], "Invalid order by field name 'foo': it is one of name, model_id"),
        ([by("tags")], "Invalid order by field name"),
        ([by("metrics.")], "Invalid order by field name"),
        ([by("")], "Invalid order by field name"),
        ([by("name", ascending=1)], "for parameter 'ascending'"),
        ([by("metrics.a", dataset_name=5)], "An entry of order_by"),
        ([by("metrics.a", dataset_digest="x")], "needs dataset_name"),
        ([by("metrics.a", dataset_name="x"), by("metrics.a", dataset_name="x")], "duplicate fields"),
        ([by("name"), by("name", ascending=False)], "duplicate fields"),
        (["name", by("name")], "duplicate fields"),
    ],
)
def test_refused_orders_of_logged_models(entries, message):
    """An unknown, doubled or garbled key of a logged model is refused too."""
    assert message in refusal(entries, LOGGED_MODELS)


@settings(deadline=None)
@given(
    st.lists(st.text() | st.dictionaries(st.text(), st.none() | st.text() | st.integers()) | st.integers())
)
@pytest.mark.parametrize("target", [RUNS, LOGGED_MODELS], ids=lambda target: target.name)
def test_any_order_is_understood_or_refused(target, entries):
    """No order, however broken, raises anything but Unacceptable."""
    try:
        refused = None if parse_order(entries, target) else "it is neither"
    except Unacceptable as error:
        refused = error
    assert refused is None or refused.field == "order_by"


def test_orders_on_datasets():
    """Where a search looks at some datasets only, an order on another one finds no values."""
    models = [a_model("m-1", metrics=[("acc", 0.9, 1, "d1", "g1"), ("acc", 0.4, 7, "d2", "g2")])]
    for on, value in (([], 0.9), ([OnDataset("d1"), OnDataset("d2")], 0.9), ([OnDataset("d2")], None)):
        sorts = parse_order([by("metrics.acc", dataset_name="d1")], LOGGED_MODELS)
        assert Ordering(sorts, LOGGED_MODELS, on).values(models[0])[0] == value
