"""What every test of datasets may ask for."""

import pytest

from tests import engines
from tests.functions.artifacts import scene
from tests.functions.datasets import shelf


@pytest.fixture
def ann(back_end):
    """An owner of a team that has nothing yet."""
    return back_end.who()


@pytest.fixture(scope="module", params=engines.or_moto("minio"))
def house(request):
    """A table on moto, with S3 on a real server or on moto; or `dynoxide`: the other way round."""
    url = request.getfixturevalue("minio") if request.param == "minio" else ""
    table_url = request.getfixturevalue("dynoxide") if request.param == "dynoxide" else ""
    with scene.opened(url, table_url):
        yield request.param


@pytest.fixture
def one(house):
    """A shelf of a team that has nothing else."""
    return shelf.begun()
