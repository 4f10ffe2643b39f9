"""Who is in the laptop's house: its own user, or with `--auth` two teams and a file of tokens."""

import base64
import gzip
import json
import shutil
import statistics
import time
from pathlib import Path

import botocore.session
import jwt
import pytest

from functions import local, settings, table
from functions.access import tokens
from functions.access.memory import MEMORY
from functions.access.policy import Role
from functions.access.principal import Principal
from functions.local import Options
from tests.functions.calls import call, search

ROLES = ("owner", "maintainer", "contributor", "viewer")
KEYS = "cognitoidp/resources/jwks-private.json.gz"


@pytest.fixture(autouse=True)
def forgotten():
    """Leave no house behind."""
    yield
    table.forget_clients()
    settings._used.clear()
    MEMORY.forget()


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """A folder in which a house was open, and the file that it wrote for its users."""
    folder = tmp_path_factory.mktemp("before")
    with local.opened(Options(data=folder / "data", auth=True, credentials=folder / "file"), 5000):
        return folder


@pytest.fixture
def opened(before, tmp_path):
    """Opens that house again, in a folder of the test's own."""
    shutil.copytree(before, tmp_path, dirs_exist_ok=True)

    def opened(**more):
        return local.opened(
            Options(data=tmp_path / "data", auth=True, credentials=tmp_path / "file", **more), 5000
        )

    return opened


def written(tmp_path):
    """The credentials as they stand in the file."""
    return json.loads((tmp_path / "file").read_text("utf-8"))


def me(app, token, **more):
    """Who the house takes a token for."""
    answer = call(app, "GET", "/v1/me", token=token, **more)
    assert answer.status == 200, answer.body
    return answer.json


def test_the_file_holds_everybody(opened, tmp_path):
    """The file has the form that the guide gives, for its owner only, and each token is who it is called."""
    with opened() as house:
        said = written(tmp_path)
        assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
        assert set(said) == {"url", "admin", "both", "teams"}
        assert said["url"] == house.url == "http://127.0.0.1:5000"
        assert set(said["teams"]) == {"red", "blue"}
        for team, people in said["teams"].items():
            assert set(people) == {*ROLES, "log"}
            for role in ROLES:
                assert roles(house.app, people[role]) == {team: role}
            assert search(house.app, token=people["log"]).status == 403
            made = call(
                house.app, "POST", "/v1/experiments", token=people["log"], json_body={"name": "by log"}
            )
            assert made.status == 201
        assert roles(house.app, said["both"]) == {"red": "contributor", "blue": "viewer"}
        assert me(house.app, said["admin"])["deployment"] == ["admin"]
        assert roles(house.app, said["admin"]) == {}
        every = {
            said["admin"],
            said["both"],
            *(one for people in said["teams"].values() for one in people.values()),
        }
        assert len(every) == 12
        assert all(one.startswith("rh_") for one in every)


def roles(app, token):
    """The teams of a token, and what its user is there."""
    found = call(app, "GET", "/v1/teams", token=token).json["teams"]
    return {each["name"]: each["role"] for each in found if each["role"]}


def test_a_restart_keeps_the_tokens(opened, tmp_path):
    """Tokens that verify stay, and the file tells the new address."""
    first = written(tmp_path)
    (tmp_path / "file").chmod(0o644)
    (tmp_path / "file").write_text(json.dumps({**first, "url": "http://elsewhere"}))
    with opened():
        assert written(tmp_path) == first
        assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def gone(file, said):
    """The file is not there."""
    file.unlink()


def torn(file, said):
    """Half of the file is there."""
    file.write_text(json.dumps(said)[:200])


def of_another_kind(file, said):
    """The file is JSON, but not ours."""
    file.write_text("[1, 2]")


def short(file, said):
    """A token is missing."""
    del said["teams"]["blue"]["log"]
    file.write_text(json.dumps(said))


def invented(file, said):
    """A token never was one."""
    file.write_text(json.dumps({**said, "both": "rh_AAAAAAAAAAAAAAAA"}))


def exchanged(file, said):
    """A viewer's token stands where an owner's should."""
    said["teams"]["red"]["owner"] = said["teams"]["red"]["viewer"]
    file.write_text(json.dumps(said))


def not_text(file, said):
    """A token is a number."""
    file.write_text(json.dumps({**said, "admin": 5}))


@pytest.mark.parametrize(
    "spoilt",
    [gone, torn, of_another_kind, short, invented, exchanged, not_text],
    ids=lambda each: each.__name__,
)
def test_tokens_that_do_not_verify_are_made_anew(opened, tmp_path, spoilt):
    """A file that misses or spoils one token is written anew, with all of them."""
    first = written(tmp_path)
    spoilt(tmp_path / "file", written(tmp_path))
    with opened() as house:
        second = written(tmp_path)
        assert second["admin"] != first["admin"]
        assert second["teams"]["red"].keys() == first["teams"]["red"].keys()
        assert roles(house.app, second["both"]) == {"red": "contributor", "blue": "viewer"}


def test_a_revoked_token_is_made_anew(opened, tmp_path):
    """When one of the tokens was revoked, the next start writes new ones."""
    with opened():
        first = written(tmp_path)
        owner = Principal("red-owner", "red-owner", "red", Role.OWNER)
        (viewer,) = [one for one in tokens.listing(owner).tokens if one.user == "red-viewer"]
        tokens.revoke(owner, viewer.id)
    with opened() as house:
        assert written(tmp_path)["teams"]["red"]["viewer"] != first["teams"]["red"]["viewer"]
        assert roles(house.app, written(tmp_path)["teams"]["red"]["viewer"]) == {"red": "viewer"}


def test_the_file_of_another_house_gives_nothing(opened, tmp_path):
    """A file that another house wrote is not believed."""
    with local.opened(Options(data=tmp_path / "other", auth=True, credentials=tmp_path / "file"), 5000):
        first = written(tmp_path)
    with opened() as house:
        assert written(tmp_path) != first
        assert call(house.app, "GET", "/v1/me", token=first["admin"]).status == 401


def test_tokens_that_were_written_survive_a_power_cut(house_process):
    """The file names no token that a house which is killed in its first moment forgets."""
    house = house_process("--auth")
    first = house.credentials()
    house.kill()
    assert house.start().credentials() == {**first, "url": house.url}


def test_without_credentials_the_user_is_at_home(tmp_path):
    """Who opens the house is the owner of team default, and an admin; the next start finds him there."""
    for _ in range(2):
        with local.opened(Options(data=tmp_path), 5000) as house:
            assert roles(house.app, None) == {"default": "owner"}
            assert me(house.app, None)["deployment"] == ["admin"]
            assert search(house.app).json["experiments"][0]["name"] == "Default"
            assert search(house.app, team="new").status == 404


@pytest.mark.slow
def test_many_teams_do_not_slow_the_house(tmp_path):
    """A request that makes a team, and one that names it, take no longer when there are hundreds."""
    with local.opened(Options(data=tmp_path, auto_teams=True), 5000) as house:
        first = [milliseconds(house.app, f"team-{number}") for number in range(30)]
        used = [milliseconds(house.app, "team-7") for _ in range(30)]
        for number in range(30, 120):
            milliseconds(house.app, f"team-{number}")
        last = [milliseconds(house.app, f"team-{number}") for number in range(120, 150)]
        still = [milliseconds(house.app, "team-7") for _ in range(30)]
    assert statistics.median(last) < 2 * statistics.median(first)
    assert statistics.median(still) < 2 * statistics.median(used)


def milliseconds(app, team):
    """The CPU of a request that names a team."""
    start = time.process_time()
    assert search(app, team=team).status == 200
    return (time.process_time() - start) * 1_000


def signed_in(email):
    """The tokens of a user of the house's pool who signs in, and the claims of the one that gives access."""
    chosen = settings.settings()
    client = botocore.session.get_session().create_client("cognito-idp", region_name=chosen.region)
    client.admin_set_user_password(
        UserPoolId=chosen.user_pool, Username=email, Password="Secret-1234", Permanent=True
    )
    answer = client.initiate_auth(
        ClientId=chosen.user_pool_clients[0],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": "Secret-1234"},
    )["AuthenticationResult"]
    return answer["AccessToken"], answer["IdToken"]


def test_who_signs_in_is_known(opened, tmp_path):
    """The pool's access token opens what its user may do, at the minute when the team invites him too."""
    with opened() as house:
        owner = written(tmp_path)["teams"]["red"]["owner"]
        invited = {"email": "bob@example.org", "role": "viewer"}
        answer = call(house.app, "POST", "/v1/teams/red/members", token=owner, json_body=invited)
        assert answer.status == 201, answer.body
        access, identity = signed_in("bob@example.org")
        assert roles(house.app, access) == {"red": "viewer"}
        assert search(house.app, token=access).status == 200
        assert call(house.app, "POST", "/v1/experiments", token=access, json_body={"name": "x"}).status == 403
        assert search(house.app, token=identity).status == 401


def test_moto_s_own_key_opens_nothing(opened, tmp_path):
    """The same claims, signed with the private key that everybody finds in moto's package, are refused."""
    import moto

    kept = json.loads(gzip.decompress((Path(moto.__file__).parent / KEYS).read_bytes()))
    published = jwt.algorithms.RSAAlgorithm.from_jwk(kept)
    with opened() as house:
        owner = written(tmp_path)["teams"]["red"]["owner"]
        invited = {"email": "bob@example.org", "role": "owner"}
        assert call(house.app, "POST", "/v1/teams/red/members", token=owner, json_body=invited).status == 201
        access, _ = signed_in("bob@example.org")
        _, claims, _ = access.split(".")
        said = json.loads(base64.urlsafe_b64decode(claims + "=="))
        forged = jwt.encode(said, published, "RS256", jwt.get_unverified_header(access))
        assert (search(house.app, token=access).status, search(house.app, token=forged).status) == (200, 401)
        unsigned = jwt.encode(said, None, "none", {"kid": "dummy"})
        assert search(house.app, token=unsigned).status == 401


def test_what_a_pool_signs_with_is_secret(opened, before, tmp_path):
    """The folder holds the signing key for its owner only, and beside it its public half."""
    with opened():
        key = tmp_path / "data/signing-key.json"
        assert key.stat().st_mode & 0o777 == 0o600
        assert key.read_bytes() == (before / "data/signing-key.json").read_bytes()
        private = json.loads(key.read_text("utf-8"))
        (public,) = json.loads((tmp_path / "data/jwks.json").read_text("utf-8"))["keys"]
        assert (public["n"], public["use"]) == (private["n"], "sig")
        assert not {"d", "p", "q", "dp", "dq", "qi"} & public.keys()
