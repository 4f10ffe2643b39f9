"""An owner, an experiment that wants a low loss, and a run beside a plain list of what it was told."""

import pytest

from functions.experiments import service as experiments
from tests.functions.metrics.scene import Scene


@pytest.fixture
def ann(back_end):
    """An owner of the team."""
    return back_end.who()


@pytest.fixture
def experiment(ann):
    """An experiment that wants a low loss."""
    return experiments.create(ann, "trials", {"runhaven.goal.loss": "min", "runhaven.primary": "loss"})


@pytest.fixture
def scene(ann, experiment):
    """A run that has just begun."""
    return Scene(ann, experiment)
