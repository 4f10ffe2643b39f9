"""Records to search: real runs, experiments and logged models, without a table."""

from dataclasses import dataclass

from functions.runs.content import AtBest, Content, Input, Metric
from functions.runs.merge import Facts, Goals, Run, summary
from functions.search.plan import plan
from functions.search.readers import CONTEXT_TAG
from runhaven.wire.experiments import Experiment
from runhaven.wire.logged_models import LoggedModel, ModelMetric


def a_run(run_id="r", *, goals=None, primary=None, at_best=None, **given):
    """A run as its service gives it; metrics are lists of values at steps 0, 1, 2 ... or Metric."""
    content = Content()
    content.params, content.tags = dict(given.pop("params", {})), dict(given.pop("tags", {}))
    content.inputs = list(given.pop("inputs", ()))
    for key, known in given.pop("metrics", {}).items():
        content.metrics.changed[key] = known if isinstance(known, Metric) else series(known)
    if at_best is not None and primary in content.metrics:
        leader, goal = content.metrics[primary], goals[primary]
        step = leader.min_step if goal == "min" else leader.max_step
        content.at_best = AtBest(primary, goal, step, dict(at_best))
    facts = {
        "experiment_id": "1", "name": "", "status": "RUNNING", "start_time": 0, "end_time": None,
        "user_id": "", "created_by": "", "token": None, "deleted_at": None, "rv": 1, "blocks": 0, "due": None,
    } | given  # fmt: skip
    return Run(Facts(run_id=run_id, **facts), content.packed(), goals=Goals(goals or {}, primary))


def series(values):
    """What is known of a metric that had these values at steps 0, 1, 2 ..."""
    return summary([("", value, step, step) for step, value in enumerate(values)])


def an_input(dataset_id="", context=None, model_id=""):
    """An input of a run."""
    return Input(dataset_id, model_id, {} if context is None else {CONTEXT_TAG: context})


@dataclass(frozen=True)
class Shelf:
    """A dataset's name and digest."""

    name: str
    digest: str


def an_experiment(number, name="", *, created=0, updated=0, **tags):
    """An experiment as its service gives it."""
    return Experiment(str(number), name, created, updated, tags=tags)


def a_model(model_id, *, metrics=(), **given):
    """A logged model as its service gives it; a metric is (key, value, step, dataset name, digest).

    A later step comes at an earlier time, since the step decides what is latest.
    """
    rows = [
        ModelMetric(key, value, 100 - step, step, name, digest) for key, value, step, name, digest in metrics
    ]
    plain = {
        "experiment_id": "1", "name": "m", "status": "READY", "model_type": None, "source_run_id": None,
        "created_at": 0, "updated_at": 0, "created_by": "",
    } | given  # fmt: skip
    return LoggedModel(model_id, metrics=rows, **plain)


def found(target, records, where, order_by=(), *, on=(), datasets=None):
    """The records that match, in order."""
    asked = plan(target, ["1"], where, order_by, on=on)
    return asked.page(records, 100, datasets=datasets)[0]


def table(text):
    """Rows of an answer, `-` for an empty one, and what was asked."""
    rows = (line.split(maxsplit=1) for line in text.strip().splitlines())
    return [(asked, answer.strip("-")) for answer, asked in rows]
