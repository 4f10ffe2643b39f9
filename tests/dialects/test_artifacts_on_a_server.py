"""`scripts/run --s3 URL`: the same flows on a real S3 server, which enforces what a URL was signed for."""

from pathlib import Path

import pytest

from tests import engines
from tests.conftest import NEWEST, OLDEST_AND_NEWEST
from tests.dialects.vault import STRAIGHT
from tests.file_client import Client
from tests.house_process import house

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", autouse=True)
def keys():
    """The server's keys, where a person who keeps them secret puts them."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in engines.MINIO_USER.items():
            environment.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def house_on_server(tmp_path_factory, minio):
    """A house whose artifacts lie on an S3 server."""
    with house(tmp_path_factory.mktemp("server") / "data", "--auto-teams", "--s3", minio) as opened:
        yield opened.url


@pytest.mark.client
@OLDEST_AND_NEWEST
def test_files_work(flow, house_on_server):
    """Files of all sizes around a part, and of all names, are logged, listed, fetched whole and deleted."""
    flow("artifacts", house_on_server, STRAIGHT="yes", **STRAIGHT)


@pytest.mark.client
@NEWEST
def test_models_are_logged_and_loaded(flow, house_on_server):
    """Models come back by runs:/, models:/ and their place, sent as each client does without any setting."""
    flow("saved_models", house_on_server)


@pytest.mark.client
@NEWEST
def test_small_files_work_without_any_setting(flow, house_on_server):
    """Every client logs and fetches small files as it comes, whatever way it takes."""
    flow("artifacts", house_on_server, STRAIGHT="no")


@pytest.mark.client
@NEWEST
def test_autologging_is_whole(flow, house_on_server):
    """Autologging leaves params, metrics, data, plots, tables and models, and complains of nothing."""
    flow("autologging", house_on_server)


@pytest.mark.client
@pytest.mark.long
@NEWEST
@pytest.mark.parametrize(("what", "size"), [("one", 2**30), ("many", 1_100)])
def test_huge_uploads_arrive(flow, house_on_server, what, size):
    """A sparse file of 1 GiB and a directory of more files than S3 lists in a page are there whole."""
    flow("huge", house_on_server, WHAT=what, SIZE=str(size), **STRAIGHT)


WAYS = [Client.log, Client.put, Client.pass_through]


def test_the_files_are_there_after_a_kill(house_process, minio):
    """A killed house, opened again with --s3, has all its files and takes more; its folder has no secret."""
    house = house_process("--s3", minio)
    house.port = int(house.url.rpartition(":")[2])
    files = Client(house.url)
    files.outlasts_a_kill()
    for number, way in enumerate(WAYS):
        way(files, f"{number}", b"kept")
    house.kill()
    house.start()
    assert [files.fetched(path) for path in files.listed()] == [b"kept"] * len(WAYS)
    for number, way in enumerate(WAYS):
        way(files, f"{number}", b"newer")
    assert [files.fetched(path) for path in files.listed()] == [b"newer"] * len(WAYS)
    secret = engines.MINIO_USER["AWS_SECRET_ACCESS_KEY"]
    kept = [file.read_bytes() for file in Path(house.folder).rglob("*") if file.is_file()]
    assert kept
    assert not any(secret.encode() in content for content in kept)
    assert not any(secret in str(argument) for argument in house.process.args)
