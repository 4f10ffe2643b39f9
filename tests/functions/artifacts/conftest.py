"""What every test of artifacts may ask for."""

import pytest

from tests import engines
from tests.functions.artifacts import scene, towns


@pytest.fixture(scope="module")
def town(minio):
    """The vaults of red and blue on a real S3 server."""
    with towns.on_minio(minio) as town:
        yield town


@pytest.fixture(scope="module", params=engines.or_moto("minio"))
def either(request):
    """The same vaults, on a real server or on moto."""
    if request.param == "minio":
        yield request.getfixturevalue("town")
    else:
        with towns.on_moto() as town:
            yield town


@pytest.fixture(scope="module", params=engines.or_moto("minio"))
def house(request):
    """A table on moto, with S3 on a real server or on moto; or `dynoxide`: the other way round."""
    url = request.getfixturevalue("minio") if request.param == "minio" else ""
    table_url = request.getfixturevalue("dynoxide") if request.param == "dynoxide" else ""
    with scene.opened(url, table_url):
        yield request.param


@pytest.fixture(scope="module")
def real_house(minio):
    """A table on moto, with a real S3 server."""
    with scene.opened(minio):
        yield "minio"


@pytest.fixture
def one(house):
    """A run of a team that has nothing else."""
    return scene.begun()


@pytest.fixture
def real(real_house):
    """The same on a real S3 server."""
    return scene.begun()
