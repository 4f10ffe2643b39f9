"""Bad days of a team's account and of STS, as all calls of two teams meet them: whose trouble it is."""

import pytest

from functions import app
from functions.access import grants
from functions.artifacts import registering, sessions
from functions.experiments import service as experiments
from functions.runs import service as runs
from tests.functions import calls, people
from tests.functions.artifacts import scene, towns
from tests.functions.artifacts.scene import digest, keeper
from tests.functions.artifacts.weather import Weather

MLFLOW = "/api/2.0/mlflow-artifacts"


class Team:
    """A team with a vault and a run, asked over HTTP in both dialects."""

    def __init__(self, house):
        self.app, self.ann = house, people.found(founding=experiments.founding)
        self.vault = towns.vault(self.ann.team)
        client = keeper(self.vault)
        client.create_bucket(Bucket=self.vault.bucket)
        client.put_bucket_versioning(Bucket=self.vault.bucket, VersioningConfiguration={"Status": "Enabled"})
        registering.adopt(grants.for_job(self.ann.team), self.vault)
        self.token, self.run = people.token(self.ann), runs.create(self.ann, experiment_id="0").run_id
        self.at = f"0/{self.run}/artifacts"

    def call(self, method, path, **sent):
        """One request."""
        return calls.call(self.app, method, path, token=self.token, **sent)

    def of_artifacts(self):
        """An answer of every kind of call that has to do with artifacts."""
        file = {"path": "n", "size": 1, "sha256": digest(b"n")}
        one = {"path": "m", "num_parts": 1}
        return [
            self.call("PUT", f"{MLFLOW}/artifacts/{self.at}/m", body=b"m"),
            self.call("GET", f"{MLFLOW}/artifacts/{self.at}/m"),
            self.call("GET", f"{MLFLOW}/artifacts", query=f"path={self.at}"),
            self.call("POST", f"{MLFLOW}/mpu/create/{self.at}", json_body=one),
            self.call("POST", f"{MLFLOW}/mpu/create/{self.at}", json_body=one | {"num_parts": 2}),
            self.call("POST", f"/v1/runs/{self.run}/artifacts:upload", json_body={"files": [file]}),
            self.call("GET", f"/v1/runs/{self.run}/artifacts"),
        ]

    def logs(self):
        """Whether metrics, params and runs go on as if nothing were."""
        batch = {"run_id": self.run, "metrics": [{"key": "loss", "value": 1, "timestamp": 1}]}
        asked = [("runs/log-batch", batch), ("runs/create", {"experiment_id": "0"})]
        return [self.call("POST", f"/api/2.0/mlflow/{path}", json_body=body).status for path, body in asked]


@pytest.fixture(scope="module")
def teams():
    """Teams red and blue, each with a vault on moto."""
    with scene.opened():
        house = app.build()
        yield Team(house), Team(house)


@pytest.fixture
def weather(teams):
    """What AWS answers a house that has entered no vault yet."""
    sessions.forget()
    return Weather()


# What the house itself asks of S3 for `of_artifacts`: a URL alone costs no call, and S3 refuses it later.
CALLS = ["PutObject", "ListObjectsV2", "CreateMultipartUpload"]
GONE = {
    "role deleted, trust changed or ExternalId wrong": (["AssumeRole"], 403, "AccessDenied", 7),
    "region closed": (["AssumeRole"], 403, "RegionDisabledException", 7),
    "bucket gone": (CALLS, 404, "NoSuchBucket", 4),
    "bucket denied": (CALLS, 403, "AccessDenied", 4),
    "key disabled": (CALLS, 400, "KMS.DisabledException", 4),
}


@pytest.mark.parametrize("fault", GONE)
def test_a_closed_account_is_that_team_s_trouble_only(teams, weather, fault):
    """Red's artifacts are 400 with the reason; red's metrics and all of blue's go on, nothing falls back."""
    red, blue = teams
    operations, status, code, refused = GONE[fault]

    def rule(request):
        said = f"{request.url} {request.body!r}"
        mine = red.vault.external_id in said or red.vault.bucket in said
        return (status, code) if mine else None

    weather.rules |= dict.fromkeys(operations, rule)
    for _ in range(3):
        told = [answer for answer in red.of_artifacts() if answer.status == 400]
        assert len(told) == refused
        for answer in told:
            assert answer.json["error_code"] == "INVALID_PARAMETER_VALUE"
            assert f"vault of team '{red.ann.team}' does not let the house in" in answer.json["message"]
            assert code in answer.json["message"]
    asked = [request.url for request in to_s3(weather)]
    assert [url for url in asked if red.vault.bucket not in url] == []
    assert red.logs() == [200, 200]
    assert {answer.status for answer in blue.of_artifacts()} <= {200, 307}
    assert weather.count("AssumeRole") == 2


def to_s3(weather):
    """The requests that went to S3."""
    return [request for name, request in weather.seen if name != "AssumeRole"]


@pytest.mark.parametrize("down", [(400, "Throttling"), (503, "ServiceUnavailable"), (0, "")])
def test_while_sts_is_down_a_cold_team_waits_and_a_known_one_goes_on(teams, weather, down):
    """503 with a time to come back for whom no session is known; S3 is asked in nobody else's name."""
    red, blue = teams
    assert {answer.status for answer in blue.of_artifacts()} <= {200, 307}
    known = sessions.session(blue.vault).access_key
    weather.rules["AssumeRole"] = lambda _: down
    weather.seen.clear()
    for answer in red.of_artifacts():
        assert (answer.status, answer.json["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
        assert int(answer.header("retry-after")) > 0
    assert to_s3(weather) == []
    assert red.logs() == [200, 200]
    assert {answer.status for answer in blue.of_artifacts()} <= {200, 307}
    assert {known in str(request.headers) for request in to_s3(weather)} == {True}
    weather.rules.clear()
    sessions._working.slots[red.vault].until = 0
    assert {answer.status for answer in red.of_artifacts()} <= {200, 307}
