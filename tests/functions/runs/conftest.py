"""An owner, an experiment and a run in it."""

import pytest

from functions.experiments import service as experiments
from functions.runs import service


@pytest.fixture
def ann(back_end):
    """An owner of the team."""
    return back_end.who()


@pytest.fixture
def experiment(ann):
    """An experiment of the team."""
    return experiments.create(ann, "trials")


@pytest.fixture
def run_id(ann, experiment):
    """A run that has just begun."""
    return service.create(ann, experiment_id=experiment.id, name="first").run_id
