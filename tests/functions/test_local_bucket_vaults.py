"""Every team of the laptop's house has a vault by itself, and the house keeps it where it was opened for."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import quote, urlsplit

import botocore.session
import pytest

from functions import local, settings
from functions.access import grants
from functions.access.policy import Deployment
from functions.access.principal import Principal
from functions.artifacts import proofs, vaults
from functions.artifacts.service import vault_of
from functions.errors import Unacceptable
from functions.experiments import service as experiments
from functions.local_folder import CannotOpen
from functions.teams import service as teams
from tests import engines
from tests.functions.buckets import PAGE, send

BOSS = Principal("boss", "boss", None, None, deployment=frozenset({Deployment.ADMIN}))


@contextmanager
def house(data=None, **more):
    """The laptop's whole house, open."""
    with local.opened(local.Options(data=data, **more), urlsplit(PAGE).port) as opened:
        yield opened


def vault(team):
    """A team's vault, as the house's jobs find it."""
    return vault_of(grants.for_job(team))


def log(team, key, body):
    """Write by a URL of the team's vault."""
    signed = vaults.presign_put(vault(team), key, length=len(body))
    assert send("PUT", signed.url, body, signed.headers).status == 200


def read(team, key):
    """Read by a URL of the team's vault: what a client without AWS credentials gets."""
    signed = vaults.presign_get(vault(team), key)
    return send("GET", signed.url, None, signed.headers)


def test_every_team_has_an_account_of_its_own(tmp_path):
    """The teams that are made at the start and those of later have buckets in accounts of their own."""
    from moto.s3.models import s3_backends

    with house(tmp_path, auth=True):
        teams.create(BOSS, "green", experiments.founding)
        teams.create(BOSS, "x" * 63, experiments.founding)
        names = ["red", "blue", "green", "x" * 63]
        found = {name: vault(name) for name in names}
        for name, its in found.items():
            log(name, "files/x", name.encode())
            (bucket,) = s3_backends[its.account]["aws"].buckets.values()
            assert (bucket.name, bucket.account_id) == (its.bucket, its.account)
            (only,) = (tmp_path / "objects" / its.bucket).glob("??/*")
            assert only.read_bytes() == name.encode()
        for field in ("account", "bucket", "role_arn", "external_id", "prefix"):
            assert max(Counter(getattr(its, field) for its in found.values()).values()) == 1


def test_the_laptops_own_team(tmp_path):
    """The user without credentials logs and reads at once."""
    with house(tmp_path):
        log("default", "runs/x", b"hello")
        assert read("default", "runs/x").body == b"hello"
        assert vaults.read_small(vault("default"), "runs/x") == b"hello"


def test_a_vault_passes_its_own_check(tmp_path):
    """The laptop's vault proves what a team's on AWS must: role, ExternalId, versions, prefix and account."""
    with house(tmp_path):
        steps = list(proofs.proved(vault("default")))
        assert [step for step in steps if not step.ok] == []


def test_another_teams_vault_is_closed(tmp_path):
    """Who spells another team's bucket, role or prefix into his vault gets into nothing."""
    with house(tmp_path, auth=True):
        red, blue = vault("red"), vault("blue")
        log("blue", "files/x", b"secret")
        for wrong in (
            replace(red, bucket=blue.bucket, account=blue.account, prefix=blue.prefix),
            replace(red, prefix=blue.prefix),
            replace(blue, external_id=red.external_id),
            replace(red, role_arn=blue.role_arn),
        ):
            with pytest.raises(Unacceptable, match="does not let the house in"):
                vaults.put_small(wrong, "files/x", b"changed")
        assert read("blue", "files/x").body == b"secret"


def test_a_vault_stays_where_it_is(tmp_path):
    """The next house in the same folder has the same vaults with what lies in them, and old URLs at once."""
    with house(tmp_path):
        before = vault("default")
        log("default", "files/x", b"kept")
        url = vaults.presign_get(before, "files/x", bare=True).url
    with house(tmp_path):
        assert send("GET", url).body == b"kept"
        assert vault("default") == before
        assert vaults.head(before, "files/x").size == 4


def test_many_look_at_once(tmp_path):
    """A team whose members come all at once has one vault."""
    with house(tmp_path, auth=True), ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(vault, ["red"] * 8))) == 1


def test_nothing_is_kept_without_a_folder():
    """A house without a folder has vaults all the same, and they are gone with it."""
    with house():
        before = vault("default")
        log("default", "files/x", b"x")
    with house():
        assert vault("default") != before
        assert vaults.head(vault("default"), "files/x") is None


def test_the_url_is_the_ports(tmp_path):
    """URLs lead to a loopback port of their own, and its rules are the API's."""
    with house(tmp_path) as opened:
        url = vaults.presign_put(vault("default"), "files/x", bare=True).url
        assert urlsplit(url).hostname == "127.0.0.1"
        assert urlsplit(url).port != urlsplit(opened.url).port
        assert send("PUT", url, b"x", {"origin": opened.url}).status == 200
        assert send("PUT", url, b"x", {"origin": "https://evil.example"}).status == 403


# ---- on an S3 server


@pytest.fixture(scope="module")
def server(minio):
    """The server's address with its keys, as `scripts/run --s3` takes it."""
    key, secret = (quote(part, safe="") for part in engines.MINIO_USER.values())
    return minio.replace("://", f"://{key}:{secret}@")


@pytest.mark.engine
def test_on_a_server(tmp_path, server):
    """With --s3 a team's bucket is made there, its URLs lead there, and the next house finds it."""
    with house(tmp_path, s3=server, auth=True):
        log("red", "files/x", b"1")
        log("red", "files/x", b"2")
        assert read("red", "files/x").body == b"2"
        assert len(vaults.versions(vault("red"), "files/x")) == 2
        its = vault("red")
        assert vaults.presign_get(its, "files/x").url.startswith(settings.settings().s3_url)
        assert "@" not in vaults.presign_get(its, "files/x").url
        assert not (tmp_path / "objects").exists()
    with house(tmp_path, s3=server, auth=True):
        assert vault("red") == its
        assert read("red", "files/x").body == b"2"
        assert vault("blue").bucket != its.bucket


@pytest.mark.engine
def test_places_are_not_mixed_up(tmp_path, server):
    """A house that was opened for the other kind of place says where a team's artifacts lie."""
    with house(tmp_path / "first"):
        log("default", "files/x", b"here")
    with (
        house(tmp_path / "first", s3=server),
        pytest.raises(Unacceptable, match="lie in this house's folder"),
    ):
        vault("default")
    with house(tmp_path / "second", s3=server):
        log("default", "files/x", b"there")
    with house(tmp_path / "second"), pytest.raises(Unacceptable, match="open the house with --s3"):
        vault("default")
    with house(tmp_path / "first"):
        assert read("default", "files/x").body == b"here"


@pytest.mark.engine
def test_a_bucket_that_is_gone(tmp_path, server, minio):
    """A bucket that somebody took away is missed, and not made anew as if nothing had been in it."""
    key, secret = engines.MINIO_USER.values()
    with house(tmp_path, s3=server):
        its = vault("default")
        made = botocore.session.get_session().create_client(
            "s3",
            region_name="eu-central-1",
            endpoint_url=minio,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )
        made.delete_bucket(Bucket=its.bucket)
    with house(tmp_path, s3=server), pytest.raises(Unacceptable, match="NoSuchBucket"):
        vaults.put_small(vault("default"), "files/x", b"x")


@pytest.mark.engine
@pytest.mark.parametrize(
    "change", [lambda url: url.replace("secret", "guess"), lambda url: url.replace("//runhaven", "//me")]
)
def test_wrong_keys(tmp_path, server, change):
    """Keys that the server does not take are refused before anything opens, without being told to anybody."""
    with pytest.raises(CannotOpen, match="takes these keys") as refused, house(tmp_path, s3=change(server)):
        pass
    assert "guess" not in str(refused.value)


@pytest.mark.engine
def test_keys_of_the_environment(tmp_path, minio, monkeypatch):
    """An address without keys takes those of the environment, which stand in no list of processes."""
    for name, value in engines.MINIO_USER.items():
        monkeypatch.setenv(name, value)
    with house(tmp_path, s3=minio):
        log("default", "files/x", b"1")
        assert read("default", "files/x").body == b"1"


BAD = [
    "http://127.0.0.1:1",
    "http://key@127.0.0.1:1",
    "127.0.0.1:1",
    "ftp://key:secret@127.0.0.1:1",
    "s3://key:secret@x",
]


@pytest.mark.parametrize("url", BAD)
def test_an_address_without_keys(tmp_path, url, monkeypatch):
    """An address must have the form that the help shows, and the keys must stand somewhere."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "one half of them")
    with pytest.raises(CannotOpen, match="http://key:secret@host:port"), house(tmp_path, s3=url):
        pass


def test_a_server_that_is_not_there(tmp_path):
    """A server that does not answer is told at once."""
    nowhere = house(tmp_path, s3="http://key:secret@127.0.0.1:9")
    with pytest.raises(CannotOpen, match="no S3 server at http://"), nowhere:
        pass
