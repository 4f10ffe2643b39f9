"""What a deployment does with what it sees, against Lambda's and Cognito's stand-in and the app itself."""

import asyncio
import io
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import botocore.session
import httpx
import pytest
from moto.server import ThreadedMotoServer

from functions import settings
from functions.handlers import api, jobs, stream
from functions.settings import Settings
from tests.conftest import ROOT
from tests.runtime import invocations
from tests.runtime.sandbox import Failed

sys.path.insert(0, str(ROOT / "scripts"))
import _deploy
import _trial
from _deployed import Caller, Deployment
from _trial import Outcome, Trial

HOST, REGION = "house.example.org", "eu-central-1"
BLOCK = {"RUNHAVEN_HOSTS": HOST, "RUNHAVEN_TABLE": "runhaven", "RUNHAVEN_REGION": REGION}
NAME = "runhaven-api"
NAMES = {each: f"runhaven-{each}" for each in ("api", "stream", "jobs")}
HANDLERS = {NAMES["api"]: api.handler, NAMES["stream"]: stream.handler, NAMES["jobs"]: jobs.handler}


@pytest.fixture
def aws(monkeypatch):
    """AWS's stand-in, whose Lambda calls the house, but for functions that are `broken`."""
    server, broken, called = ThreadedMotoServer("127.0.0.1", port=0), set(), []
    server.start()
    host, port = server.get_host_and_port()

    def invoke(name, event):
        called.append(name)
        if name in broken:
            raise Failed(name)
        context = {"function_name": name, "memory_limit_in_mb": 1, "aws_request_id": "1"}
        asyncio.set_event_loop(asyncio.new_event_loop())
        return HANDLERS[name](event, SimpleNamespace(**context, invoked_function_arn="a"))

    httpx.post(f"http://{host}:{port}/moto-api/reset")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody's")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    with invocations.opened(port, invoke) as lambdas:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", lambdas)
        yield SimpleNamespace(broken=broken, called=called, client=client)
    server.stop()


def client(service):
    """A client of the stand-in."""
    return botocore.session.get_session().create_client(service, region_name=REGION)


@pytest.fixture
def house():
    """Settings of a deployment, which the app takes over with others of a test's."""
    before = settings._used[:]

    def chosen(**more):
        settings.use(Settings("runhaven", REGION, hosts=(HOST,), **more))
        return {**BLOCK, **{f"RUNHAVEN_{name.upper()}": ",".join(value) for name, value in more.items()}}

    yield chosen
    settings._used[:] = before


def published(lambdas, *blocks, name=NAME):
    """A function with a version for each environment, the last of which is live."""
    if name == NAME:
        client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    role = client("iam").get_role(RoleName=NAME)["Role"]["Arn"]
    made = {"Runtime": "python3.13", "Role": role, "Handler": "a.b", "Code": {"ZipFile": zipped("")}}
    lambdas.create_function(FunctionName=name, Environment=spoken(blocks[0]), Publish=True, **made)
    for number, block in enumerate(blocks[1:]):
        lambdas.update_function_configuration(
            FunctionName=name, Environment=spoken(block), Timeout=4 + number
        )
        lambdas.publish_version(FunctionName=name)
    lambdas.create_alias(FunctionName=name, Name="live", FunctionVersion=str(len(blocks)))


def spoken(block):
    """An environment as Lambda takes it, with what every version has."""
    return {"Variables": {**BLOCK, **block}}


def zipped(text):
    """A zip with a module."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("a.py", text)
    return code.getvalue()


def deployment_of(folder, *names):
    """What a state says of functions that were published."""
    made = {}
    for name in names:
        arn = f"arn:aws:lambda:{REGION}:123456789012:function:{name}"
        values = {"function_name": name, "arn": arn, "environment": [{"variables": BLOCK}]}
        made[f'aws_lambda_function.runhaven["{name.removeprefix("runhaven-")}"]'] = values
    return Deployment(folder, "", made)


def trial(aws, block, seconds=0, enough=0):
    """What a trial of the functions shows."""
    return _trial.of_functions(aws.client("lambda"), NAMES, block, seconds, enough)


def test_a_house_in_order_is_right(aws, house):
    """Each function is called as AWS calls it, and answers as it should."""
    assert trial(aws, house()) == Trial(Outcome.RIGHT)
    assert set(aws.called) == set(NAMES.values())


def test_a_function_behind_networks_is_called_from_one_of_them(aws, house):
    """What the deployment allows is enough for a trial, wherever it is made from."""
    assert trial(aws, house(allowed_cidrs=("198.51.100.0/24",))).outcome is Outcome.RIGHT


def test_a_function_behind_an_edge_tells_nothing(aws, house):
    """Without the edge's secret the guard refuses, which tells nothing; the other functions still answer."""
    assert trial(aws, house(edge_secret=("0" * 64,)), 60).outcome is Outcome.REFUSED
    assert set(aws.called) == set(NAMES.values())


@pytest.mark.parametrize("name", NAMES.values())
def test_a_function_that_fails_is_wrong(aws, house, name):
    """A function that raises is no answer of the house, behind an edge as well."""
    aws.broken.add(name)
    found = trial(aws, house(edge_secret=("0" * 64,)) if name != NAME else house())
    assert found.outcome is Outcome.WRONG
    assert found.said.startswith(f"{name}:live")


def test_what_is_wrong_again_and_again_is_not_waited_for(aws, house):
    """Where something served before, three wrong answers in a row are enough to go back to it."""
    aws.broken.add(NAME)
    begun = time.monotonic()
    assert trial(aws, house(), 600, _trial.ENOUGH).outcome is Outcome.WRONG
    assert time.monotonic() - begun < 60
    assert aws.called == [NAME] * 3


def test_an_address_that_nobody_reaches_tells_nothing():
    """No connection is no answer."""
    assert _trial.of_address("http://127.0.0.1:9", 0).outcome is Outcome.SILENT


@pytest.mark.parametrize(
    ("inside", "address", "code"),
    [
        (Outcome.RIGHT, Outcome.RIGHT, 0),
        (Outcome.RIGHT, Outcome.REFUSED, 0),
        (Outcome.REFUSED, Outcome.RIGHT, 0),
        (Outcome.RIGHT, Outcome.SILENT, 1),
        (Outcome.REFUSED, Outcome.REFUSED, 1),
        (Outcome.SILENT, Outcome.WRONG, 1),
    ],
)
def test_what_was_not_seen_is_no_success(inside, address, code):
    """Either the address answers, or the function does and the door knows that the caller is elsewhere."""
    assert _deploy.shown(Trial(inside), Trial(address), "https://house.example.org") == code


def test_only_what_moved_moves_back(aws):
    """An alias that stands where it stood before the apply stays, and one that moved goes back there."""
    lambdas = aws.client("lambda")
    published(lambdas, {}, {}, {})
    assert not _deploy.moved(lambdas, {NAME: 3}, {NAME: 3})
    assert _deploy.served(lambdas, [NAME, "another"]) == {NAME: 3}
    assert _deploy.moved(lambdas, {NAME: 3}, {NAME: 1})
    assert _deploy.served(lambdas, [NAME]) == {NAME: 1}


def test_the_way_back_leads_to_what_served(aws, tmp_path):
    """A version that failed is deleted when another one serves, and what served before stays."""
    lambdas, deployment = aws.client("lambda"), deployment_of(tmp_path, NAME)
    published(lambdas, {}, {})
    assert _deploy.moved(lambdas, {NAME: 2}, {NAME: 1})
    assert not _deploy.back(deployment, lambdas)
    lambdas.update_function_configuration(FunctionName=NAME, Timeout=9)
    lambdas.publish_version(FunctionName=NAME)
    lambdas.update_alias(FunctionName=NAME, Name="live", FunctionVersion="3")
    _deploy.pruned(lambdas, {NAME: 3}, {NAME: 1})
    assert _deploy.versions(lambdas, NAME) == [1, 3]
    assert _deploy.back(deployment, lambdas)
    assert _deploy.served(lambdas, [NAME]) == {NAME: 1}


def test_an_apply_that_moved_nothing_keeps_the_way_back(aws):
    """Where a function serves as before, the newest older version is still kept."""
    lambdas = aws.client("lambda")
    published(lambdas, {}, {}, {})
    _deploy.pruned(lambdas, {NAME: 3}, {NAME: 3})
    assert _deploy.versions(lambdas, NAME) == [2, 3]


def test_a_step_back_mixes_no_zips(aws, tmp_path):
    """After a change of one function's size that one steps back alone; the others would get an older zip."""
    lambdas, other = aws.client("lambda"), NAMES["stream"]
    published(lambdas, {}, {})
    published(lambdas, {}, name=other)
    lambdas.update_function_code(FunctionName=other, ZipFile=zipped("newer = True"), Publish=True)
    lambdas.update_alias(FunctionName=other, Name="live", FunctionVersion="2")
    assert _deploy.back(deployment_of(tmp_path, NAME, other), lambdas)
    assert _deploy.served(lambdas, [NAME, other]) == {NAME: 1, other: 2}


@pytest.mark.parametrize("name", ["HOSTS", "TABLE", "EDGE_SECRET", "ALLOWED_CIDRS", "FIRST_ADMIN"])
def test_a_version_of_other_settings_is_no_way_back(aws, capsys, name):
    """A step back would undo what the settings say of who comes in, so the alias stays."""
    lambdas = aws.client("lambda")
    published(lambdas, {f"RUNHAVEN_{name}": "an older one"}, {f"RUNHAVEN_{name}": "a newer one"})
    assert not _deploy.moved(lambdas, {NAME: 2}, {NAME: 1})
    said = capsys.readouterr().err
    assert f"another RUNHAVEN_{name};" in said
    assert "older" not in said
    assert "newer" not in said
    assert _deploy.served(lambdas, [NAME]) == {NAME: 2}


def test_the_log_level_and_what_came_with_the_code_may_go_back(aws):
    """Neither another log level nor a setting that the older version does not know keeps it from serving."""
    lambdas = aws.client("lambda")
    published(lambdas, {_deploy.FREE: "INFO"}, {_deploy.FREE: "DEBUG", "RUNHAVEN_NEWER": "1"})
    assert _deploy.moved(lambdas, {NAME: 2}, {NAME: 1})
    assert _deploy.served(lambdas, [NAME]) == {NAME: 1}


def data(kind, **values):
    """What a data source of the control plane has said."""
    return {"address": f"module.house.data.{kind}.here", "mode": "data", "type": kind, "values": values}


def test_a_plan_tells_in_whose_account_it_is(aws, tmp_path):
    """Before the first apply a plan says where the house will be, and other accounts' keys are refused."""
    function = {"address": 'module.house.aws_lambda_function.runhaven["api"]', "mode": "managed"}
    here = data("aws_region", name=REGION), data("aws_caller_identity", account_id="210987654321")
    plan = {"planned_values": {"resources": [function]}, "prior_state": {"values": {"resources": here}}}
    place = _deploy.place_of(plan, tmp_path, "")
    assert place == (REGION, "210987654321")
    with pytest.raises(SystemExit, match=r"of account 123456789012, .* in 210987654321: use --role"):
        Caller().client("lambda", *place)
    assert _deploy.place_of({**plan, "prior_state": {}}, tmp_path, "") is None


@pytest.mark.parametrize(("arch", "python"), [("x86_64", "3.13"), ("arm64", "3.12")])
def test_a_zip_for_another_processor_is_not_applied(arch, python):
    """The functions' processor and Python have to be those that the zip was built for."""
    values = {"architectures": ["arm64"], "runtime": "python3.13"}
    function = {"address": "module.house.aws_lambda_function.runhaven", "mode": "managed", "values": values}
    function |= {"type": "aws_lambda_function", "name": "runhaven"}
    plan = {"planned_values": {"root_module": {"child_modules": [{"resources": [function]}]}}}
    with pytest.raises(SystemExit, match=f'set architecture = "{arch}" and python = "{python}"'):
        _deploy.agreed(plan, Path("runhaven.zip"), arch, python)


def pool_of(aws, folder, **more):
    """A client of Cognito, and a deployment with an empty pool of it, whose first admin will be Ann."""
    people = aws.client("cognito-idp")
    pool = people.create_user_pool(PoolName="p", UsernameAttributes=["email"])["UserPool"]["Id"]
    block = {**BLOCK, "RUNHAVEN_USER_POOL": pool, "RUNHAVEN_FIRST_ADMIN": "ann@example.org", **more}
    arn = f"arn:aws:lambda:{REGION}:123456789012:function:{NAME}"
    function = {"environment": [{"variables": block}], "arn": arn}
    return people, Deployment(folder, "", {'aws_lambda_function.runhaven["api"]': function})


def test_who_has_not_come_is_invited_again(aws, tmp_path, capsys):
    """A first password ends after days: who has not replaced it gets another; who has is left alone."""
    people, deployment = pool_of(aws, tmp_path)
    pool, said = deployment.settings["RUNHAVEN_USER_POOL"], []
    for _ in range(2):
        _deploy.invited(deployment)
        said.append(capsys.readouterr().out)
    whom = {"UserPoolId": pool, "Username": "ann@example.org"}
    people.admin_set_user_password(**whom, Password="aA1-aA1-aA1-aA1", Permanent=True)
    assert _deploy.invited(deployment) == "ann@example.org"
    assert said == [
        "ann@example.org was invited by e-mail\n",
        "ann@example.org was invited by e-mail again\n",
    ]
    assert capsys.readouterr().out == ""


def test_nobody_is_invited_where_a_provider_knows_the_people(aws, tmp_path, capsys):
    """Who signs in at the company's provider has an account there, and none with a password here."""
    people, deployment = pool_of(aws, tmp_path, RUNHAVEN_FEDERATED="true")
    assert _deploy.invited(deployment) == "ann@example.org"
    assert people.list_users(UserPoolId=deployment.settings["RUNHAVEN_USER_POOL"])["Users"] == []
    assert capsys.readouterr().out == ""
