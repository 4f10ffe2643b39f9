"""Everything that a deployment does with its table, over HTTP, the stream and the queue."""

from dataclasses import replace

from functions import tenancy
from functions.access import members
from functions.access.grants import for_job
from functions.access.memory import MEMORY
from functions.access.policy import Deployment as Beside
from functions.artifacts import registering
from functions.experiments import service as experiments
from tests.functions.artifacts import towns
from tests.functions.artifacts.scene import digest, keeper, send

MLFLOW = "/api/2.0/mlflow"


class Life:
    """Calls that succeed.

    Args:
        house: a deployment.
        pool: its user pool.
    """

    def __init__(self, house, pool):
        self.house, self.pool, self.token = house, pool, None

    def ok(self, method, path, body=None, *, token=None, **more):
        """An answer that is none of an error."""
        status, said = self.house.call(method, path, body=body, token=token or self.token, **more)
        assert status < 300, (method, path, status, said)
        return said

    def sign_in(self, email):
        """The id of a new account, which is the caller from now on."""
        sub = self.pool.account(email)
        self.token = self.pool.token(sub)
        return sub


def lived(house, pool, admin, team):
    """A deployment's life: its first admin, a team, members and tokens, runs, artifacts, and their end."""
    life = Life(house, pool)
    boss = life.sign_in(admin)
    life.ok("POST", "/v1/admins/first")
    people(life, team, boss)
    life.ok("PATCH", f"/v1/teams/{team}", {"description": "all", "primary": True})
    token = life.ok("POST", "/v1/tokens", {"name": "a", "user": boss}, **{"x-mlflow-workspace": team})[
        "secret"
    ]
    MEMORY.forget()
    life.token = token
    run, experiment, model = tracking(life)
    artifacts(life, team, run, experiment, model)
    datasets(life, run, model)
    MEMORY.forget()
    experiments.forget()
    the_end(life, run, experiment, model)


def people(life, team, boss):
    """Teams, members, tokens."""
    ok, at = life.ok, f"/v1/teams/{team}"
    ok("POST", "/v1/teams", {"name": team})
    ok("POST", f"{MLFLOW}/workspaces", {"name": f"{team}-2"})
    assert {f"{team}", f"{team}-2"} <= {each["name"] for each in ok("GET", "/v1/teams")["teams"]}
    ok("GET", f"{MLFLOW}/workspaces")
    eve = ok("POST", f"{at}/members", {"email": f"eve-{team}@example.org"})["user"]
    secret = ok("POST", f"/t/{team}/v1/tokens", {"name": "b", "user": eve})["secret"]
    ok("PATCH", f"{at}/members/{eve}", {"role": "owner"})
    ok("PATCH", f"{at}/members/{boss}", {"role": "owner"})
    tokens = ok("GET", f"/t/{team}/v1/tokens")["tokens"]
    ok("DELETE", f"/t/{team}/v1/tokens/{tokens[0]['id']}")
    ok("POST", f"/t/{team}/v1/tokens", {"name": "c", "user": eve})
    ok("GET", f"{at}/members")
    ok("DELETE", f"{at}/members/{eve}")
    MEMORY.forget()
    assert life.house.call("GET", "/v1/me", token=secret)[0] == 401
    assert life.house.call("GET", "/v1/experiments", token=life.token)[0] == 400
    assert life.house.call("GET", f"/t/no-{team}/v1/experiments", token=life.token)[0] == 404
    reader = life.pool.account(f"reader-{team}@example.org")
    members.enrol(reader, deployment={Beside.READER})
    read = life.pool.token(reader)
    ok("GET", f"{at}", token=read)
    ok("GET", f"/t/{team}/v1/experiments", token=read)


def tracking(life):
    """An experiment with a run and a logged model; the run is settled."""
    ok, house = life.ok, life.house
    experiment = ok("POST", "/v1/experiments", {"name": "trials"})["id"]
    ok("PATCH", f"/v1/experiments/{experiment}", {"name": "attempts"})
    ok("PUT", f"/v1/experiments/{experiment}/tags/a", {"value": "1"})
    ok("DELETE", f"/v1/experiments/{experiment}/tags/a")
    ok("DELETE", f"/v1/experiments/{experiment}")
    ok("POST", f"/v1/experiments/{experiment}/restore")
    ok("GET", f"{MLFLOW}/experiments/get-by-name", query="experiment_name=attempts")
    ok("POST", f"{MLFLOW}/experiments/search", {"max_results": 10})
    run = ok("POST", "/v1/runs", {"experiment_id": experiment})["run_id"]
    for step in range(200):
        point = {"key": "loss", "value": 1.0, "timestamp": step + 1, "step": step}
        ok("POST", f"{MLFLOW}/runs/log-metric", {"run_id": run, **point})
    large = [{"key": "p" * 3 + str(n), "value": "v" * 5_900} for n in range(90)]
    ok("POST", f"{MLFLOW}/runs/log-batch", {"run_id": run, "params": large})
    dataset = {"name": "d", "digest": "1", "source_type": "local", "source": "{}"}
    inputs = {"run_id": run, "datasets": [{"dataset": dataset, "tags": []}]}
    ok("POST", f"{MLFLOW}/runs/log-inputs", inputs)
    model = ok("POST", "/v1/logged-models", {"experiment_id": experiment})["model_id"]
    ok("PATCH", f"/v1/logged-models/{model}/tags", {"tags": {"a": "1"}})
    ok("POST", f"{MLFLOW}/experiments/search-datasets", {"experiment_ids": [experiment]})
    house.settle()
    ok("POST", f"{MLFLOW}/runs/update", {"run_id": run, "status": "FINISHED"})
    house.settle()
    ok("GET", f"{MLFLOW}/runs/get", query=f"run_id={run}")
    ok("GET", f"/v1/runs/{run}/history", query="key=loss")
    ok("GET", f"/v1/runs/{run}/line", query="key=loss")
    ok("POST", "/v1/runs/search", {"experiment_ids": [experiment], "filter": "metrics.loss < 2"})
    ok("POST", "/v1/logged-models/search", {"experiment_ids": [experiment]})
    ok("DELETE", f"/v1/runs/{run}")
    ok("POST", f"/v1/runs/{run}/restore")
    return run, experiment, model


def artifacts(life, team, run, experiment, model):
    """A vault, and files of both kinds of clients in it."""
    ok = life.ok
    ok("POST", "/v1/vault/new")
    vault = towns.vault(team)
    bucket = keeper(vault)
    bucket.create_bucket(Bucket=vault.bucket)
    bucket.put_bucket_versioning(Bucket=vault.bucket, VersioningConfiguration={"Status": "Enabled"})
    for role in ("", "-2"):  # the second time the claim of another role is given up
        with tenancy.inside(team):
            registering.adopt(for_job(team), replace(vault, role_arn=vault.role_arn + role))
    ok("GET", "/v1/vault")
    ok("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/a", b"1")
    for owner in (f"runs/{run}", f"logged-models/{model}"):
        at, body = f"/v1/{owner}/artifacts", owner.encode()
        wanted = {"path": "x", "size": len(body), "sha256": digest(body)}
        lost = {"path": "y", "size": 1, "sha256": digest(owner[1:].encode())}
        offer = ok("POST", f"{at}:upload", {"files": [wanted, lost]})["files"][0]
        assert send("PUT", offer["url"], offer["headers"], body).status_code == 200
        for path in ("x", "once more"):  # the second time the content is held already
            ok("POST", f"{at}:complete", {"files": [{**wanted, "path": path, "time": offer["time"]}]})
        ok("GET", at)
        ok("GET", f"{at}/versions", query="path=x")
        ok("POST", f"{at}:download", {"files": [{"path": "x"}]})
    ok("DELETE", f"/v1/runs/{run}/artifacts", query="path=x")


def datasets(life, run, model):
    """Versions of a dataset, by reference and of files, what a run read and wrote, and their removal."""
    ok, at = life.ok, "/v1/datasets/iris"
    ok("POST", f"{at}/versions", {"source": "s3://data/iris", "source_version": "1", "run_id": run})
    file = {"path": "a", "size": 4, "sha256": digest(b"iris")}
    offer = ok("POST", f"{at}/versions:upload", {"files": [file]})["files"][0]
    assert send("PUT", offer["url"], offer["headers"], b"iris").status_code == 200
    lost = {"path": "b", "size": 1, "sha256": digest(b"never sent")}
    assert ok("POST", f"{at}/versions", {"files": [file, lost]})["missing"] == ["b"]
    assert ok("POST", f"{at}/versions", {"files": [file]})["version"]["version"] == 2
    ok("PUT", f"{at}/aliases/good", {"version": 2})
    ok("PATCH", at, {"description": "flowers"})
    ok("PATCH", f"{at}/versions/2", {"tags": {"a": "1"}})
    ok("GET", "/v1/datasets")
    ok("GET", f"{at}/versions")
    ok("GET", f"{at}/versions/good/files")
    ok("POST", f"{at}/versions/good/files:download", {"paths": ["a"]})
    ok("POST", f"/v1/runs/{run}/inputs", {"versions": [{"dataset": "iris", "version": "good"}]})
    ok("POST", f"/v1/runs/{run}/outputs", {"models": [{"model_id": model, "step": 1}]})
    for start in ("dataset=iris&version=2", f"run={run}", f"model={model}"):
        assert len(ok("GET", "/v1/lineage", query=start)["nodes"]) > 1
    ok("DELETE", f"{at}/versions/2")
    life.house.settle()
    assert life.house.call("GET", f"{at}/versions/2", token=life.token)[0] == 404


def the_end(life, run, experiment, model):
    """All is purged, what expires is looked at once more, the last token is revoked."""
    ok, house = life.ok, life.house
    for what in (f"runs/{run}", f"logged-models/{model}", f"experiments/{experiment}"):
        ok("DELETE", f"/v1/{what}")
        ok("POST", f"/v1/{what}/purge")
        house.settle()
    house.expire()
    house.settle()
