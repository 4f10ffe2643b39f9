"""Whatever is sent, the answer is a success or a refusal in MLflow's JSON: never a 5xx."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.dialects.caller import refused
from tests.dialects.endpoints import BODIED, QUERIED

QUICKLY = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NAMES = some.sampled_from(
    "artifact_location ascending dataset dataset_digest dataset_name datasets digest end_time end_step "
    "experiment_id experiment_ids experiment_name field_name filter key max_results metric_key metrics "
    "model_id model_json models name new_name order_by page_token params run_id run_ids run_name run_uuid "
    "run_view_type schema source start_step start_time status step tags timestamp user_id value "
    "view_type".split()
)
TEXTS = some.text(max_size=12) | some.sampled_from(["0", "1", "-1", "1.5", "NaN", "RUNNING", "metrics.m > 1"])
SCALARS = (
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats()
    | some.sampled_from([2**63, 2**64])
    | TEXTS
)
VALUES = some.recursive(
    SCALARS,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(NAMES, inner, max_size=6),
    max_leaves=12,
)


@QUICKLY
@given(
    where=some.sampled_from(BODIED),
    body=some.dictionaries(NAMES, VALUES, max_size=8),
    real=some.sets(some.sampled_from(["run_id", "experiment_id", "experiment_ids", "name", "key"])),
)
def test_no_body_makes_the_house_fail(house, experiment, run, where, body, real):
    """Whatever JSON is sent to whatever endpoint, also about a run that exists, it is done or refused."""
    known = {
        "run_id": run,
        "experiment_id": experiment,
        "experiment_ids": [experiment],
        "name": "n",
        "key": "k",
    }
    body |= {name: known[name] for name in real}
    answer = house.call(*where, raw=json.dumps(body).encode())
    if answer.status not in {200, 201}:
        refused(answer, 400, 404)


@QUICKLY
@given(path=some.sampled_from(QUERIED), query=some.dictionaries(NAMES, some.lists(TEXTS, max_size=3)))
def test_no_query_makes_the_house_fail(house, path, query):
    """Whatever is asked by query, it is answered, refused, or said not to be served."""
    answer = house.get(path, query)
    if answer.status != 200:
        refused(answer, 400, 404, 501)


@QUICKLY
@given(where=some.sampled_from(BODIED), raw=some.binary(max_size=200))
def test_no_bytes_make_the_house_fail(house, where, raw):
    """Whatever bytes are sent as JSON, they are refused, unless they are an empty body."""
    answer = house.call(*where, raw=raw)
    if answer.status not in {200, 201}:
        refused(answer, 400, 404)
