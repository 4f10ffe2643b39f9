"""How a deployment comes by its first admin: over HTTP, with the access tokens of a pool."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from functions import app, settings
from functions.access import members
from functions.access.memory import MEMORY
from tests.functions import calls, people, signin

FIRST = "/v1/admins/first"


@pytest.fixture
def fresh():
    """The app of a deployment that nobody has used yet."""
    with calls.table_on_moto():
        yield app.build()


@pytest.fixture
def pool(fresh, tmp_path):
    """Its pool; the settings name who may become its first admin."""
    return signin.Pool(tmp_path, first_admin="Boss@example.org")


def asks(house, token):
    """The status of who asks to become the first admin."""
    return calls.call(house, "POST", FIRST, token=token).status


def roles(house, token):
    """What somebody may do beside the teams."""
    return calls.call(house, "GET", "/v1/me", token=token).json["deployment"]


def test_the_account_with_the_address_becomes_admin(fresh, pool):
    """It signs in, asks for it, and can create a team with members from then on."""
    boss, red = pool.token(pool.account("boss@example.org")), {"name": "red"}
    assert calls.call(fresh, "POST", "/v1/teams", token=boss, json_body=red).status == 403
    assert (asks(fresh, boss), roles(fresh, boss)) == (204, ["admin"])
    assert calls.call(fresh, "POST", "/v1/teams", token=boss, json_body=red).status == 201
    eve = {"email": "eve@example.org", "role": "owner"}
    assert calls.call(fresh, "POST", "/v1/teams/red/members", token=boss, json_body=eve).status == 201
    me = calls.call(fresh, "GET", "/v1/me", token=boss).json
    assert (me["name"], me["role"]) == ("boss@example.org", "owner")


def test_nobody_else_becomes_it(fresh, pool):
    """Another account, one that has not verified the address, and a stranger are refused."""
    eve = pool.token(pool.account("eve@example.org"))
    claim = pool.token(pool.account("boss@example.org", verified=False))
    for token in (eve, claim):
        assert (asks(fresh, token), roles(fresh, token)) == (403, [])
    assert asks(fresh, None) == asks(fresh, "rh_" + "a" * 43) == 401


def test_the_provider_s_account_becomes_admin(fresh, pool):
    """Where the company's provider is the way in, its account counts, and the pool's own does not."""
    settings.use(replace(settings.settings(), federated=True))
    own = pool.token(pool.account("boss@example.org"))
    assert (asks(fresh, own), roles(fresh, own)) == (403, [])
    theirs = pool.token(pool.federated("boss@example.org"))
    assert (asks(fresh, own), asks(fresh, theirs)) == (403, 204)
    assert roles(fresh, theirs) == ["admin"]


def test_without_a_provider_no_provider_vouches(fresh, pool):
    """An account that calls itself a provider's is unverified where the settings know of no provider."""
    claim = pool.token(pool.federated("boss@example.org"))
    assert (asks(fresh, claim), roles(fresh, claim)) == (403, [])


def test_a_refusal_tells_no_address(fresh, pool):
    """Who asks learns neither whose address it is nor whether an account has it."""
    eve = pool.token(pool.account("eve@example.org"))
    said = [calls.call(fresh, "POST", FIRST, token=eve).json]
    pool.account("boss@example.org", verified=False)
    said.append(calls.call(fresh, "POST", FIRST, token=eve).json)
    assert said[0] == said[1]
    assert "boss" not in str(said).lower()


def test_a_token_of_the_right_user_is_not_enough(fresh, pool):
    """Only a sign-in counts, so that no token that leaks makes its finder an admin."""
    sub = pool.account("boss@example.org")
    assert asks(fresh, people.personal(sub)) == 403
    assert asks(fresh, pool.token(sub)) == 204


def test_there_is_one_first_admin(fresh, pool):
    """Once there was one, a change of the setting makes no other; the first one may ask again."""
    boss, eve = (pool.token(pool.account(f"{name}@example.org")) for name in ("boss", "eve"))
    assert asks(fresh, boss) == asks(fresh, boss) == 204
    settings.use(replace(settings.settings(), first_admin="eve@example.org"))
    answer = calls.call(fresh, "POST", FIRST, token=eve)
    assert (answer.status, answer.json["error_code"]) == (400, "RESOURCE_ALREADY_EXISTS")
    assert roles(fresh, eve) == []


def test_of_many_calls_at_once_none_harms(fresh, pool):
    """The same caller asks many times at once, and is admin once they are answered."""
    boss = pool.token(pool.account("boss@example.org"))
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda _: asks(fresh, boss), range(8))) <= {204, 400, 429}
    assert roles(fresh, boss) == ["admin"]


def test_who_was_relieved_of_it_does_not_come_back(fresh, pool):
    """The first admin who is one no more cannot appoint himself again."""
    sub = pool.account("boss@example.org")
    assert asks(fresh, pool.token(sub)) == 204
    members.enrol(sub, deployment=())
    MEMORY.forget()
    assert (asks(fresh, pool.token(sub)), roles(fresh, pool.token(sub))) == (400, [])


@pytest.mark.parametrize("more", [{"first_admin": ""}, {"user_pool": ""}, {"first_admin": "nobody"}])
def test_without_the_setting_nobody_becomes_it(fresh, pool, more):
    """A deployment that names nobody, has no pool, or names no address has no such way in."""
    boss = pool.token(pool.account("boss@example.org"))
    settings.use(replace(settings.settings(), **more))
    assert asks(fresh, boss) in ({401} if "user_pool" in more else {403, 501})
