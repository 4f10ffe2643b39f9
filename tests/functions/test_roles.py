"""Roles that the functions take on: first the one that the teams trust, from there into a team's vault."""

import re
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from functions import roles as house_roles
from functions import settings
from functions.artifacts import proofs, sessions, vaults
from functions.errors import Unacceptable, Unavailable
from tests.functions.artifacts import towns
from tests.functions.artifacts.weather import Weather, body

CONTROL = "arn:aws:iam::999999999999:role/runhaven-vaults"


@pytest.fixture
def town():
    """Vaults on an AWS in this process, before a function with a role of its own."""
    with towns.on_moto() as town:
        settings.use(replace(settings.settings(), control_role=CONTROL, assume_control_role=True))
        sessions.forget()
        yield town


def roles(weather):
    """Which roles were assumed, in order, each with the access key of who did it."""
    asked = [request for name, request in weather.seen if name == "AssumeRole"]
    return [
        (parse_qs(body(each))["RoleArn"][0], re.search(r"Credential=([^/]+)/", _signature(each))[1])
        for each in asked
    ]


def _signature(request):
    said = request.headers["Authorization"]
    return said.decode() if isinstance(said, bytes) else said


def test_a_vault_is_entered_as_the_role_that_its_team_trusts(town):
    """The function takes that role on with its own credentials, once for all teams, and goes from there."""
    weather = Weather()
    for vault in (town.red, town.blue, town.red):
        vaults.put_small(vault, "a", b"x")
    first, second, third = roles(weather)
    assert first == (CONTROL, "true")
    assert [role for role, _ in (second, third)] == [town.red.role_arn, town.blue.role_arn]
    assert second[1] == third[1] != "true"


def test_without_that_the_function_enters_itself(town):
    """Where the function's own role is the one that teams trust, it is not taken on."""
    settings.use(replace(settings.settings(), assume_control_role=False))
    weather = Weather()
    vaults.put_small(town.red, "a", b"x")
    assert roles(weather) == [(town.red.role_arn, "true")]


def test_a_role_that_may_not_be_taken_on_is_no_team_s_fault(town, caplog):
    """503 for all, with the role in the log and none in the answer; a vault's check proves nothing then."""
    weather = Weather()
    closed = (403, "AccessDenied")
    weather.rules["AssumeRole"] = lambda sent: closed if "runhaven-vaults" in body(sent) else None
    for call in (vaults.presign_get, vaults.head):
        with pytest.raises(Unavailable) as missed:
            call(town.red, "a")
        assert "runhaven-vaults" not in missed.value.message
    with pytest.raises(Unavailable):
        list(proofs.proved(town.red))
    assert {each.role for each in caplog.records} == {CONTROL}


def test_a_team_that_shuts_that_role_out_hears_it(town):
    """The trust of a team's role is the team's affair, as it is without a role between."""
    weather = Weather()
    weather.rules["AssumeRole"] = lambda sent: (
        (403, "AccessDenied") if town.red.external_id in body(sent) else None
    )
    with pytest.raises(Unacceptable, match="vault of team 'red'"):
        vaults.presign_get(town.red, "a")
    assert vaults.presign_get(town.blue, "a")


def aged(kept):
    """Let the sessions that are known be two minutes old."""
    for slot in kept.slots.values():
        slot.session.ends -= 120


def revoked(weather, key):
    """Let STS refuse what the session with that access key asks, as after *Revoke active sessions*."""
    closed = (403, "AccessDenied")
    weather.rules["AssumeRole"] = lambda sent: closed if f"Credential={key}/" in _signature(sent) else None


def test_a_revoked_session_of_that_role_is_replaced(town):
    """Whoever revokes its sessions shuts no team's vault: another session is taken at once."""
    weather = Weather()
    vaults.put_small(town.red, "a", b"x")
    revoked(weather, roles(weather)[1][1])
    aged(house_roles._controls)
    vaults.put_small(town.blue, "a", b"x")
    assert [role for role, _ in roles(weather)][2:] == [town.blue.role_arn, CONTROL, town.blue.role_arn]


def test_a_young_session_is_not_replaced(town):
    """A vault that lets nobody in costs no session more: the one that was refused is as good as another."""
    weather = Weather()
    vaults.put_small(town.red, "a", b"x")
    revoked(weather, roles(weather)[1][1])
    with pytest.raises(Unacceptable):
        vaults.put_small(town.blue, "a", b"x")
    assert [role for role, _ in roles(weather)][2:] == [town.blue.role_arn]


def test_what_ends_a_session_ends_the_one_for_urls(town):
    """URLs are signed anew when the house learns that a role's sessions have ended."""
    settings.use(replace(settings.settings(), allowed_cidrs=("192.0.2.0/24",)))
    before = sessions.signer(town.red)
    sessions.ended(sessions.session(town.red))
    assert sessions.signer(town.red) is not before
    assert sessions.signer(town.red) is sessions.signer(town.red)


def test_a_session_s_own_calls_go_out_as_the_session(town):
    """What is asked of STS as somebody leaves no trace in the calls that follow."""
    weather = Weather()
    vaults.put_small(town.red, "a", b"x")
    (put,) = [_signature(request) for name, request in weather.seen if name == "PutObject"]
    assert f"Credential={sessions.session(town.red).access_key}/" in put
