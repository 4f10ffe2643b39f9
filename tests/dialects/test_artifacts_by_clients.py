"""Unmodified MLflow clients keep files and models in the team's vault, and hold no key to it themselves."""

import pytest

from tests.conftest import OLDEST_AND_NEWEST
from tests.dialects.vault import STRAIGHT

pytestmark = pytest.mark.client


def test_files_work(flow, open_house):
    """Files of all sizes around a part, and of all names, are logged, listed, fetched whole and deleted."""
    flow("artifacts", open_house, STRAIGHT="yes", **STRAIGHT)


@OLDEST_AND_NEWEST
def test_small_files_work_without_any_setting(flow, open_house):
    """Every client logs and fetches small files as it comes, whatever way it takes."""
    flow("artifacts", open_house, STRAIGHT="no")


@OLDEST_AND_NEWEST
def test_downloads_by_presigned_url_work(flow, open_house):
    """Clients that are told to fetch by presigned URL do, or find the redirect."""
    flow("artifacts", open_house, STRAIGHT="no", MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD="true")


def test_models_are_logged_and_loaded(flow, open_house):
    """Models of scikit-learn and of one's own come back by runs:/, models:/ and their place."""
    flow("saved_models", open_house)


@OLDEST_AND_NEWEST
def test_autologging_is_whole(flow, open_house):
    """Autologging leaves params, metrics, data, plots, tables and models, and complains of nothing."""
    flow("autologging", open_house)


def test_a_file_that_is_too_large_says_why(flow, open_house):
    """A client that sends a large file through the house reads what to set; newer ones do not."""
    flow("too_large", open_house)
