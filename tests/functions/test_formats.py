"""Old and new versions side by side: what a newer one wrote is refused or kept, never misread or lost."""

import json
from pathlib import Path

import pytest

from functions import table
from functions.access import items as access
from functions.access.grants import for_card, for_job
from functions.access.memory import MEMORY
from functions.errors import Outdated
from functions.experiments import service as experiments
from functions.ids import parse_run_id
from functions.local_table import SHAPE
from functions.revision import Revised
from functions.runs import items as runs_items
from functions.runs import service as runs
from functions.teams import items as teams
from tests.functions.calls import call
from tests.house.source import ROOT, files

SCHEMA = ROOT / "tests/functions/schema.json"
LIFETIME, NAME = "TimeToLiveSpecification", "AttributeName"


def turned(pk, sk, **more):
    """Change an item as a newer version would have it."""
    key = {"PK": {"S": pk}, "SK": {"S": sk}}
    item = table.client().get_item(TableName="runhaven", Key=key)["Item"]
    table.client().put_item(TableName="runhaven", Item={**item, **more})
    MEMORY.forget()
    experiments.forget()
    return item


@pytest.fixture
def run(app, ann):
    """A run of the team's Default experiment."""
    return runs.create(ann, experiment_id="0").run_id


def places(ann, run, secret):
    """Where items of several rooms lie, each with a request that reads it."""
    team, parsed = for_card(ann.team), parse_run_id(run)
    head = runs_items.head_key(for_job(ann.team), parsed)
    return {
        "token": (*access.token(access.digest(secret)), "GET", "/v1/me", None),
        "user": (*access.membership(ann.sub, ann.team), "GET", "/v1/experiments", None),
        "team": (*teams.team(team), "GET", f"/v1/teams/{ann.team}", None),
        "experiment": (f"T#{ann.team}", "E#0", "GET", "/v1/experiments/0", None),
        "run": (*head, "GET", f"/v1/runs/{run}", None),
        "run in a search": (*head, "POST", "/v1/runs/search", {"experiment_ids": ["0"]}),
        "run that is written": (*head, "PATCH", f"/v1/runs/{run}", {"status": "FINISHED"}),
    }


WHERE = ["token", "user", "team", "experiment", "run", "run in a search", "run that is written"]


@pytest.mark.parametrize("what", WHERE)
def test_a_newer_format_is_refused(app, ann, secret, run, what):
    """Whoever reads an item of a format that he does not know answers 503, and that an upgrade helps."""
    pk, sk, method, path, body = places(ann, run, secret)[what]
    before = turned(pk, sk, f={"N": "2"})
    answer = call(app, method, path, token=secret, json_body=body)
    assert (answer.status, answer.json["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
    assert "upgrade" in answer.json["message"]
    assert answer.header("retry-after")
    turned(pk, sk, f=before["f"])
    assert call(app, method, path, token=secret, json_body=body).status == 200


@pytest.mark.parametrize("what", WHERE)
def test_an_attribute_that_was_added_is_no_hindrance(app, ann, secret, run, what):
    """A newer version adds attributes without another format, and older ones go on beside it."""
    pk, sk, method, path, body = places(ann, run, secret)[what]
    turned(pk, sk, novelty={"S": "new"})
    assert call(app, method, path, token=secret, json_body=body).status == 200


def test_what_an_older_version_rewrites_keeps_what_it_does_not_know(app, ann, secret, run):
    """A run, a team and an experiment that the old version changes still have what the new one added."""
    changes = {
        "run": ("PATCH", f"/v1/runs/{run}", {"status": "FINISHED"}),
        "team": ("PATCH", f"/v1/teams/{ann.team}", {"description": "changed"}),
        "experiment": ("PATCH", "/v1/experiments/0", {"name": "changed"}),
    }
    for what, (method, path, body) in changes.items():
        pk, sk, *_ = places(ann, run, secret)[what]
        before = turned(pk, sk, novelty={"B": b"\x00new"}, count={"N": "7"})
        assert call(app, method, path, token=secret, json_body=body).status == 200
        after = turned(pk, sk)
        assert (after["novelty"], after["count"]) == ({"B": b"\x00new"}, {"N": "7"})
        assert {**after, "novelty": 0, "count": 0} != {**before, "novelty": 0, "count": 0}


def test_what_stood_in_the_way_is_not_misread(app, ann, run):
    """Also where a condition failed and DynamoDB tells what stood there."""
    key = runs_items.head_key(for_job(ann.team), parse_run_id(run))
    turned(*key, f={"N": "2"})
    head = runs_items.Head(*key, n="", st="RUNNING", s=1, by="", rv=1, w="", d=b"")
    for write in (
        lambda: table.put(head, runs_items.Head.PK.does_not_exist()),
        lambda: table.transact(table.Put(head, runs_items.Head.PK.does_not_exist())),
        lambda: table.delete(key, runs_items.Head.rv == 4_711),
    ):
        with pytest.raises(Outdated):
            write()


def kinds():
    """Every stored kind: its attributes, each with its type and whether old items may lack it."""
    import importlib

    for path in files("functions"):
        if path.name == "items.py":
            importlib.import_module(".".join(Path(path).with_suffix("").parts))
    found, waiting = {}, [table.Item]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind not in {table.Item, Revised} and kind.__module__.startswith("functions."):
            name = f"{kind.__module__.removeprefix('functions.').removesuffix('.items')}.{kind.__name__}"
            found[name] = {
                each.attr_name: each.attr_type + ("?" if each.null or each.default is not None else "")
                for each in kind.get_attributes().values()
            }
    return dict(sorted(found.items()))


def test_the_schema_only_grows():
    """No attribute of a released kind goes or changes its type; a new one may be missing in old items."""
    # What is new is written down in schema.json. What must change otherwise takes another format number,
    # which readers know one release before anybody writes it.
    released = json.loads(SCHEMA.read_text("utf-8"))
    now = kinds()
    for kind, attributes in released.items():
        assert kind in now, f"{kind} is gone, and its items are still there"
        for name, how in attributes.items():
            assert now[kind].get(name, "").rstrip("?") == how.rstrip("?"), f"{kind}.{name}"
        added = {name: how for name, how in now[kind].items() if name not in attributes}
        assert all(how.endswith("?") for how in added.values()), f"{kind}: old items lack {added}"
    assert now == released, "write what is new into tests/functions/schema.json"


def test_the_table_is_what_the_items_need():
    """Its keys are those of every item, nothing else is indexed, and what expires says when, in seconds."""
    shape = json.loads(SHAPE.read_text("utf-8"))
    keys = {each["KeyType"]: each["AttributeName"] for each in shape["KeySchema"]}
    attributes = {each.attr_name: each for each in table.Item.get_attributes().values()}
    own = {"HASH": "is_hash_key", "RANGE": "is_range_key"}
    assert keys == {
        kind: name for kind, mark in own.items() for name, each in attributes.items() if getattr(each, mark)
    }
    assert shape["AttributeDefinitions"] == [
        {"AttributeName": name, "AttributeType": attributes[name].attr_type} for name in keys.values()
    ]
    expiring = {kind: how[name] for kind, how in kinds().items() if (name := shape[LIFETIME][NAME]) in how}
    assert shape[LIFETIME]["Enabled"] is True
    assert {how.rstrip("?") for how in expiring.values()} == {"N"}
    assert "artifacts.Later" in expiring
    # Reactions compare what was with what is.
    assert shape["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
