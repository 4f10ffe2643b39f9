"""Teams in requests: how one is named, made by being named, and managed over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from functions import app as house
from functions import table
from functions.access import members
from functions.access.policy import Deployment
from tests.functions import people
from tests.functions.calls import HEALTH, JSON, SEARCH, call, search

GET = "/api/2.0/mlflow/experiments/get-by-name"


def test_a_team_is_named_before_the_path_or_in_a_header(app, ann):
    """Both ways lead to the same team, in both dialects; both ways at once must agree."""
    bob = people.join(ann, "viewer")
    other = people.found()
    people.join(other, "viewer", bob)
    secret = people.personal(bob)
    assert search(app, token=secret).status == 400
    for prefix, team, status in [
        (f"/t/{ann.team}", None, 200), ("", ann.team, 200), (f"/t/{ann.team}", ann.team, 200),
        (f"/t/{ann.team}", other.team, 400), (f"/t/{people.found().team}", None, 404), ("", "nobody-s", 404),
        ("/t/Red", None, 404), ("/t/a%2fb", None, 404), (f"/t/{ann.team}/t/{ann.team}", None, 404),
    ]:  # fmt: skip
        assert search(app, prefix=prefix, token=secret, team=team).status == status
        native = call(app, "GET", f"{prefix}/v1/experiments", token=secret, team=team)
        assert native.status == status


def test_an_empty_team_header_names_no_team(app, secret, ann):
    """It is as if it were not there."""
    answer = call(app, "GET", "/v1/me", token=secret, headers=[(b"x-mlflow-workspace", b"")])
    assert answer.json["team"] == ann.team


def test_headers_that_contradict_themselves_are_400(app, secret, ann):
    """Two teams or two credentials in one request are refused; the same twice is not."""
    for name, one, other in [
        (b"x-mlflow-workspace", ann.team.encode(), b"other"),
        (b"authorization", f"Bearer {secret}".encode(), b"Bearer x"),
    ]:
        assert call(app, "GET", "/v1/me", headers=[(name, one), (name, other)]).status == 400
    twice = (b"authorization", f"Bearer {secret}".encode())
    assert call(app, "GET", "/v1/me", headers=[twice, twice]).status == 200


@pytest.mark.parametrize("header", [
    b"Bearer \xff\xfe", b"\xff", b"Bearer " + b"a" * 10_240, b"Basic \xe9", b"", b"Bearer", b"Negotiate x",
])  # fmt: skip
def test_a_malformed_credential_is_401(app, header):
    """Never 5xx, and never a word that makes a browser ask for a password."""
    answer = call(app, "GET", "/v1/me", headers=[(b"authorization", header)])
    assert (answer.status, answer.json["error_code"]) == (401, "UNAUTHENTICATED")
    assert answer.header("www-authenticate") == ""


@pytest.mark.parametrize("path", sorted(house.OPEN - {"/"}))
def test_what_is_open_needs_no_credential(app, path):
    """Also below any team, also with a wrong credential."""
    for prefix in ("", "/t/red"):
        assert call(app, "GET", prefix + path).status == 200
        assert call(app, "GET", prefix + path, token="rh_wrong").status == 200


def test_a_stranger_does_not_learn_which_addresses_exist(app):
    """Known or unknown, an address is 401 to who shows no credential."""
    assert {call(app, "GET", path).status for path in ("/nowhere", "/v1/nowhere", "/v1/me", SEARCH)} == {401}


def test_the_team_in_a_path_is_the_team_of_the_request(app, ann):
    """It need not be named again, must not contradict, and another team's is 404."""
    bob = people.join(ann, "viewer")
    other = people.found()
    people.join(other, "owner", bob)
    secret, bound = people.personal(bob), people.token(ann)
    path = f"/v1/teams/{other.team}"
    assert call(app, "GET", path, token=secret).json["role"] == "owner"
    assert call(app, "GET", f"/v1/teams/{ann.team}/members", token=secret).status == 200
    assert call(app, "GET", path, token=secret, team=ann.team).status == 400
    assert call(app, "GET", f"/t/{ann.team}{path}", token=secret).status == 400
    assert call(app, "GET", path, token=bound).status == 404
    workspace = call(app, "GET", f"/api/3.0/mlflow/workspaces/{other.team}", token=secret)
    assert workspace.json["workspace"]["name"] == other.team


def test_a_token_s_life_over_http(app, ann, secret):
    """Created for a member, listed without its secret, used, revoked, refused."""
    bob = people.join(ann)
    wanted = {"name": "CI", "user": bob, "scope": "log", "expires_in_days": 30, "unknown": 1}
    made = call(app, "POST", "/v1/tokens", token=secret, json_body=wanted)
    assert made.status == 201
    shown = made.json["token"]
    assert made.json["secret"].startswith(shown["prefix"])
    listed = call(app, "GET", "/v1/tokens", token=secret)
    assert shown["id"] in [each["id"] for each in listed.json["tokens"]]
    assert made.json["secret"].encode() not in listed.body
    used = call(app, "GET", GET, token=made.json["secret"], query="experiment_name=Default")
    assert used.status == 200
    gone = call(app, "DELETE", f"/v1/tokens/{shown['id']}", token=secret)
    assert (gone.status, gone.body) == (204, b"")
    assert call(app, "GET", "/v1/me", token=made.json["secret"]).status == 401
    assert call(app, "DELETE", f"/v1/tokens/{shown['id']}", token=secret).status == 404


def test_a_team_s_life_over_http(app):
    """An admin creates a team, describes it, and changes its members."""
    boss = people.admin()
    members.enrol(boss.sub, deployment=[Deployment.ADMIN])
    secret, name = people.personal(boss.sub), people.fresh("team")
    made = call(app, "POST", "/v1/teams", token=secret, json_body={"name": name})
    assert (made.status, made.json["role"]) == (201, "owner")
    assert call(app, "POST", "/v1/teams", token=secret, json_body={"name": name}).status == 400
    path = f"/v1/teams/{name}"
    changed = call(app, "PATCH", path, token=secret, json_body={"description": "Weather.", "primary": True})
    assert (changed.json["description"], changed.json["primary"]) == ("Weather.", True)
    owner = replace(boss, team=name, role=people.Role.OWNER)
    bob = people.join(owner)
    assert (
        call(app, "PATCH", f"{path}/members/{bob}", token=secret, json_body={"role": "owner"}).status == 200
    )
    assert len(call(app, "GET", f"{path}/members", token=secret).json["members"]) == 2
    assert call(app, "DELETE", f"{path}/members/{bob}", token=secret).status == 204
    assert call(app, "DELETE", f"{path}/members/{boss.sub}", token=secret).status == 400
    assert name in [
        each["name"]
        for each in call(app, "GET", "/v1/teams", token=secret, query=f"after={name[:-1]}").json["teams"]
    ]
    me = call(app, "GET", "/v1/me", token=secret).json
    assert (me["user"], me["team"], me["role"], me["deployment"]) == (boss.sub, name, "owner", ["admin"])


def test_an_invitation_over_http_without_a_pool_is_400(app, ann, secret):
    """The answer says that this deployment has no user pool."""
    path = f"/v1/teams/{ann.team}/members"
    answer = call(app, "POST", path, token=secret, json_body={"email": "eve@example.org", "role": "viewer"})
    assert (answer.status, answer.json["field"]) == (400, "email")


def test_a_viewer_s_change_is_refused_before_it_is_read(app, ann):
    """Who may not write is told so, whatever nonsense he sends."""
    viewer = people.token(ann, user=people.join(ann, "viewer"))
    for path in ("/v1/experiments", "/v1/tokens", "/v1/teams", "/api/2.0/mlflow/runs/create"):
        for body in (b"{}", b'{"name": 5}', b""):
            assert call(app, "POST", path, token=viewer, body=body, headers=[JSON]).status == 403


def test_the_open_api_has_every_native_route(app):
    """What is published is what is served, and 400 is published as the answer to bad input."""
    published = call(app, "GET", "/v1/openapi.json").json
    served = {
        (method, path.removeprefix("/v1").replace(":path}", "}"))
        for method, path, _ in house.every_route(app)
        if path.startswith("/v1/") and "traces" not in path and "openapi" not in path
    }
    found = {(method.upper(), path) for path, verbs in published["paths"].items() for method in verbs}
    assert found == served
    answers = {
        status
        for verbs in published["paths"].values()
        for verb in verbs.values()
        for status in verb["responses"]
    }
    assert "422" not in answers
    assert published["servers"] == [{"url": "/v1"}]


def test_an_admin_s_request_makes_the_team_that_it_names(app, ann, chosen):
    """By header or prefix, once; he owns it, and it has its Default experiment."""
    chosen(auto_teams=True)
    members.enrol(ann.sub, deployment=[Deployment.ADMIN])
    secret = people.personal(ann.sub)
    for number in range(2):
        name = people.fresh("auto")
        for _ in range(2):
            more = {"team": name} if number else {"prefix": f"/t/{name}"}
            answer = search(app, token=secret, **more)
            assert [each["name"] for each in answer.json["experiments"]] == ["Default"]
        assert call(app, "GET", f"/v1/teams/{name}", token=secret).json["role"] == "owner"


def test_nobody_else_s_request_makes_a_team(app, ann, chosen):
    """Other tokens, an admin's narrowed ones, and requests without auto_teams create nothing."""
    members.enrol(ann.sub, deployment=[Deployment.ADMIN])
    bob = people.join(ann, "owner")
    name = people.fresh("auto")
    whole, log = people.personal(ann.sub), people.personal(ann.sub, scope="log")
    assert search(app, token=whole, team=name).status == 404
    chosen(auto_teams=True)
    for secret in (people.personal(bob), people.token(ann), people.personal(ann.sub, scope="read"), log):
        assert search(app, token=secret, team=name).status == 404
    assert call(app, "GET", f"/v1/teams/{name}", token=whole).status == 404
    assert call(app, "GET", HEALTH, token=whole, team=name).status == 200
    assert search(app, token=whole, team="Not_A_Name").status == 400
    assert call(app, "GET", f"/v1/teams/{name}", token=whole).status == 404


def test_naming_a_team_of_others_does_not_take_it(app, ann, chosen):
    """An admin who names a team that exists and is not his gets 404."""
    chosen(auto_teams=True)
    boss = people.admin()
    members.enrol(boss.sub, deployment=[Deployment.ADMIN])
    assert search(app, token=people.personal(boss.sub), team=ann.team).status == 404


def test_many_requests_that_name_a_new_team_all_find_it(app, ann, chosen):
    """Sixteen first requests at once make one team and all succeed."""
    chosen(auto_teams=True)
    members.enrol(ann.sub, deployment=[Deployment.ADMIN])
    secret, name = people.personal(ann.sub), people.fresh("auto")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: search(app, token=secret, team=name).status, range(16)))
    assert answers == [200] * 16


def test_many_teams_do_not_slow_a_first_request(app, chosen, ann):
    """The last of fifty teams costs no more operations than one in the middle."""
    chosen(auto_teams=True)
    members.enrol(ann.sub, deployment=[Deployment.ADMIN], primary=ann.team)
    secret, costs = people.personal(ann.sub), []
    events = table.client().meta.events
    for _ in range(50):
        seen = []

        def note(seen=seen, **_):
            seen.append(1)

        events.register("before-call.dynamodb", note)
        assert search(app, token=secret, team=people.fresh("auto")).status == 200
        events.unregister("before-call.dynamodb", note)
        costs.append(len(seen))
    assert costs[-1] <= costs[25]
