"""Default deny: every route that the app serves is tried by everybody who must not get through."""

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from functions import app as house
from functions import telemetry
from functions.access import members
from functions.access.policy import Deployment, Role
from functions.experiments import service as experiments
from functions.teams import service as teams
from tests.functions import people
from tests.functions.calls import call, table_on_moto

JSON = (b"content-type", b"application/json")
# What a token of scope `log` may ask for: experiments by id and by name, and runs of its own.
NATIVE_LOG = {
    ("GET", "/v1/experiments"),
    ("POST", "/v1/experiments"),
    ("GET", "/v1/experiments/{experiment_id}"),
    ("POST", "/v1/runs"),
    ("GET", "/v1/runs/{run_id}"),
    ("PATCH", "/v1/runs/{run_id}"),
    ("POST", "/v1/runs/{run_id}/log"),
    ("PATCH", "/v1/runs/{run_id}/texts"),
    ("DELETE", "/v1/runs/{run_id}/tags/{key:path}"),
    ("POST", "/v1/runs/{run_id}/inputs"),
    ("POST", "/v1/runs/{run_id}/outputs"),
    ("GET", "/v1/runs/{owner}/artifacts"),
    ("GET", "/v1/runs/{owner}/artifacts/versions"),
    ("POST", "/v1/runs/{owner}/artifacts:upload"),
    ("POST", "/v1/runs/{owner}/artifacts:complete"),
    ("POST", "/v1/runs/{owner}/artifacts:download"),
}
# What sends files to a run and reads them there; DELETE is not among it.
FILES_LOG = re.compile(
    r"(?:GET|PUT) /(?:ajax-)?api/[23]\.0/mlflow-artifacts/artifacts(?:/\{path:path\})?"
    r"|(?:GET|POST) /(?:ajax-)?api/[23]\.0/mlflow-artifacts/(?:presigned|mpu/\w+)/\{path:path\}"
)
MLFLOW_LOG = {
    "upload-artifact",
    "server-info",
    "experiments/get",
    "experiments/get-by-name",
    "experiments/create",
    "runs/create",
}
LOG_RUNS = {
    "runs/get",
    "runs/update",
    "runs/log-metric",
    "runs/log-parameter",
    "runs/log-batch",
    "runs/log-inputs",
    "runs/log-model",
    "runs/outputs",
    "runs/set-tag",
    "runs/delete-tag",
}


@pytest.fixture(scope="module")
def town():
    """Two teams in one house: red with everybody, blue with an owner."""
    with table_on_moto():
        level = telemetry.logger().level
        telemetry.logger().setLevel("ERROR")
        app = house.build()
        made = SimpleNamespace(app=app, routes=house.every_route(app))
        boss = people.admin()
        for name in ("red", "blue"):
            teams.create(boss, name, experiments.founding)
            owner = replace(boss, team=name, role=Role.OWNER)
            users = {role.word: people.join(owner, role.word) for role in Role}
            tokens = {word: people.token(owner, user=user) for word, user in users.items()}
            tokens["log"] = people.token(owner, user=users["contributor"], scope="log")
            tokens["read"] = people.token(owner, user=users["owner"], scope="read")
            setattr(made, name, SimpleNamespace(users=users, **tokens))
        made.run = run(made, made.red.owner)
        yield made
        telemetry.logger().setLevel(level)


def run(town, token):
    """A new run of whoever has the token."""
    path = "/api/2.0/mlflow/runs/create"
    answer = call(town.app, "POST", path, token=token, json_body={"experiment_id": "0"})
    assert answer.status == 200, answer.body
    return answer.json["run"]["info"]["run_id"]


def filled(town, path):
    """A route's path with ids of things that exist in team red."""
    known = {
        "team": "red",
        "name": "red",
        "experiment_id": "0",
        "run_id": town.run,
        "user": town.red.users["viewer"],
        "model_id": "m-" + "0" * 32,
    }
    return re.sub(r"{(\w+)(:path)?}", lambda found: known.get(found[1], "x"), path)


def outcomes(town, *, only=lambda _method, _path, _writes: True, body=b"{}", **more):
    """The status of each route for one caller: route -> status."""
    found = {}
    for method, path, writes in town.routes:
        if path not in house.OPEN and only(method, path, writes):
            sent = {"body": body, "headers": [JSON]} if method not in {"GET", "HEAD"} else {}
            prefix = more.get("prefix", "")
            rest = {name: value for name, value in more.items() if name != "prefix"}
            found[method, path] = call(town.app, method, prefix + filled(town, path), **sent, **rest).status
    assert found
    return found


def through(found, *refusals):
    """The routes where the caller was not turned away."""
    return {route: status for route, status in found.items() if status not in refusals}


def writing(_method, _path, writes):
    return writes


def test_every_door_is_listed(town):
    """The list has both dialects, each route once, and everything that is open exists or is the page."""
    paths = [route[:2] for route in town.routes]
    assert len(paths) == len(set(paths))
    assert {"/v1/me", "/v1/runs/{run_id}/log", "/api/2.0/mlflow/runs/log-batch"} <= {
        path for _, path in paths
    }
    assert house.OPEN - {path for _, path in paths} <= {"/"}


def test_reading_doors_are_get_or_searches(town):
    """What is said to change nothing is a GET, a search, or decides itself."""
    posts = {(method, path) for method, path, writes in town.routes if not writes and method != "GET"}
    odd = {(method, path) for method, path in posts if not re.search(r"/search(-datasets)?$", path)}
    downloads = {("POST", f"/v1/{kind}/{{owner}}/artifacts:download") for kind in ("runs", "logged-models")}
    of_version = ("POST", "/v1/datasets/{name}/versions/{version}/files:download")
    first = ("POST", "/v1/admins/first")
    assert odd == {("PATCH", "/v1/teams/{team}"), first, of_version, *downloads}


@pytest.mark.parametrize("prefix", ["", "/t/nobody-s"])
def test_strangers_stay_outside(town, prefix):
    """Who shows no credential gets 401 everywhere."""
    assert through(outcomes(town, prefix=prefix), 401) == {}


@pytest.mark.parametrize(("token", "team"), [("rh_" + "A" * 43, "red"), ("a.b.c", None)])
def test_a_wrong_credential_is_none(town, token, team):
    """A credential that does not verify gets 401 everywhere, in a named team too."""
    assert through(outcomes(town, token=token, team=team), 401) == {}


def test_another_team_s_owner_finds_nothing(town):
    """For an owner of blue red does not exist, by header or by prefix, with a token of blue or of his own."""
    own = people.personal(town.blue.users["owner"])
    assert through(outcomes(town, token=town.blue.owner, team="red"), 404) == {}
    assert through(outcomes(town, token=own, prefix="/t/red"), 404) == {}


def test_another_team_s_ids_lead_nowhere(town):
    """In his own team, an owner of blue finds no run of red by its id."""

    def with_run(_method, path, _writes):
        return "{run_id}" in path

    assert through(outcomes(town, only=with_run, token=town.blue.owner), 400, 404) == {}


@pytest.mark.parametrize("body", [b"{}", b"["])
def test_a_viewer_changes_nothing(town, body):
    """Every route that writes refuses a viewer, whatever he sends."""
    found = outcomes(town, only=writing, token=town.red.viewer, body=body)
    allowed = {403, 404} if body == b"{}" else {400, 403, 404}
    assert through(found, *allowed) == {}


def test_a_read_token_changes_nothing(town):
    """An owner's token of scope `read` is refused wherever something would change."""
    assert through(outcomes(town, only=writing, token=town.red.read), 403, 404) == {}


def test_a_reader_changes_nothing(town):
    """A deployment reader is refused wherever something would change."""
    reader = people.fresh("reader")
    members.enrol(reader, deployment=[Deployment.READER])
    found = outcomes(town, only=writing, token=people.personal(reader), team="red")
    assert through(found, 403, 404) == {}


def test_an_admin_has_no_say_in_a_team(town):
    """A deployment admin who is no member finds no team, and may create one."""
    boss = people.fresh("boss")
    members.enrol(boss, deployment=[Deployment.ADMIN])
    found = outcomes(town, token=people.personal(boss), team="red")
    assert through(found, 404) == {}


def is_mlflow(path, names):
    """Whether a path is one of those below MLflow's prefixes."""
    return re.fullmatch(r"/(?:ajax-)?api/[23]\.0/mlflow/(.+)", path) and path.split("/mlflow/")[1] in names


def test_a_log_token_only_logs(town):
    """With what a client needs to log left out, a log token gets through nowhere."""

    def beyond(method, path, _writes):
        logs = is_mlflow(path, MLFLOW_LOG | LOG_RUNS) or FILES_LOG.fullmatch(f"{method} {path}")
        return not logs and (method, path) not in NATIVE_LOG

    assert through(outcomes(town, only=beyond, token=town.red.log), 403) == {}


LOGGING = [
    ("GET", "experiments/get", {"experiment_id": "0"}),
    ("GET", "experiments/get-by-name", {"experiment_name": "Default"}),
    ("GET", "runs/get", {"run_id": None}),
    ("POST", "runs/log-metric", {"run_id": None, "key": "a", "value": 1, "timestamp": 1}),
    ("POST", "runs/log-parameter", {"run_id": None, "key": "b", "value": "1"}),
    ("POST", "runs/set-tag", {"run_id": None, "key": "c", "value": "1"}),
    ("POST", "runs/log-batch", {"run_id": None, "metrics": [{"key": "a", "value": 1, "timestamp": 2}]}),
    ("POST", "runs/update", {"run_id": None, "status": "FINISHED"}),
]
BEYOND = [
    ("POST", "experiments/search", {"max_results": 5}),
    ("POST", "runs/search", {"experiment_ids": ["0"]}),
    ("POST", "runs/delete", {"run_id": None}),
    ("POST", "experiments/delete", {"experiment_id": "0"}),
    ("POST", "experiments/update", {"experiment_id": "0", "new_name": "x"}),
    ("POST", "experiments/set-experiment-tag", {"experiment_id": "0", "key": "a", "value": "b"}),
    ("GET", "workspaces", {}),
]


def asked(town, token, method, name, fields, run_id):
    """One request of MLflow's dialect."""
    sent = {key: run_id if value is None else value for key, value in fields.items()}
    path = f"/api/2.0/mlflow/{name}"
    if method == "GET":
        query = "&".join(f"{key}={value}" for key, value in sent.items())
        return call(town.app, method, path, token=token, query=query).status
    return call(town.app, method, path, token=token, json_body=sent).status


@pytest.mark.parametrize(("method", "name", "fields"), LOGGING, ids=lambda value: str(value)[:30])
def test_a_log_token_logs_to_its_own_runs(town, method, name, fields):
    """It creates a run, reads it and logs to it; on a run that another credential made, the same is 403."""
    mine = run(town, town.red.log)
    assert asked(town, town.red.log, method, name, fields, mine) == 200
    if "run_id" in fields:
        assert asked(town, town.red.log, method, name, fields, town.run) == 403


@pytest.mark.parametrize(("method", "name", "fields"), BEYOND, ids=lambda value: str(value)[:30])
def test_a_log_token_does_nothing_else(town, method, name, fields):
    """Searching, deleting, renaming and looking around are 403, also for what it made itself."""
    assert asked(town, town.red.log, method, name, fields, run(town, town.red.log)) == 403
