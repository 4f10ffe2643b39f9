"""Filters as text."""

import pytest

from functions.errors import Unacceptable
from functions.search.fields import EXPERIMENTS, LOGGED_MODELS, RUNS, Entity
from functions.search.grammar import parse
from functions.search.tree import And, Clause, Field, Not, Or

A, B, C = (Clause(Field(Entity.TAG, key), "=", "1") for key in "abc")


def refusal(text, target=RUNS):
    """The message with which a filter is refused."""
    with pytest.raises(Unacceptable) as caught:
        parse(text, target)
    assert caught.value.field == "filter"
    return caught.value.message


def field(text, target=RUNS):
    """The field of a single clause."""
    return parse(text, target).field


@pytest.mark.parametrize("text", [None, "", "  \n\t"])
def test_no_filter(text):
    """Blank text is no filter."""
    assert parse(text, RUNS) is None


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("tags.a = '1'", A),
        ("tags.a = '1' AND tags.b = '1' and tags.c = '1'", And((A, B, C))),
        ("tags.a = '1' OR tags.b = '1' oR tags.c = '1'", Or((A, B, C))),
        ("tags.a = '1' OR tags.b = '1' AND tags.c = '1'", Or((A, And((B, C))))),
        ("(tags.a = '1' OR tags.b = '1') AND tags.c = '1'", And((Or((A, B)), C))),
        ("NOT tags.a = '1' AND tags.b = '1'", And((Not(A), B))),
        ("NOT (tags.a = '1' AND tags.b = '1')", Not(And((A, B)))),
        ("not not tags.a = '1'", Not(Not(A))),
        ("((tags.a='1'))AND(tags.b='1')", And((A, B))),
    ],
)
def test_precedence(text, tree):
    """NOT binds closer than AND, AND closer than OR, and parentheses closest."""
    assert parse(text, RUNS) == tree


@pytest.mark.parametrize(
    ("spelling", "entity"),
    [
        *((spelling, Entity.METRIC) for spelling in ("metric", "metrics", "`metrics`")),
        *((spelling, Entity.PARAM) for spelling in ("param", "params", "parameter", "parameters")),
        *((spelling, Entity.TAG) for spelling in ("tag", "tags", "`tag`")),
    ],
)
def test_entity_spellings(spelling, entity):
    """An entity has the spellings of MLflow."""
    value = "1" if entity is Entity.METRIC else "'1'"
    assert field(f"{spelling}.k = {value}").entity is entity


@pytest.mark.parametrize(
    "key",
    ["status", "attribute.status", "attributes.status", "attr.status", "run.status", '"status"', "`status`"],
)
def test_attribute_spellings(key):
    """A key without an entity is an attribute, and the entity may be said."""
    assert field(f"{key} = 'x'") == Field(Entity.ATTRIBUTE, "status")


@pytest.mark.parametrize(
    ("alias", "name", "value"),
    [
        ("created", "start_time", "1"),
        ("attributes.Created", "start_time", "1"),
        ("`run name`", "run_name", "'x'"),
        ('attributes."Run name"', "run_name", "'x'"),
        ("attributes.`Run Name`", "run_name", "'x'"),
    ],
)
def test_attribute_aliases(alias, name, value):
    """Attributes of runs have MLflow's other names too."""
    assert field(f"{alias} = {value}").key == name


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("a", "a"),
        ("t.a.g", "t.a.g"),
        ("`t.a.g`", "t.a.g"),
        ('"two words"', "two words"),
        ("`two words`", "two words"),
        ("'two words'", "two words"),
        ("2x", "2x"),
        ("and", "and"),
        ("train/loss", "train/loss"),
        ("val-loss", "val-loss"),
        ("système:1", "système:1"),
        ("min", "min"),
        ("a.min", "a.min"),
    ],
)
def test_keys(written, key):
    """A key may be quoted with backticks or quotes; unquoted it holds dots and what keys of metrics hold."""
    assert field(f"tags.{written} = ''") == Field(Entity.TAG, key)


@pytest.mark.parametrize(
    ("written", "key", "statistic"),
    [
        ("loss", "loss", "last"),
        ("loss.min", "loss", "min"),
        ("loss.last", "loss", "last"),
        ("loss.at_best", "loss", "at_best"),
        ("val.loss.max", "val.loss", "max"),
        ("`val.loss`.first", "val.loss", "first"),
        ('"val.loss".best', "val.loss", "best"),
        ("`loss.min`", "loss.min", "last"),
        ("`loss.min`.min", "loss.min", "min"),
        ("min", "min", "last"),
        ("min.min", "min", "min"),
        ("loss.mean", "loss.mean", "last"),
        ("loss.MIN", "loss.MIN", "last"),
    ],
)
def test_statistics(written, key, statistic):
    """The last unquoted part of a run metric's key is a statistic where something stands before it."""
    assert field(f"metrics.{written} > 0") == Field(Entity.METRIC, key, statistic)


def test_no_statistics_of_logged_models():
    """A logged model's metrics are single values, so that `.min` belongs to the key, as in MLflow."""
    assert field("metrics.loss.min > 0", LOGGED_MODELS) == Field(Entity.METRIC, "loss.min", "last")


@pytest.mark.parametrize("key", ["metrics.loss.`min`", "metrics.`a`.b", "tags.a.`b`", "metrics.a.'b'.min"])
def test_half_quoted_keys(key):
    """A key that is quoted in part only is refused, since it could mean two things."""
    assert "quote the whole key" in refusal(f"{key} > 0")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("'LR'", "LR"),
        ('"LR"', "LR"),
        ('"L\'Hosp"', "L'Hosp"),
        ("'say \"x\"'", 'say "x"'),
        ("'it''s'", "it's"),
        ('"a""b"', 'a"b'),
        ("''", ""),
        (r"'C:\dir\'", "C:\\dir\\"),
        ("'AND (OR'", "AND (OR"),
        ("'a\nb'", "a\nb"),
        ("'\ud800\0'", "\ud800\0"),
    ],
)
def test_strings(written, value):
    """A string stands in either kind of quotes; a doubled quote is one and a backslash is itself."""
    assert parse(f"params.a = {written}", RUNS).value == value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1.0), ("-1.5", -1.5), ("+.5", 0.5), ("5.", 5.0), ("1E-1", 0.1), ("1e+1", 10.0), ("0e9", 0.0),
        ("1.7976931348623157e308", 1.7976931348623157e308), ("5e-324", 5e-324), ("9007199254740993", 2.0**53),
        ("Infinity", float("inf")), ("-inf", float("-inf")), ("-0.0", 0.0), ("1" * 300, float("1" * 300)),
    ],
)  # fmt: skip
def test_numbers(written, value):
    """Numbers are finite float64, or infinite where that is written."""
    assert parse(f"metrics.a > {written}", RUNS).value == value


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("1e400", "cannot hold a number so large"),
        ("-1e400", "cannot hold a number so large"),
        ("9" * 309, "cannot hold a number so large"),
        ("1e-400", "cannot hold a number so close to 0"),
        ("0." + "0" * 390 + "1", "cannot hold a number so close to 0"),
        ("0" * 401, "at most 400 characters"),
        ("1" * 5000, "at most 400 characters"),
        ("NaN", "NaN equals nothing"),
        ("-nan", "NaN equals nothing"),
        ("1_0", "Invalid clause(s)"),
        ("0x1", "Invalid clause(s)"),
        ("1e", "Invalid clause(s)"),
        ("1.2.3", "Invalid clause(s)"),
        ("\u0661", "Invalid clause(s)"),
        ("\u0131nf", "Expected numeric value"),
    ],
)
def test_numbers_that_are_none(written, reason):
    """A number that a float64 cannot hold is refused, not turned into another one; so is NaN."""
    assert reason in refusal(f"metrics.a > {written}")


def test_times_are_exact():
    """A time is compared as a whole number, not rounded to a float64."""
    assert parse("start_time > 9007199254740993", RUNS).value == 9007199254740993
    assert parse("start_time >= 0.5", RUNS).value == 0.5


@pytest.mark.parametrize("value", ["1.0", "1e3", "Infinity", "'1'"])
def test_times_of_experiments(value):
    """MLflow compares an experiment's times with whole numbers only."""
    assert "numeric" in refusal(f"creation_time > {value}", EXPERIMENTS)


def test_lists():
    """IN and NOT IN take a list of strings, with a trailing comma if a client printed a tuple."""
    assert parse("run_id in ('a', \"b\")", RUNS).value == ("a", "b")
    assert parse("run_id Not  In ('a',)", RUNS) == Clause(Field(Entity.ATTRIBUTE, "run_id"), "NOT IN", ("a",))


@pytest.mark.parametrize("text", ["tags.a is null", "tags.a IS\nNULL"])
def test_presence(text):
    """IS NULL has no value, and operators are case-insensitive with any space between their words."""
    assert parse(text, RUNS) == Clause(Field(Entity.TAG, "a"), "IS NULL", None)
    assert parse(text.lower().replace("null", "not null"), RUNS).operator == "IS NOT NULL"


def test_codes():
    """An experiment's id and a model's status are compared as the numbers that MLflow gives them."""
    assert parse("experiment_id = '007'", EXPERIMENTS).value == 7
    assert parse("experiment_id IN ('1', '2')", EXPERIMENTS).value == (1, 2)
    assert parse("status = 'READY'", LOGGED_MODELS) == parse("status = 'LOGGED_MODEL_READY'", LOGGED_MODELS)
    assert parse("status = 'LOGGED_MODEL_UPLOAD_FAILED'", LOGGED_MODELS).value == 3


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        (
            "m.acc > 1",
            RUNS,
            "Invalid entity type 'm' at character 1: for runs it is one of attributes, metrics",
        ),
        ("Metrics.acc > 1", RUNS, "Invalid entity type 'Metrics'"),
        ("`metrics.acc` > 1", RUNS, "Invalid attribute key 'metrics.acc'"),
        ("metrics.x > 1", EXPERIMENTS, "Invalid entity type 'metrics' at character 1: for experiments"),
        ("datasets.name = 'x'", LOGGED_MODELS, "Invalid entity type 'datasets'"),
        ("run.name = 'x'", EXPERIMENTS, "Invalid entity type 'run'"),
        ("acc > 1", RUNS, "Invalid attribute key 'acc' at character 1: runs have run_id, run_name"),
        ("name = 'x'", RUNS, "Invalid attribute key 'name'"),
        ("attribute.experiment_id = '1'", RUNS, "Invalid attribute key 'experiment_id'"),
        ("lifecycle_stage = 'active'", EXPERIMENTS, "Invalid attribute key 'lifecycle_stage'"),
        ("tags.a = '1' AND datasets.profile = 'x'", RUNS, "Invalid dataset key 'profile' at character 18"),
        (
            "metrics.a LIKE 'x'",
            RUNS,
            "Invalid comparator 'LIKE' for 'metrics.a' at character 11: it is one of =",
        ),
        ("metrics.a == 1", RUNS, "Invalid comparator '=='"),
        ("metrics.a <> 1", RUNS, "Invalid comparator '<>'"),
        ("params.a ~ 'x'", RUNS, "Invalid comparator '~'"),
        ("params.a > '1'", RUNS, "Invalid comparator '>'"),
        ("params.a IN ('1')", RUNS, "Invalid comparator 'IN'"),
        ("status IN ('FAILED')", RUNS, "Invalid comparator 'IN'"),
        ("status IS NULL", RUNS, "Invalid comparator 'IS NULL'"),
        ("metrics.a IS NOT NULL", RUNS, "Invalid comparator 'IS NOT NULL'"),
        ("start_time LIKE '1'", RUNS, "Invalid comparator 'LIKE'"),
        ("datasets.name > 'a'", RUNS, "Invalid comparator '>'"),
        ("name IN ('x')", EXPERIMENTS, "Invalid comparator 'IN'"),
        ("experiment_id LIKE '1'", EXPERIMENTS, "Invalid comparator 'LIKE'"),
        ("status LIKE 'R%'", LOGGED_MODELS, "Invalid comparator 'LIKE'"),
        ("metrics.a = 'x'", RUNS, "Expected numeric value type for metric 'metrics.a'"),
        ("metrics.a > metrics.b", RUNS, "Expected numeric value type for metric"),
        ("start_time = '1'", RUNS, "Expected numeric value type for numeric attribute"),
        ("params.a = 5", RUNS, "Expected a quoted string value for 'params.a', such as 'my-value'"),
        ("params.a = LR", RUNS, "Expected a quoted string value"),
        ("params.a = `LR`", RUNS, "Expected a quoted string value"),
        ("status = 1", RUNS, "Expected a quoted string value"),
        (
            "experiment_id = '0x1'",
            EXPERIMENTS,
            "Invalid experiment_id '0x1' at character 17: it is a decimal number",
        ),
        (
            "status = 'ready'",
            LOGGED_MODELS,
            "Invalid status 'ready' at character 10: it is PENDING, READY or FAILED",
        ),
    ],
)
def test_what_is_not_there(text, target, message):
    """An unknown entity, key, operator or value is refused with its place and with what would be right."""
    assert message in refusal(text, target)


GARBAGE = """
metrics.a
metrics.a >
metrics.a > 1 AND
AND metrics.a > 1
metrics.a > 1 AND AND metrics.b > 1
metrics.a > 1 metrics.b > 1
metrics.a > 1 NAND metrics.b > 1
metrics.a > 1;
metrics.a > 1 -- c
metrics.a > 1 /* c */
(metrics.a > 1
metrics.a > 1)
()
NOT
OR
1 = 1
0.1 < metrics.a
'a' = 'b'
status = true
status IS 'RUNNING'
tags.a = = 'x'
tags.a IS NOT
tags.a NOT 'x'
params.a NOT LIKE 'x'
params.a RLIKE 'x'
params.a BETWEEN 'a' AND 'z'
params.a = 'LR
params.a = LR'
params.a = "LR'
`metrics.a > 1
param`.a > 1
metrics.`` > 1
metrics."" > 1
metrics. > 1
.a > 1
run_id IN ()
run_id IN (1)
run_id IN ('a'
run_id IN ('a' 'b')
run_id IN 'a'
run_id IN (,)
%
$(rm)
{}
\ud800
\0
""".strip().splitlines()


@pytest.mark.parametrize("text", GARBAGE)
def test_garbage(text):
    """What does not follow the grammar is refused in the words that MLflow's clients look for."""
    assert "Invalid clause(s) in filter string" in refusal(text)


def test_messages_show_the_place():
    """A refusal names the character and what would be right, and repeats little of what was sent."""
    assert refusal("tags.a = '1' OR (tags.b = '2'") == (
        "Invalid clause(s) in filter string: at its end: expected AND, OR or a closing parenthesis."
    )
    assert refusal("tags.a = '1' xor tags.b = '2'") == (
        "Invalid clause(s) in filter string: 'xor' at character 14: expected AND, OR or the end."
    )
    assert len(refusal("x" * 50_000 + " = '1'")) < 500
    assert refusal("tags.a = '\ud800").encode()
