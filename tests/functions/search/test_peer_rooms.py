"""What stock MLflow answered about experiments and logged models: mlflow 3.18.0's SQL store on SQLite."""

import pytest

from functions.errors import Unacceptable
from functions.search.fields import EXPERIMENTS, LOGGED_MODELS
from functions.search.plan import plan
from functions.search.readers import OnDataset
from tests.functions.search.records import a_model, an_experiment, found, table

STOCK_EXPERIMENTS = [
    an_experiment(0, "Default", created=1, updated=1),
    an_experiment(1, "Cats", created=2, updated=2, team="red"),
    an_experiment(2, "cats-2", created=3, updated=3, team="Blue", **{"x y": "1"}),
    an_experiment(3, "Dogs 100%", created=4, updated=4),
]
ASKED_EXPERIMENTS = """
1    name='Cats'
1    name LIKE 'Cat%'
21   name ILIKE 'cat%'
1    experiment_id='1'
1    experiment_id='01'
320  experiment_id != '1'
21   experiment_id IN ('1','2')
32   creation_time > 2
3210 last_update_time > 0
1    tags.team = 'red'
2    tag.team ILIKE 'blue'
2    tags.`x y` = '1'
30   tags.team IS NULL
2    tags.team != 'red'
1    attribute.name = 'Cats'
x    name IN ('Cats')
x    name > 'a'
x    experiment_id='abc'
x    experiment_id LIKE '1'
x    experiment_id = 1
x    creation_time = 2.0
x    creation_time = '1'
x    tags.team IN ('red')
x    metrics.x > 1
x    run.name='Cats'
x    name IS NULL
x    lifecycle_stage = 'active'
"""


@pytest.mark.parametrize(("where", "answer"), table(ASKED_EXPERIMENTS))
def test_experiments_that_match_as_in_mlflow(where, answer):
    """A filter over experiments selects, or is refused, as in MLflow, and so is their default order."""
    if answer == "x":
        with pytest.raises(Unacceptable):
            plan(EXPERIMENTS, [], where)
    else:
        assert "".join(one.id for one in found(EXPERIMENTS, STOCK_EXPERIMENTS, where)) == answer


@pytest.mark.parametrize(
    ("order", "answer"),
    [
        ("name", "1032"),
        ("name DESC", "2301"),
        ("creation_time", "0123"),
        ("experiment_id", "0123"),
        ("last_update_time", "0123"),
        ("attribute.name", "1032"),
        ("`name` desc", "2301"),
    ],
)
def test_experiments_in_the_order_of_mlflow(order, answer):
    """Experiments come in the order that MLflow gives them."""
    assert "".join(one.id for one in found(EXPERIMENTS, STOCK_EXPERIMENTS, "", [order])) == answer


STOCK_MODELS = [
    a_model(
        "1",
        name="m1",
        model_type="sk",
        created_at=10,
        params={"p": "1"},
        tags={"k": "v"},
        source_run_id="r",
        metrics=[("acc", 0.5, 0, "d1", "g1"), ("acc", 0.9, 1, "d2", "g2")],
    ),
    a_model(
        "2",
        name="m2",
        model_type="torch",
        status="PENDING",
        created_at=20,
        params={"p": "2"},
        tags={"k": "V"},
        source_run_id="r",
        metrics=[("acc", 0.7, 0, "d1", "g1"), ("loss.min", 1.0, 0, None, None)],
    ),
    a_model(
        "3",
        name="m3",
        status="FAILED",
        created_at=30,
        source_run_id="r",
        metrics=[("acc", 0.6, 5, "d1", "g9"), ("acc", 0.8, 1, "d1", "g9")],
    ),
    a_model("4", name="m4", model_type="sk", created_at=40),
]
ASKED_MODELS = """
1    name='m1'
4321 name LIKE 'm%'
21   name IN ('m1','m2')
432  name NOT IN ('m1')
1    model_id='1'
41   model_type='sk'
2    model_type!='sk'
41   status='READY'
32   status!='READY'
431  status IN ('READY','FAILED')
321  source_run_id != 'x'
432  creation_timestamp > 10
432  creation_time > 10.5
21   metrics.acc > 0.65
2    metrics.loss.min = 1
21   metrics.`acc` > .65
1    params.p = '1'
21   params.p IN ('1','2')
21   tags.k ILIKE 'v'
1    name='m1' AND params.p='1'
1    attributes.name='m1'
x    status LIKE 'R%'
x    status='ready'
x    creation_timestamp > '5'
x    metrics.acc > 'x'
x    params.p IS NULL
x    params.p > '1'
x    foo = 'x'
"""


@pytest.mark.parametrize(("where", "answer"), table(ASKED_MODELS))
def test_logged_models_that_match_as_in_mlflow(where, answer):
    """A filter over logged models selects, or is refused, as in MLflow, and so is their default order."""
    if answer == "x":
        with pytest.raises(Unacceptable):
            plan(LOGGED_MODELS, ["1"], where)
    else:
        assert "".join(one.model_id for one in found(LOGGED_MODELS, STOCK_MODELS, where)) == answer


@pytest.mark.parametrize(
    ("where", "on", "answer"),
    [
        ("metrics.acc > 0.4", [OnDataset("d1")], "321"),
        ("metrics.acc > 0.65", [OnDataset("d1")], "2"),
        ("", [OnDataset("d1", "g1")], "21"),
        ("", [OnDataset("d2"), OnDataset("d1", "g9")], "31"),
    ],
)
def test_logged_models_on_datasets_as_in_mlflow(where, on, answer):
    """A search restricted to datasets selects the logged models that MLflow selects."""
    assert "".join(one.model_id for one in found(LOGGED_MODELS, STOCK_MODELS, where, on=on)) == answer
