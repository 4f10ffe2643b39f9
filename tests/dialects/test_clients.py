"""Unmodified MLflow clients, each in an environment of its own, against the house over HTTP."""

import pytest

from tests.conftest import OLDEST_AND_NEWEST

pytestmark = pytest.mark.client


def test_fluent_calls_work(flow, open_house):
    """What a training script writes with mlflow's fluent calls is found again, NaN and infinities too."""
    flow("fluent", open_house)


def test_the_client_works(flow, open_house):
    """MlflowClient creates, reads, changes, deletes and restores, and is refused with MLflow's codes."""
    flow("client", open_house)


def test_searching_works(flow, open_house):
    """Filters, orders and pages give what MLflow gives, and OR, NOT and statistics besides."""
    flow("searches", open_house)


@OLDEST_AND_NEWEST
def test_autologging_works(flow, open_house):
    """Autologging, background logging and system metrics work."""
    flow("training", open_house)


def test_logged_models_work(flow, open_house):
    """Clients of version 3 keep logged models, and those of version 2 the tag that did it before."""
    flow("models", open_house)


def test_workspaces_are_teams(flow, closed_house):
    """A client names a team in the address or as its workspace, and sees nothing of another one."""
    flow(
        "workspaces",
        closed_house["url"],
        OWNER=closed_house["teams"]["red"]["owner"],
        BOTH=closed_house["both"],
        ADMIN=closed_house["admin"],
        ONE="red",
        OTHER="blue",
    )


def test_credentials_decide(flow, closed_house):
    """Bearer and basic tokens are taken, wrong ones are not, and each may do what its role and scope say."""
    red = closed_house["teams"]["red"]
    flow(
        "credentials",
        closed_house["url"],
        CONTRIBUTOR=red["contributor"],
        VIEWER=red["viewer"],
        LOG=red["log"],
        STRANGER=closed_house["teams"]["blue"]["owner"],
    )
