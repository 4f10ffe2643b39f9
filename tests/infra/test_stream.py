"""Of the table's changes only those are paid for that a room reacts to."""

import json

import pytest

from tests.infra import written
from tests.runtime.event_sources import passes

pytestmark = [pytest.mark.engine, pytest.mark.long, pytest.mark.xdist_group("deployed")]

MAPPING = "module.control_plane.aws_lambda_event_source_mapping.stream"
NUMBER, TEXT = {"N": "1"}, {"S": "text"}


def change(name="MODIFY", keys=("T#red#E#1#0", "R#1~"), **image):
    """A change as the stream tells it."""
    pk, sk = ({"S": key} for key in keys)
    images = {"OldImage": {}} if name == "REMOVE" else {"NewImage": {"PK": pk, "SK": sk, **image}}
    return {"eventName": name, "dynamodb": {"Keys": {"PK": pk, "SK": sk}, **images}}


@pytest.fixture(scope="module")
def patterns(deployed):
    """The stream's filters, as Lambda was told them."""
    (criteria,) = deployed.made[MAPPING]["filter_criteria"]
    return [json.loads(each["pattern"]) for each in criteria["filter"]]


@pytest.fixture(scope="module")
def comes(patterns):
    """Whether a change reaches the stream's function."""
    return lambda told: any(passes(pattern, told) for pattern in patterns)


def test_the_filters_are_those_that_are_written(patterns):
    """Where nothing is applied, the tests read the same filters from the module's text."""
    told, read = (
        {json.dumps(each, sort_keys=True) for each in some} for some in (patterns, written.filters())
    )
    assert told == read


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(change(due=NUMBER), id="a run is due"),
        pytest.param(change("INSERT", due=NUMBER), id="a run is due from the start"),
        pytest.param(change(purge=NUMBER), id="a run is condemned"),
        pytest.param(change(keys=("T#red", "E#1"), purge=NUMBER), id="an experiment is condemned"),
        pytest.param(change("REMOVE", keys=("T#red#LATER", "1#2")), id="something expired"),
        pytest.param(change("REMOVE", keys=("T#red#D#1", "U#1")), id="a version that never came"),
    ],
)
def test_what_is_reacted_to_comes(comes, told):
    """Whatever a room's reactions look for reaches the function."""
    assert comes(told)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(change("INSERT", keys=("T#red#E#1#0", "R#1#t#1"), points=TEXT), id="a log call"),
        pytest.param(change(), id="a head"),
        pytest.param(change("REMOVE", keys=("T#red#E#1#0", "R#1#t#1")), id="a folded tail"),
        pytest.param(change("INSERT", keys=("T#red#LATER", "1#2")), id="something will expire"),
    ],
)
def test_nothing_else_comes(comes, told):
    """A call that logs costs no invocation."""
    assert not comes(told)
