"""Team data is touched as a role that reaches one team: IAM refuses what only a bug can ask for."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from functions import app, jobs, settings, table, tenancy
from functions.access import credentials
from functions.access.grants import for_card
from functions.access.memory import MEMORY
from functions.errors import Unavailable
from functions.experiments import service as experiments
from functions.parallel import together
from functions.runs import items as runs
from functions.teams import items as teams
from tests.functions import deployment, people, signin, whole_life
from tests.functions.artifacts.weather import Weather
from tests.functions.calls import call
from tests.functions.warden import KEYS, Warden, as_keys

ADMIN = "boss@example.org"
CONTROL = "arn:aws:iam::123456789012:role/runhaven"
ALLOWED = json.loads(KEYS.read_text("utf-8"))


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A deployment with a role for data, and a pool."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(jobs, "PAUSE_SECONDS", 0)
        with deployment.opened(data_role=deployment.DATA_ROLE, control_role=CONTROL) as house:
            house.pool = signin.Pool(tmp_path_factory.mktemp("pool"), first_admin=ADMIN)
            yield house


@pytest.fixture
def warden(house):
    """IAM as the module's policies have it, before a process that knows no credentials yet."""
    experiments.forget()
    MEMORY.forget()
    table.forget_clients()
    house.at_work = "api"
    return Warden(house, ALLOWED)


@pytest.fixture
def red(warden):
    """A token of the owner of a new team, and that team."""
    return owner()


def owner():
    """A token of the owner of a new team, and that team."""
    ann = people.found(founding=experiments.founding)
    with tenancy.inside(ann.team):
        return people.token(ann), ann.team


def test_a_deployment_lives_with_the_keys_that_are_written_down(house, warden):
    """From its first admin to the last purge it touches exactly the leading keys of keys.json, no more."""
    whole_life.lived(house, house.pool, ADMIN, people.fresh("team"))
    assert warden.refused == []
    assert as_keys(warden.seen) == ALLOWED


def test_another_team_s_key_is_refused(warden, red):
    """Inside one team, a key of another one that a bug has built is asked for as the first team's role."""
    _, blue = owner()
    with tenancy.inside(red[1]):
        assert table.get(teams.TeamItem, teams.team(for_card(red[1])))
        for look in (
            lambda: table.get(teams.TeamItem, teams.team(for_card(blue))),
            lambda: list(table.query(runs.partition(for_card(blue), "0", 0))),
            lambda: table.get_many(teams.TeamItem, [teams.team(for_card(each)) for each in (red[1], blue)]),
            lambda: table.delete_many([teams.team(for_card(blue))]),
            lambda: table.transact(table.Delete(teams.team(for_card(blue)))),
        ):
            with pytest.raises(ClientError, match="AccessDenied"):
                look()
    assert {key for _, _, key in warden.refused} == {f"T#{blue}", f"T#{blue}#E#0#0"}


def test_a_revoked_session_is_replaced(warden, red):
    """An old session that is refused may have been revoked: the caller comes again, and another is taken."""
    look = lambda: table.get(teams.TeamItem, teams.team(for_card(red[1])))  # noqa: E731
    with tenancy.inside(red[1]):
        look()
        before, warden.allowed = warden.asked_sts, {**ALLOWED, "data": {}}
        with pytest.raises(ClientError, match="AccessDenied"):
            look()
        for slot in tenancy._actors.slots.values():
            slot.session.ends -= 120
        with pytest.raises(Unavailable):
            look()
        warden.allowed = ALLOWED
        assert look()
    assert warden.asked_sts == before + 1


def test_a_bug_is_a_500_that_tells_nothing(house, warden, red, monkeypatch):
    """When a room spells another team's key, the caller gets an error and no word of what lies there."""
    _, blue = owner()
    monkeypatch.setattr(teams, "team", lambda _grant: table.Key(f"T#{blue}", "META"))
    status, said = house.call("GET", f"/v1/teams/{red[1]}", token=red[0])
    assert (status, said["error_code"], blue in str(said)) == (500, "INTERNAL_ERROR", False)


@pytest.mark.parametrize("team", [None, "", "*", "red*", "T#red", "re?d", "a/b", "r" * 64])
def test_outside_of_a_team_there_is_no_team_data(warden, team):
    """Where no team is bound, or what could be a pattern, nothing is asked for at all."""
    before = warden.asked_sts, len(warden.trips)
    with tenancy.inside(team), pytest.raises(RuntimeError, match="outside of any team"):
        table.get(teams.TeamItem, teams.team(for_card("red")))
    assert (warden.asked_sts, len(warden.trips)) == before


def test_threads_work_in_the_team_of_who_started_them(warden, red):
    """Calls side by side are made as the team of the request, also while another team's are under way."""
    blue = owner()

    def look(team):
        with tenancy.inside(team):
            ask = lambda: table.get(teams.TeamItem, teams.team(for_card(team)))  # noqa: E731
            return {each.PK for each in together(*[ask] * 8)}

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(look, [red[1], blue[1]] * 12))
    assert found == [{f"T#{red[1]}"}, {f"T#{blue[1]}"}] * 12
    assert warden.refused == []


def test_requests_of_two_teams_at_once_stay_apart(house, warden, red):
    """Each gets its own team's runs, and no call goes out as the other one's role."""
    both, runs_of = [red, owner()], {}
    for secret, team in both:
        made = house.call("POST", "/v1/runs", token=secret, body={"experiment_id": "0"})[1]
        runs_of[team] = made["run_id"]

    served = app.build()

    def search(secret):
        answer = call(served, "POST", "/v1/runs/search", token=secret, json_body={"experiment_ids": ["0"]})
        return [run["run_id"] for run in answer.json["runs"]]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(search, [secret for secret, _ in both] * 10))
    assert found == [[runs_of[team]] for _, team in both] * 10
    assert warden.refused == []


def test_a_team_costs_one_call_of_sts(house, warden, red):
    """The role is assumed once for a team and for all requests of 40 minutes; what is global needs none."""
    experiments.forget()
    MEMORY.forget()
    table.forget_clients()
    warden = Warden(house, ALLOWED)
    for _ in range(3):
        assert house.call("GET", "/v1/me", token=red[0])[0] == 200
    assert warden.asked_sts == 0
    for _ in range(3):
        assert house.call("GET", "/v1/experiments", token=red[0])[0] == 200
    assert warden.asked_sts == 1


def test_it_adds_no_trip_to_the_table(house, warden, red):
    """With and without the role a request asks the table for the same; without it STS is never asked."""
    asked = [
        ("GET", "/v1/experiments", None),
        ("POST", "/v1/runs", {"experiment_id": "0"}),
        ("POST", "/v1/runs/search", {"experiment_ids": ["0"]}),
        ("GET", f"/v1/teams/{red[1]}", None),
        ("GET", "/v1/teams", None),
    ]

    def trips(role):
        chosen = settings.settings()
        settings.use(replace(chosen, data_role=role))
        experiments.forget()
        MEMORY.forget()
        table.forget_clients()
        watched = Warden(house)
        for method, path, body in asked:
            assert house.call(method, path, token=red[0], body=body)[0] < 300
        settings.use(chosen)
        return watched

    assert house.call("GET", "/v1/me", token=red[0])[0] == 200  # from now on the token is known as used
    with_role, without = trips(deployment.DATA_ROLE), trips("")
    listed = without.trips.index("BatchGetItem", -3)  # the teams of a list: one by one with the role
    without.trips[listed] = "GetItem"
    assert sorted(with_role.trips) == sorted(without.trips)
    assert (with_role.asked_sts, without.asked_sts) == (1, 0)


def test_without_sts_known_teams_go_on(house, warden, red):
    """A team whose role is not known yet is a 503; what is global and who is known is served."""
    blue = owner()
    table.forget_clients()
    for secret in (red[0], blue[0]):
        assert house.call("GET", "/v1/me", token=secret)[0] == 200
    assert house.call("GET", "/v1/experiments", token=red[0])[0] == 200
    experiments.forget()
    weather = Weather()
    weather.rules["AssumeRole"] = lambda _: (503, "ServiceUnavailable")
    tenancy.roles._clients.clear()
    status, said = house.call("GET", "/v1/experiments", token=blue[0])
    assert (status, said["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert "role" not in said["message"]
    assert house.call("GET", "/v1/experiments", token=red[0])[0] == 200


def test_credentials_that_end_early_are_replaced(warden, red):
    """One call fails and says so; the next one comes with a new session."""
    weather = []

    def end(**_):
        return weather.pop() if weather else None

    table.client().meta.events.register_first("before-send.dynamodb", end)
    with tenancy.inside(red[1]):
        assert table.get(teams.TeamItem, teams.team(for_card(red[1])))
        before = warden.asked_sts
        weather.append(warden.answer("ExpiredTokenException"))
        with pytest.raises(Unavailable) as missed:
            table.get(teams.TeamItem, teams.team(for_card(red[1])))
        assert missed.value.retry_after
        assert table.get(teams.TeamItem, teams.team(for_card(red[1])))
    assert warden.asked_sts == before + 1


def test_an_admin_s_list_reads_each_team_as_that_team(house, warden):
    """Many teams in one answer are looked at one by one, each by its own session."""
    made = sorted(owner()[1] for _ in range(3))
    with tenancy.inside(None):
        boss = people.admin()
        whole = people.service.listing(boss, usage=True)
    assert set(made) <= {team.name for team in whole.teams}
    assert {team.usage.tokens for team in whole.teams if team.name in made} == {1}
    assert warden.refused == []


def test_a_stranger_makes_nobody_take_on_a_role(house, warden, red):
    """Who names a team in which he is not gets his 404 before the house becomes anybody there."""
    secret, _ = owner()
    before = warden.asked_sts
    for path in (f"/t/{red[1]}/v1/experiments", "/t/nobody-s/v1/experiments", f"/v1/teams/{red[1]}"):
        assert house.call("GET", path, token=secret)[0] == 404
    assert warden.asked_sts == before
    with pytest.raises(credentials.NotFound):
        people.enter(secret, red[1])
