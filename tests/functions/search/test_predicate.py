"""Which records match a filter."""

import math
import time

import pytest

from functions.errors import Unacceptable
from functions.mlflow import places
from functions.search.fields import EXPERIMENTS, LOGGED_MODELS, RUNS
from functions.search.grammar import parse
from functions.search.plan import plan
from functions.search.predicate import predicate
from functions.search.readers import OnDataset
from runhaven.wire.datasets import Dataset
from tests.functions.search.records import a_model, a_run, an_experiment, an_input


def matches(text, record, target=RUNS, **more):
    """Whether a record matches a filter."""
    return predicate(parse(text, target), target, **more)(record)


def test_no_filter_matches_everything():
    """Without a filter every record matches."""
    assert matches("", a_run())


@pytest.mark.parametrize(
    "clause",
    [
        "params.no = ''",
        "params.no != 'x'",
        "params.no LIKE '%'",
        "params.no IS NOT NULL",
        "tags.no ILIKE '%'",
        "metrics.no != 0",
        "metrics.no.min < 0",
        "metrics.no.best = 0",
        "metrics.no.at_best != 0",
        "end_time != 0",
        "datasets.name != 'x'",
        "datasets.digest NOT IN ('x')",
        "datasets.context LIKE '%'",
    ],
)
def test_what_is_missing_matches_nothing(clause):
    """A clause on a key that a run lacks is false whatever it asks, so that its negation is true."""
    run = a_run(goals={"no": "min"})
    assert not matches(clause, run)
    assert matches(f"NOT {clause}", run)


def test_presence():
    """IS NULL asks whether a key is missing; an empty value is there."""
    run = a_run(params={"a": ""})
    assert matches("params.a IS NOT NULL AND params.b IS NULL", run)
    assert not matches("params.a IS NULL OR params.b IS NOT NULL", run)


@pytest.mark.parametrize("operator", ["=", "<", "<=", ">", ">=", "!="])
@pytest.mark.parametrize("number", ["0", "1e308", "Infinity", "-inf"])
def test_nan_is_only_unequal(operator, number):
    """A metric that is NaN satisfies `!=`, as everywhere, and nothing else."""
    assert matches(f"metrics.a {operator} {number}", a_run(metrics={"a": [math.nan]})) is (operator == "!=")


def test_infinity_is_a_number():
    """Infinite metrics are compared as what they are."""
    run = a_run(metrics={"a": [math.inf], "b": [-math.inf]})
    assert matches("metrics.a = inf AND metrics.b = -Infinity AND metrics.a > 1.7976931348623157e308", run)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("loss", 2),
        ("loss.last", 2),
        ("loss.first", 3),
        ("loss.min", 1),
        ("loss.max", 9),
        ("loss.best", 1),
        ("acc.best", 8),
        ("loss.at_best", 1.5),
        ("`loss.min`", 7),
        ("`loss.min`.max", 7),
    ],
)
def test_statistics(key, value):
    """Each statistic of a metric can be asked for; the best one by the experiment's goal."""
    run = a_run(
        metrics={"loss": [3, 1, 9, 2], "acc": [5, 8, 6], "loss.min": [7]},
        goals={"loss": "min", "acc": "max"},
        primary="acc",
        at_best={"loss": 1.5},
    )
    assert matches(f"metrics.{key} = {value}", run)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("metrics.f1.best > 0", "'runhaven.goal.f1' to 'min' or 'max'"),
        ("tags.a = '' OR NOT metrics.f1.at_best > 0", "'runhaven.primary'"),
    ],
)
def test_goals_are_demanded(text, tag):
    """Asking for the best of a metric for which no experiment has a goal is refused with the tag to set."""
    asked = plan(RUNS, ["1", "2"], text)
    without = [an_experiment(1, **{"runhaven.goal.f2": "max", "runhaven.primary": "f3"}), an_experiment(2)]
    for experiments in (without, []):
        with pytest.raises(Unacceptable) as caught:
            asked.page([], 10, experiments=experiments)
        assert tag in caught.value.message
        assert caught.value.field == "filter"
    own = {"runhaven.goal.f1": "min", "runhaven.goal.f3": "max"}
    asked.page([], 10, experiments=[*without, an_experiment(3, **own, **{"runhaven.primary": "f1"})])


def test_goals_of_an_order_are_demanded():
    """An order by the best value needs a goal just as a filter does."""
    with pytest.raises(Unacceptable) as caught:
        plan(RUNS, ["1"], None, ["metrics.f1.best DESC"]).demand_goals([an_experiment(1)])
    assert caught.value.field == "order_by"


def test_runs_without_a_goal_have_no_best():
    """Where one experiment has a goal and another has none, the runs of the other have no best value."""
    assert matches("metrics.a.best = 1", a_run(metrics={"a": [2, 1]}, goals={"a": "min"}))
    assert not matches("metrics.a.best != 0", a_run(metrics={"a": [2, 1]}))


@pytest.mark.parametrize(
    "text",
    [
        "run_id = 'r1'",
        "run_id IN ('x', 'r1')",
        "run_id NOT IN ('x')",
        "run_name LIKE 'Al%'",
        "run_name ILIKE 'aL%'",
        "tags.`mlflow.runName` = 'Alpha'",
        "user_id = 'ann'",
        "created_by IN ('token:a')",
        "status != 'RUNNING'",
        "start_time = 5",
        "start_time < 5.5",
        "created >= 5",
        "end_time > 8",
        "start_time < 1e300",
        "end_time < inf",
        "artifact_uri = 'mlflow-artifacts:/1/r1/artifacts'",
    ],
)
def test_attributes_of_runs(text):
    """Every attribute of a run can be asked for."""
    facts = {"user_id": "ann", "created_by": "token:a", "status": "FAILED", "start_time": 5, "end_time": 9}
    run = a_run("r1", name="Alpha", **facts)
    assert matches(text, run)
    assert not matches(f"NOT {text}", run)


def test_artifact_uris_are_those_that_clients_see():
    """The URI that can be asked for is the one that MLflow's dialect prints."""
    assert RUNS.attributes["artifact_uri"].read(a_run("r1")) == places.of_run("1", "r1")


def test_texts_are_compared_by_letter():
    """Equality and LIKE tell capitals apart, ILIKE does not."""
    run = a_run(params={"model": "LR"})
    found = {one for one in ("=", "LIKE", "ILIKE", "!=") if matches(f"params.model {one} 'lr'", run)}
    assert found == {"ILIKE", "!="}


SHELVES = {"d1": Dataset("iris", "g1", "local", "{}"), "d2": Dataset("wine", "g2", "local", "{}")}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("datasets.name = 'iris'", True),
        ("datasets.name LIKE 'w%' AND dataset.digest IN ('g2', 'g3')", True),
        ("datasets.context = 'train'", True),
        ("datasets.name = 'wine' AND datasets.context = 'train'", True),
        ("datasets.name != 'iris'", True),
        ("NOT datasets.name = 'iris'", False),
        ("datasets.name NOT IN ('iris', 'wine')", False),
        ("datasets.context = 'eval'", False),
    ],
)
def test_datasets(text, found):
    """Each dataset clause asks on its own whether some input of the run satisfies it."""
    inputs = [an_input("d1", "train"), an_input("d2"), an_input("gone"), an_input("", "eval", model_id="m-1")]
    assert matches(text, a_run(inputs=inputs), datasets=SHELVES) is found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("name ILIKE 'CATS'", True),
        ("experiment_id = '07'", True),
        ("experiment_id NOT IN ('7', '8')", False),
        ("creation_time = 5 AND last_update_time >= 9", True),
        ("tags.team = 'red'", True),
        ("tags.x IS NULL", True),
        ("NOT (tags.team LIKE 'r__' OR name = '')", False),
    ],
)
def test_experiments(text, found):
    """Experiments are asked for their name, id, times and tags."""
    experiment = an_experiment(7, "Cats", created=5, updated=9, team="red")
    assert matches(text, experiment, EXPERIMENTS) is found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("name IN ('clf')", True),
        ("model_id = 'm-1'", True),
        ("model_type = 'sk' OR model_type != 'sk'", False),
        ("status = 'READY'", True),
        ("status != 'LOGGED_MODEL_READY'", False),
        ("status NOT IN ('FAILED')", True),
        ("source_run_id = 'r'", True),
        ("creation_time = 5 AND creation_timestamp = 5", True),
        ("last_updated_timestamp >= 6 AND last_updated_time <= 6", True),
        ("params.p IN ('1')", True),
        ("tags.t LIKE 'T'", True),
        ("metrics.acc = 0.4", True),
        ("metrics.acc = 0.9", False),
    ],
)
def test_logged_models(text, found):
    """Logged models are asked for attributes, params, tags, and each metric's latest value by step."""
    metrics = [("acc", 0.9, 1, "d1", "g1"), ("acc", 0.4, 7, "d2", "g2"), ("acc", 0.3, 0, None, None)]
    facts = {"name": "clf", "source_run_id": "r", "created_at": 5, "updated_at": 6, "params": {"p": "1"}}
    model = a_model("m-1", metrics=metrics, tags={"t": "T"}, **facts)
    assert matches(text, model, LOGGED_MODELS) is found


@pytest.mark.parametrize(
    ("text", "on", "found"),
    [
        ("metrics.acc = 0.9", [OnDataset("d1")], True),
        ("metrics.acc = 0.4", [OnDataset("d1")], False),
        ("metrics.acc = 0.4", [OnDataset("d1"), OnDataset("d2", "g2")], True),
        ("metrics.acc > 0", [OnDataset("d1", "g9")], False),
        ("", [OnDataset("d2", "g2")], True),
        ("", [OnDataset("d2", "g9")], False),
        ("NOT metrics.acc = 0.4", [OnDataset("d3")], False),
    ],
)
def test_logged_models_on_datasets(text, on, found):
    """With datasets given, a model needs a metric on one of them, and only such metrics are looked at."""
    model = a_model("m-1", metrics=[("acc", 0.9, 1, "d1", "g1"), ("acc", 0.4, 7, "d2", "g2")])
    assert matches(text, model, LOGGED_MODELS, on=on) is found


@pytest.mark.parametrize(
    ("clause", "most"),
    [("params.p != 'x'", 3), ("params.p LIKE 'a%c'", 3), ("start_time < 5", 3), ("metrics.m < 0.5", 6)],
)
def test_clauses_are_cheap(clause, most):
    """A clause costs a few microseconds of CPU for each decoded run, a metric's row included."""
    run = a_run(params={"p": "abc"}, metrics={f"m{one or ''}": [0.1 * one] for one in range(9)})
    test = predicate(parse(" AND ".join([clause] * 10), RUNS), RUNS)
    fastest = math.inf
    for _ in range(5):
        started = time.process_time()
        assert all(test(run) for _ in range(500))
        fastest = min(fastest, time.process_time() - started)
    assert fastest / (500 * 10) * 1e6 <= most
