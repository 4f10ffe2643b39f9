"""Whose artifacts they are: what roles and scopes may do, and that no team reaches another's."""

import hashlib
import json
import time

import pytest

from functions import local, local_bucket
from functions.access import grants
from functions.artifacts import vaults
from functions.artifacts.service import vault_of
from tests.dialects.caller import Caller
from tests.dialects.vault import ROOT, listed, mpu, refused, sent

PART = [{"part_number": 1, "etag": '"0"'}]


class People:
    """Callers of one house, by their tokens."""

    def __init__(self, app, url, tokens):
        self._app, self._url, self._tokens, self._known = app, url, tokens, {}

    def __call__(self, team, role):
        """The caller with this role, or with the team's token of scope `log`."""
        if (team, role) not in self._known:
            headers = {"authorization": f"Bearer {self._tokens[team][role]}"}
            self._known[team, role] = Caller(self._app, self._url, headers)
        return self._known[team, role]

    def close(self):
        """End the callers' loops."""
        for caller in self._known.values():
            caller.close()


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A house with credentials, in which teams red and blue have a member of each role."""
    file = tmp_path_factory.mktemp("people") / "credentials.json"
    with local.opened(local.Options(data=None, auth=True, credentials=file), 5000) as opened:
        made = People(opened.app, opened.url, json.loads(file.read_text("utf-8"))["teams"])
        yield made
        made.close()


def made(caller, name):
    """An experiment and a run in it."""
    experiment = caller.done("experiments/create", {"name": name})["experiment_id"]
    created = caller.done("runs/create", {"experiment_id": experiment})
    return experiment, created["run"]["info"]["run_id"]


@pytest.fixture(scope="module")
def blue(people):
    """What team blue has: a run with a file, a logged model, and an upload that is under way."""
    owner = people("blue", "owner")
    experiment, run = made(owner, "blue's")
    model = owner.done("logged-models", {"experiment_id": experiment})["model"]["info"]["model_id"]
    root = f"{experiment}/{run}/artifacts"
    assert owner.call("PUT", f"{ROOT}/artifacts/{root}/secret", raw=b"blue's").status == 200
    upload = mpu(owner, "create", root, path="large", num_parts=2).json["upload_id"]
    roots = [root, f"{experiment}/models/{model}/artifacts"]
    return {"run": run, "model": model, "roots": roots, "upload": upload, "experiment": experiment}


def logged(caller, run, path, body):
    """Log a file natively; gives what the completion said of it."""
    file = {"path": path, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    at = f"/v1/runs/{run}/artifacts"
    (offer,) = caller.call("POST", f"{at}:upload", body={"files": [file]}).json["files"]
    assert sent(offer["url"], "PUT", body, offer["headers"])[0] == 200
    file["time"] = offer["time"]
    assert caller.call("POST", f"{at}:complete", body={"files": [file]}).json["missing"] == []
    return file


def attempts(caller, blue):
    """Everything that can be asked of the artifacts of a run and a logged model."""
    for root in blue["roots"]:
        for method in ("GET", "PUT", "DELETE"):
            yield caller.call(method, f"{ROOT}/artifacts/{root}/secret", raw=b"")
        yield caller.call("DELETE", f"{ROOT}/artifacts/{root}")
        yield caller.call("GET", f"{ROOT}/presigned/{root}/secret")
        yield caller.call("GET", f"{ROOT}/artifacts", query={"path": root})
        for parts in (1, 2):
            yield mpu(caller, "create", root, path="x", num_parts=parts)
        for upload_id in ("single", blue["upload"]):
            yield mpu(caller, "complete", root, path="large", upload_id=upload_id, parts=PART)
            yield mpu(caller, "abort", root, path="large", upload_id=upload_id)
    run = {"run_id": blue["run"], "path": "secret"}
    files = f"logged-models/{blue['model']}/artifacts"
    yield caller.get("artifacts/list", {"run_id": blue["run"]})
    yield caller.call("GET", "/get-artifact", query=run)
    yield caller.call("POST", "/ajax-api/2.0/mlflow/upload-artifact", query=run, raw=b"red's")
    yield caller.get(f"{files}/directories", {})
    yield caller.get(f"{files}/files", {"artifact_file_path": "MLmodel"})


def native_attempts(caller, blue):
    """The same natively, and what would end it all."""
    sha256, now = hashlib.sha256(b"blue's").hexdigest(), int(time.time() * 1000)
    file = {"path": "secret", "size": 6, "sha256": sha256}
    for what in (f"runs/{blue['run']}", f"logged-models/{blue['model']}"):
        at = f"/v1/{what}/artifacts"
        yield caller.call("POST", f"{at}:upload", body={"files": [file]})
        yield caller.call("POST", f"{at}:complete", body={"files": [file | {"time": now}]})
        yield caller.call("POST", f"{at}:download", body={"files": [{"path": "secret"}]})
        yield caller.call("GET", at)
        yield caller.call("GET", f"{at}/versions", query={"path": "secret"})
        yield caller.call("DELETE", at, query={"path": "secret"})
        yield caller.call("POST", f"/v1/{what}/purge")
    yield caller.call("POST", f"/v1/experiments/{blue['experiment']}/purge")


def test_another_team_s_artifacts_do_not_exist_natively(people, blue):
    """All that team red's owner asks natively of team blue's runs, models and experiments is a 404."""
    red, owner = people("red", "owner"), people("blue", "owner")
    stored = owner.call("GET", f"/v1/runs/{blue['run']}/artifacts").json
    answers = list(native_attempts(red, blue))
    assert {refused(answer) for answer in answers} == {(404, "RESOURCE_DOES_NOT_EXIST")}
    assert owner.call("GET", f"/v1/runs/{blue['run']}/artifacts").json == stored
    nobody = Caller(red.app, red.url)
    assert {refused(answer) for answer in native_attempts(nobody, blue)} == {(401, "UNAUTHENTICATED")}
    nobody.close()


def test_another_team_s_version_opens_nothing_of_one_s_own(people, blue):
    """Under red's own path blue's version is a 404, and blue's content is to be sent first."""
    red, owner = people("red", "owner"), people("blue", "owner")
    (secret,) = owner.call("GET", f"/v1/runs/{blue['run']}/artifacts").json["artifacts"]
    _, run = made(red, "red's too")
    wanted = {"files": [{"path": "secret", "version": secret["version"]}]}
    assert refused(red.call("POST", f"/v1/runs/{run}/artifacts:download", body=wanted))[0] == 404
    held = logged(owner, made(owner, "blue's too")[1], "native", b"blue's natively")
    offers = red.call("POST", f"/v1/runs/{run}/artifacts:upload", body={"files": [held]}).json
    assert [each["state"] for each in offers["files"]] == ["put"]
    done = red.call("POST", f"/v1/runs/{run}/artifacts:complete", body={"files": [held]}).json
    assert done == {"stored": [], "missing": ["native"]}


def test_objects_lie_in_the_account_of_their_team(people, blue):
    """Each team's files, sent either way, are in the one bucket of its own account, and in no other."""
    from moto.s3.models import s3_backends

    found = {}
    for team in ("red", "blue"):
        owner = people(team, "owner")
        experiment, run = made(owner, f"where {team}'s lie")
        body = f"{team}'s".encode()
        owner.call("PUT", f"{ROOT}/artifacts/{experiment}/{run}/artifacts/by-mlflow", raw=body)
        logged(owner, run, "by-hand", body)
        vault = vault_of(grants.for_job(team))
        (bucket,) = s3_backends[vault.account]["aws"].buckets
        assert bucket == vault.bucket
        keys = {f"runs/{experiment}/{run}/artifacts/by-mlflow", f"files/{hashlib.sha256(body).hexdigest()}"}
        assert {key for key in keys if vaults.read_small(vault, key) == body} == keys
        found[vault.account] = {
            each.key for each in local_bucket._open[0].objects.listing(bucket, "", limit=1000)
        }
        assert {f"{vault.prefix}{key}" for key in keys} <= found[vault.account]
        assert all(key.startswith(f"runhaven/{team}/") for key in found[vault.account])
    assert len(found) == 2


def test_another_team_s_artifacts_do_not_exist(people, blue):
    """All that team red's owner asks of team blue's runs, models and uploads is a 404."""
    answers = list(attempts(people("red", "owner"), blue))
    assert {refused(answer) for answer in answers} == {(404, "RESOURCE_DOES_NOT_EXIST")}
    owner, root = people("blue", "owner"), blue["roots"][0]
    assert [one["path"] for one in listed(owner, root)] == ["secret"]
    answer = owner.call("GET", f"{ROOT}/artifacts/{root}/secret")
    assert sent(answer.headers["location"])[2] == b"blue's"


def test_another_team_s_path_is_never_mixed_with_one_s_own(people, blue):
    """A run of the caller's own does not open the other team's upload under its path."""
    red = people("red", "owner")
    experiment, run = made(red, "red's")
    root = f"{experiment}/{run}/artifacts"
    done = mpu(red, "complete", root, path="large", upload_id=blue["upload"], parts=PART)
    assert refused(done) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert refused(red.call("GET", f"{ROOT}/artifacts/{root}/../../../{blue['roots'][0]}/secret"))[0] == 400


def test_who_has_no_credentials_sees_nothing(people, blue):
    """Without a token every endpoint of artifacts is a 401."""
    nobody = Caller(people("red", "owner").app, people("red", "owner").url)
    answers = list(attempts(nobody, blue))
    nobody.close()
    assert {refused(answer) for answer in answers} == {(401, "UNAUTHENTICATED")}


def test_roles_decide(people, blue):
    """A viewer reads, a contributor writes besides, and only a maintainer deletes for good."""
    root = blue["roots"][0]

    def statuses(role):
        caller = people("blue", role)
        return [
            caller.call("GET", f"{ROOT}/artifacts/{root}/secret").status,
            caller.call("GET", f"{ROOT}/presigned/{root}/secret").status,
            caller.call("GET", f"{ROOT}/artifacts", query={"path": root}).status,
            caller.call("PUT", f"{ROOT}/artifacts/{root}/{role}", raw=b"x").status,
            mpu(caller, "create", root, path=role, num_parts=1).status,
            mpu(caller, "complete", root, path=role, upload_id="single", parts=PART).status,
            caller.call("DELETE", f"{ROOT}/artifacts/{root}/{role}").status,
        ]

    assert statuses("viewer") == [307, 200, 200, 403, 403, 403, 403]
    assert statuses("contributor") == [307, 200, 200, 200, 200, 200, 403]
    assert statuses("maintainer") == [307, 200, 200, 200, 200, 200, 200]


def test_a_token_for_logging_reaches_its_own_runs_only(people, blue):
    """It sends files to the runs that it created and reads them there, deletes none, and sees no other."""
    log = people("blue", "log")
    created = log.done("runs/create", {"experiment_id": blue["experiment"]})
    run = created["run"]["info"]["run_id"]
    root = f"{blue['experiment']}/{run}/artifacts"
    assert log.call("PUT", f"{ROOT}/artifacts/{root}/small", raw=b"x").status == 200
    (part,) = mpu(log, "create", root, path="one", num_parts=1).json["credentials"]
    assert sent(part["url"], "PUT", b"one", part["headers"])[0] == 200
    assert mpu(log, "complete", root, path="one", upload_id="single", parts=PART).status == 200
    upload = mpu(log, "create", root, path="two", num_parts=2).json["upload_id"]
    assert mpu(log, "abort", root, path="two", upload_id=upload).status == 200
    query = {"run_id": run, "path": "page"}
    assert log.call("POST", "/ajax-api/2.0/mlflow/upload-artifact", query=query, raw=b"x").status == 200
    assert [one["path"] for one in listed(log, root)] == ["one", "page", "small"]
    assert log.call("GET", f"{ROOT}/artifacts/{root}/one").status == 307
    assert log.call("GET", f"{ROOT}/presigned/{root}/one").status == 200
    assert log.call("DELETE", f"{ROOT}/artifacts/{root}/one").status == 403
    assert {answer.status for answer in attempts(log, blue)} == {403}
