"""What stock MLflow answered about runs: mlflow 3.18.0's SQL store on SQLite, asked over the same records."""

import math

import pytest

from functions.errors import Unacceptable
from functions.search.fields import RUNS
from functions.search.plan import plan
from tests.functions.search.records import Shelf, a_run, an_input, found, table

SHELVES = {"1": Shelf("d1", "g1"), "2": Shelf("d2", "g2"), "3": Shelf("d2", "g1")}
FACTS = {
    "a": {"name": "Alpha", "user_id": "ann", "start_time": 1000, "end_time": 2000, "status": "FINISHED"},
    "b": {"name": "beta", "user_id": "ben", "start_time": 2000, "end_time": 3000, "status": "FAILED"},
    "c": {"name": "Gamma", "user_id": "ann", "start_time": 3000},
    "d": {"name": "delta 100%", "user_id": "dan", "start_time": 3500},
}
PARAMS = {
    "a": {"model": "LR", "lr": "0.1", "q": "it's"},
    "b": {"model": "lr", "lr": "0.2"},
    "c": {"model": "X%Y_Z"},
    "d": {"model": "XaYbZ", "lr": ""},
}
TAGS = {"a": {"env": "prod", "t.a.g": "x"}, "b": {"env": "Prod"}, "c": {}, "d": {"env": "dev\nline"}}
METRICS = {
    "a": {"acc": [0.9], "loss": [math.nan]},
    "b": {"acc": [0.5, 0.95], "loss": [0.0]},
    "c": {"acc": [math.inf], "loss.min": [3.0]},
    "d": {"loss": [-2.5, -1.5]},
}
INPUTS = {
    "a": [an_input("1", "train"), an_input("2", "eval")],
    "b": [an_input("1")],
    "d": [an_input("3", "train")],
}
STOCK_RUNS = [
    a_run(one, params=PARAMS[one], tags=TAGS[one], metrics=METRICS[one], inputs=INPUTS.get(one, ()), **facts)
    for one, facts in FACTS.items()
]


SAME = r"""
bc   metrics.acc > 0.9
abc  metric.acc >= 0.9
b    metrics.acc = 0.95
ac   metrics.acc != 0.95
b    metrics.loss = 0
ad   metrics.loss != 0
bd   metrics.loss < 1
b    metrics.loss >= -1e0
c    metrics.acc > 1e308
abc  metrics.acc > .5
c    metrics.acc > 5.
abc  metrics.acc > -.5
abc  metrics.acc > 1E-1
bc   metrics."acc" > 0.9
bc   metrics.`acc`>0.9
bc   `metrics`.acc > 0.9
bc   `metrics`.`acc` > 0.9
bc   metrics.'acc' > 0.9
c    metrics.`loss.min` = 3
-    metrics.é > 3
-    metrics.and > 1
-    metrics.count > 1
-    tags.is = 'a'
-    tags.like LIKE 'a'
a    params.model = 'LR'
bcd  params.model != 'LR'
a    params.model LIKE 'L%'
b    params.model like 'l%'
ab   params.model ILIKE 'l%'
ab   params.model ILIKE 'LR'
cd   params.model LIKE 'X%Y_Z'
-    params.model LIKE 'X\%Y%'
cd   params.model LIKE 'X_Y_Z'
abcd params.model LIKE '%'
-    params.model LIKE ''
cd   params.model LIKE '%Y%'
d    params.lr = ''
c    params.lr IS NULL
abd  params.lr IS NOT NULL
abd  params.lr is not null
a    params.lr = "0.1"
a    params.q = "it's"
a    params."q" = "it's"
a    parameter.model = 'LR'
a    parameters.model = 'LR'
a    tag.env = 'prod'
ab   tags.env ILIKE 'PROD'
bd   tags.env != 'prod'
d    tags.env LIKE 'dev%'
d    tags.env LIKE 'dev_line'
d    tags.env LIKE '%line'
a    tags."t.a.g" = 'x'
a    tags.t.a.g = 'x'
a    tags.`t.a.g` = 'x'
c    tags.env IS NULL
b    tags.`mlflow.runName` = 'beta'
b    attributes.run_name = 'beta'
d    run_name LIKE 'del%'
-    run_name LIKE '%100\%'
b    `run name` = 'beta'
b    "run name" = 'beta'
b    attributes."Run name" = 'beta'
acd  attributes.`Run Name` != 'beta'
a    run_id = 'a'
ab   run_id IN ('a', 'b')
a    run_id IN ('a',)
a    run_id IN ("a")
cd   run_id NOT IN ('a', 'b')
a    run_id in ('a')
cd   status = 'RUNNING'
ab   status != 'RUNNING'
-    attributes.status = 'finished'
ab   status LIKE 'F%'
ab   status ILIKE 'f%'
b    attr.status = 'FAILED'
b    run.status = 'FAILED'
b    attribute.status = 'FAILED'
ac   user_id = 'ann'
bcd  start_time > 1000
cd   start_time >= 2000.5
a    created < 2000
a    Created < 2000
abd  start_time != 3000
ab   end_time > 0
b    end_time != 2000
abcd artifact_uri LIKE '%'
ab   datasets.name = 'd1'
ab   dataset.name = 'd1'
ad   datasets.name != 'd1'
abd  datasets.name LIKE 'd%'
abd  datasets.name IN ('d1','d2')
ad   datasets.name NOT IN ('d1')
abd  datasets.digest = 'g1'
a    datasets.name = 'd1' AND datasets.digest = 'g2'
ad   datasets.context = 'train'
a    datasets.context != 'train'
ad   datasets.context IN ('train', 'x')
a    datasets.name = 'd1' AND datasets.context = 'train'
ad   datasets.name = 'd2' AND datasets.context = 'train'
a    metrics.acc > 0.1 AND params.model = 'LR'
a    metrics.acc > 0.1 aNd params.model = 'LR' AND status = 'FINISHED'
a    metrics.loss != 0 AND metrics.acc >= 0.9
bd   metrics.loss > -2 AND metrics.loss < 1
b    tags.env LIKE 'Pro_' AND params.lr LIKE '0._'
cd   params.model ILIKE 'X_y%'
cd   params.model LIKE '_____'
cd   params.model LIKE '%_%_%_%_%'
abc  run_name ILIKE '%A'
abc  run_name LIKE '%a'
d    user_id != 'ann' AND status != 'FAILED'
b    user_id LIKE '_en'
c    attributes.status = 'RUNNING' AND tags.env IS NULL
bc   start_time > 1000 AND start_time <= 3000
a    end_time >= 2000 AND end_time < 3000
ad   datasets.digest LIKE 'g_' AND datasets.context ILIKE 'TRAIN'
ab   datasets.name ILIKE 'D1'
a    datasets.context LIKE 'e%'
abc  tags.`mlflow.runName` LIKE '%a'
abcd tags.`mlflow.runName` IS NOT NULL
c    metrics.`loss.min` > 0
d    metrics.loss = -1.5
-    metrics.loss = -2.5
-    metrics.acc = 0.5
bcd  run_id != 'a'
abcd run_id LIKE '%'
abcd run_id ILIKE '%'
"""


@pytest.mark.parametrize(("where", "answer"), table(SAME))
def test_runs_that_match_as_in_mlflow(where, answer):
    """A filter that MLflow understands selects the same runs here."""
    assert sorted(run.run_id for run in found(RUNS, STOCK_RUNS, where, datasets=SHELVES)) == list(answer)


REFUSED = r"""
metrics.acc = NaN
metrics.acc > 0x1
metrics.acc > 1_0
`metrics.acc` > 0.9
tags.in IN ('a')
params.model NOT LIKE 'L%'
params.model IN ('LR')
params.lr > '0.1'
params.lr = 0.1
params.lr = LR
params.lr = `LR`
run_name IN ('beta')
run_id IN ()
run_id IN (a)
run_id IN (1)
run_id IN 'a'
run_id IN ('a'
status IN ('FAILED')
status > 'A'
start_time = '1000'
start_time LIKE 1000
experiment_id = '1'
lifecycle_stage = 'active'
name = 'x'
datasets.profile = 'x'
datasets.name IS NULL
datasets.name > 'a'
metrics.acc IS NULL
status IS NULL
metrics.acc > 0.1;
metrics.acc > 0.1; metrics.acc < 3
metrics.acc > 0.1 -- c
metrics.acc == 0.1
metrics.acc <> 0.1
metrics.acc ~ 0.1
metrics.acc => 0.1
metrics.acc > 'x'
metrics.acc > metrics.loss
0.1 < metrics.acc
1=1
acc > 1
m.acc > 1
Metrics.acc > 1
metrics > 1
.acc > 1
metrics.acc
metrics.acc >
metrics . acc > 0.9
params.model = 'LR
params.model = LR'
params.model = "LR'
`metrics.acc > 0.1
tags.a = = 'x'
status IS 'RUNNING'
status = true
params.model RLIKE 'x'
params.model BETWEEN 'a' AND 'z'
"""


@pytest.mark.parametrize("where", REFUSED.strip().splitlines())
def test_filters_that_both_refuse(where):
    """A filter that MLflow refuses for a reason is refused here too."""
    with pytest.raises(Unacceptable):
        plan(RUNS, ["1"], where)


ORDERS = """
abcd  metrics.acc
cbad  metrics.acc DESC
dbac  metrics.loss
bdac  metrics.loss DESC
dabc  params.lr
badc  params.lr DESC
acdb  params.model
bdca  params.model DESC
bdac  tags.env
adbc  tags.env DESC
abdc  end_time
badc  end_time DESC
abcd  start_time
dcba  start_time DESC
acbd  run_name
dbca  run_name DESC
abcd  created
dcba  created DESC
badc  status
dbca  user_id DESC
abcd  metrics.`acc`
abcd  metrics.acc asc
cdba  metrics.`loss.min`
dcba  metrics.none
acbd  tags.`mlflow.runName`
dcab  attributes.status DESC
bacd  status, user_id
cabd  user_id, status DESC
dcab  status DESC, metrics.loss
acbd  user_id, start_time ASC
"""


@pytest.mark.parametrize(("order", "answer"), table(ORDERS))
def test_runs_in_the_order_of_mlflow(order, answer):
    """An order that MLflow understands gives the same sequence here."""
    assert "".join(run.run_id for run in found(RUNS, STOCK_RUNS, None, order.split(", "))) == answer


# Where the house differs on purpose: what MLflow answered, what the house answers ("x": 400), and why.
DIFFERENT = [
    ("metrics.loss.min = 3", "c", "", "a statistic; the key loss.min is metrics.`loss.min`"),
    ("params.q = 'it''s'", "", "a", "a doubled quote is one quote, as in SQL"),
    (r"params.q = 'it\'s'", "", "x", "a backslash is itself, also before a quote"),
    ("metrics.acc > 1e400", "", "x", "it is no float64"),
    ("end_time < 1e400", "ab", "x", "it is no float64"),
    ("metrics.acc > 0.1 AND", "abc", "x", "a clause is missing"),
    ("AND metrics.acc > 0.1", "abc", "x", "a clause is missing"),
    ("metrics.acc > 0.1 AND AND params.model = 'LR'", "a", "x", "a clause is missing"),
    ("metrics.acc > 0.1 params.model = 'LR'", "a", "x", "AND is missing"),
    ("metrics. > 1", "", "x", "the key is missing"),
    ("metrics.`` > 1", "", "x", "the key is missing"),
    ("run_id IN ('a' 'b')", "", "x", "the comma is missing"),
    (" ", "x", "abcd", "blank is no filter"),
    ("metrics.acc > +0.5", "x", "abc", "a number may have a sign"),
    ("metrics.acc > 1e+1", "x", "c", "an exponent may have a sign"),
    ('"metrics".acc > 0.9', "x", "bc", "an entity may be quoted"),
    ("metrics.val-loss > 3 OR metrics.a/b:c > 3", "x", "", "there is no arithmetic"),
    ("params.in IS   NOT   NULL", "x", "", "what follows a dot is a key, and space is space"),
    ("start_time < 99999999999999999999999999999", "x", "abcd", "a whole number may be large"),
    ("attributes.created_by != 'x'", "x", "abcd", "who made a run can be asked"),
    ("NOT (metrics.acc > 0.9 OR params.model = 'LR')", "x", "d", "OR, NOT and parentheses"),
]


@pytest.mark.parametrize(("where", "theirs", "ours", "why"), DIFFERENT)
def test_differences_from_mlflow(where, theirs, ours, why):
    """Where the house answers otherwise than MLflow, it is on purpose and for a reason."""
    assert theirs != ours, why
    if ours == "x":
        with pytest.raises(Unacceptable):
            plan(RUNS, ["1"], where)
    else:
        assert sorted(run.run_id for run in found(RUNS, STOCK_RUNS, where, datasets=SHELVES)) == list(ours), (
            why
        )
