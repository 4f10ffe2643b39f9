"""From an empty AWS to a team's first run, with the scripts and with nothing else, in two accounts.

The tests of this file follow one another, as the days of a deployment do.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests import engines
from tests.runtime import deployment, stack

# They share what one of them has applied, so that one process runs them all.
pytestmark = [
    pytest.mark.engine,
    pytest.mark.client,
    pytest.mark.long,
    pytest.mark.xdist_group("deployment"),
]
RESTORED = ("restore", "runhaven-2", "--role", deployment.DEPLOYER)


@pytest.fixture(scope="module")
def made(package, tmp_path_factory):
    """The example, not applied yet."""
    with deployment.begun(engines.opentofu(), tmp_path_factory.mktemp("deployment"), package) as made:
        yield made


@pytest.fixture(scope="module")
def token(made, tmp_path_factory):
    """What the first admin gets: one apply, one e-mail and one sign-in later."""
    applied = made.script("deploy", "--yes", *made.words)
    assert applied.returncode == 0, applied.stdout[-3000:] + applied.stderr[-3000:]
    assert "has been successfully initialized" in applied.stdout
    assert f"{deployment.EMAIL} was invited by e-mail" in applied.stdout
    assert f"{made.deployed().url} answers" in applied.stdout
    browser = deployment.browser(tmp_path_factory.mktemp("browser"))
    signed_in = made.script("sign_in", "red", "--first-admin", BROWSER=browser)
    assert signed_in.returncode == 0, signed_in.stderr + made.deployed().logs()
    return signed_in.stdout.strip()


def call(made, token, method, path, **asked):
    """A request of the owner of team red."""
    headers = {"Authorization": f"Bearer {token}"}
    return made.deployed().call(method, path, headers=headers, **asked)


def test_whose_keys_these_are_is_known_before_anything_is_made(made):
    """Without the role the scripts would call the caller's own account, which they say before the apply."""
    applied = made.script("deploy", "--yes", *made.words[: made.words.index("--role")])
    assert applied.returncode == 1
    assert f"the control plane is in {stack.PLATFORM}: use --role" in applied.stderr
    assert "applied" not in applied.stdout
    assert made.cloud.client("dynamodb").list_tables()["TableNames"] == []


def test_the_first_admin_has_no_password_of_ours(made, token):
    """The invited person owns the first team by a token of her own; a second first admin is refused."""
    me = call(made, token, "GET", "/v1/me").json()
    assert (me["team"], me["role"], me["name"]) == ("red", "owner", deployment.EMAIL)
    assert token.startswith("rh_")
    assert call(made, token, "POST", "/v1/admins/first").status_code == 403


def test_a_vault_is_made_in_the_teams_account_and_used(made, token, newest_client, tmp_path):
    """Asked for, applied and checked, the vault takes the files of a stock client's run, which is settled."""
    made.vault = call(made, token, "POST", "/v1/vault/new").json()
    made.configured(vault=made.vault)
    made.there.world["TF_VAR_package"] = made.deployed_package()
    place = made.there.apply()["place"]
    assert place["account"] == stack.RED
    report = call(made, token, "POST", "/v1/vault/check", json=place).json()
    assert report.get("active"), str(report) + made.deployed().logs()
    world = made.deployed().client_world(token, tmp_path)
    program = Path(__file__).with_name("whole_run.py")
    command = [newest_client, program]
    done = subprocess.run(
        command, env=world, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr + made.deployed().logs()
    run = json.loads(done.stdout.splitlines()[-1])["run"]
    held = made.cloud.client("s3", stack.RED).list_objects_v2(Bucket=place["bucket"])["Contents"]
    assert sum(run in each["Key"] for each in held) >= 8
    assert made.cloud.client("s3").list_buckets()["Buckets"] == []
    assert due(made, "runhaven") >= 1
    made.follow()
    assert due(made, "runhaven") == 0
    assert call(made, token, "GET", f"/v1/runs/{run}").json()["status"] == "FINISHED"


def versions(made, name):
    """A function's published versions, and the one that serves."""
    client = made.cloud.client("lambda")
    found = client.list_versions_by_function(FunctionName=name)["Versions"]
    live = client.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    return [each["Version"] for each in found if each["Version"] != "$LATEST"], live


def test_an_upgrade_moves_the_alias_and_can_be_taken_back(made, token):
    """An upgrade is a new version under the same alias; the one before is kept, and is a step back."""
    before = int(versions(made, "runhaven-api")[1])
    made.configured('log_level = "DEBUG"', vault=made.vault)
    done = made.script("deploy", "--yes", *made.words)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "was invited" not in done.stdout
    assert made.renewed().environment["RUNHAVEN_LOG_LEVEL"] == "DEBUG"
    assert call(made, token, "GET", "/v1/me").status_code == 200
    assert versions(made, "runhaven-api") == ([str(before), str(before + 1)], str(before + 1))
    done = made.script("deploy", "--back", "--role", deployment.DEPLOYER)
    assert done.returncode == 0, done.stderr
    assert f"{made.deployed().url} answers" in done.stdout
    assert versions(made, "runhaven-api")[1] == str(before)
    assert made.renewed().environment["RUNHAVEN_LOG_LEVEL"] == "INFO"
    assert made.script("deploy", "--back", "--role", deployment.DEPLOYER).returncode == 1


def test_an_upgrade_that_does_not_answer_is_taken_back(made, token):
    """When the new version does not answer, the alias soon goes back to the one before by itself."""
    made.configured('log_level = "ERROR"', vault=made.vault)
    made.down = True
    done = made.script("deploy", "--yes", "--patience", "3600", *made.words)
    made.down = False
    assert done.returncode == 1
    assert "runhaven-api:live, called with GET /health gives 500" in done.stderr
    listed, live = versions(made, "runhaven-api")
    assert f"runhaven-api:live is version {live} again" in done.stdout
    assert live != max(listed, key=int)
    assert call(made, token, "GET", "/v1/me").status_code == 200


def test_an_upgrade_that_cannot_be_seen_stays(made, token):
    """Who does not reach the address learns that, nothing is taken back, and one older version is kept."""
    served = versions(made, "runhaven-api")[1]
    made.unseen = True
    done = made.script("deploy", "--yes", "--patience", "2", *made.words)
    made.unseen = False
    assert done.returncode == 1
    assert "/health gives 0" in done.stderr
    assert "nothing was moved back" in done.stderr
    listed, live = versions(made, "runhaven-api")
    assert (listed, live) == ([served, live], max(listed, key=int))
    assert made.applied_environment()["RUNHAVEN_LOG_LEVEL"] == "ERROR"
    made.renewed()
    assert call(made, token, "GET", "/v1/me").status_code == 200


def test_the_jobs_of_the_table_can_be_sent_again(made, token):
    """What is due is sent once more where the stream has lost it; another table's jobs are not."""
    ended(made, token)
    known = due(made, "runhaven")
    assert known >= 1
    done = made.script("restore", "runhaven", "--resume", "--role", deployment.DEPLOYER)
    assert done.returncode == 0, done.stderr
    assert f"{known} items were due" in done.stdout
    assert due(made, "runhaven") == known
    refused = made.script("restore", "runhaven-2", "--resume", "--role", deployment.DEPLOYER)
    assert refused.returncode == 1


def test_an_upgrade_deletes_no_data(made, token):
    """A plan that would replace the table is refused before anything of it happens."""
    made.configured('table_name = "another"', vault=made.vault)
    done = made.script("deploy", "--yes", *made.words)
    assert done.returncode == 1
    assert "module.control_plane.aws_dynamodb_table.runhaven" in done.stderr
    assert call(made, token, "GET", "/v1/me").status_code == 200


def ended(made, token):
    """Make a run with some points that has ended, of which the table's stream has not told yet."""
    run = call(made, token, "POST", "/v1/runs", json={"experiment_id": "0"}).json()["run_id"]
    points = [{"key": "loss", "value": 1 / (n + 1), "timestamp": n, "step": n} for n in range(20)]
    body = {"run_id": run, "metrics": points}
    assert call(made, token, "POST", "/api/2.0/mlflow/runs/log-batch", json=body).status_code == 200
    assert call(made, token, "PATCH", f"/v1/runs/{run}", json={"status": "FINISHED"}).status_code == 200


def due(made, table):
    """How many runs wait for their job."""
    items = made.cloud.client("dynamodb").scan(TableName=table)["Items"]
    return sum("due" in item for item in items)


def tables(made):
    """The tables of the platform's account."""
    return made.cloud.client("dynamodb").list_tables()["TableNames"]


def test_a_restore_is_practised(made, token):
    """A drill brings the table back under another name, whole and with its keys, and leaves no trace."""
    made.configured(vault=made.vault)
    done = made.script("restore", "runhaven-drill", "--drill", "--role", deployment.DEPLOYER)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = re.findall(r": (\d+) items", done.stdout)
    assert len(counts) == 2
    assert counts[0] == counts[1] != "0"
    assert tables(made) == ["runhaven"]
    assert call(made, token, "GET", "/v1/me").status_code == 200
    refused = made.script("restore", "runhaven", "--drill", "--role", deployment.DEPLOYER)
    assert "a drill wants a name of its own" in refused.stderr
    assert tables(made) == ["runhaven"]


def test_a_restore_that_breaks_off_leaves_what_serves(made, token):
    """The module has to name the new table first, and until the aliases have moved the old one serves."""
    ended(made, token)
    made.configured(vault=made.vault)
    refused = made.script(*RESTORED)
    assert refused.returncode == 1
    assert 'set table_name = "runhaven-2" in module.control_plane first' in refused.stderr
    made.configured('table_name = "runhaven-2"', vault=made.vault)
    package = made.deployed_package()
    broken_off = made.script(*RESTORED, RUNHAVEN_TOFU=made.breaking_off(), TF_VAR_package=package)
    assert broken_off.returncode == 1
    assert made.applied_environment()["RUNHAVEN_TABLE"] == "runhaven-2"
    assert made.renewed().environment["RUNHAVEN_TABLE"] == "runhaven"
    assert call(made, token, "GET", "/v1/me").json()["team"] == "red"


def test_a_restored_table_takes_over(made, token):
    """Called again, a restore goes on: the new table serves, the old one stays, and no job is lost."""
    ended(made, token)
    made.configured('table_name = "runhaven-2"', vault=made.vault)
    done = made.script(*RESTORED)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert re.search(r"\n[1-9]\d* items were due", done.stdout)
    assert made.renewed().environment["RUNHAVEN_TABLE"] == "runhaven-2"
    assert call(made, token, "GET", "/v1/me").json()["team"] == "red"
    assert tables(made) == ["runhaven", "runhaven-2"]
    client = made.cloud.client("dynamodb")
    assert client.describe_table(TableName="runhaven-2")["Table"]["StreamSpecification"]["StreamEnabled"]
    expiry = client.describe_time_to_live(TableName="runhaven-2")["TimeToLiveDescription"]
    assert (expiry["TimeToLiveStatus"], expiry["AttributeName"]) == ("ENABLED", "ttl")
    (source,) = (
        each["EventSourceArn"]
        for each in made.cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        if ":dynamodb:" in each["EventSourceArn"]
    )
    assert "table/runhaven-2/stream/" in source
    made.follow()
    assert due(made, "runhaven-2") == 0


def test_a_switch_may_be_done_again(made, token):
    """A restore into the table that serves does what may be left of its switch, and changes nothing else."""
    done = made.script(*RESTORED)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "runhaven-2 serves already" in done.stdout
    made.there.world["TF_VAR_package"] = made.deployed_package()
    assert made.there.changes() == ""
    assert call(made, token, "GET", "/v1/me").json()["team"] == "red"
