"""Datasets of an experiment: bodies that never change, and the contexts in which runs read them."""

import random

import pytest

from functions.access import grants
from functions.access.policy import Action, Role, Scope
from functions.errors import NotAllowed, NotFound, Unacceptable
from functions.experiments import service
from functions.experiments.service import Dataset, DatasetSummary

IRIS = Dataset("iris", "d1", "local", '{"uri": "iris.csv"}', '{"columns": []}', '{"rows": 150}')
BARE = Dataset("bare", "d2", "http", "")


@pytest.fixture
def g(back_end):
    """The right to log in the team."""
    return grants.grant(back_end.who(), Action.LOG)


def test_a_dataset_comes_back_whole(g):
    """Every part is read back as it was stored, parts that were not given stay ungiven."""
    ids = service.put_datasets(g, "7", [(IRIS, "train"), (BARE, None)])
    service.forget()
    assert service.datasets(g, "7", [*ids, "f" * 32]) == dict(zip(ids, [IRIS, BARE], strict=True))
    assert ids == [service.dataset_id(IRIS), service.dataset_id(BARE)]


def test_a_dataset_never_changes(g):
    """The body that was stored first for a name and digest stays, whoever sends another one."""
    other = Dataset("iris", "d1", "s3", "elsewhere")
    (known_as,) = service.put_datasets(g, "7", [(IRIS, None)])
    service.forget()
    assert service.put_datasets(g, "7", [(other, None)]) == [known_as]
    assert service.datasets(g, "7", [known_as]) == {known_as: IRIS}
    service.forget()
    assert service.datasets(g, "7", [known_as]) == {known_as: IRIS}


def test_one_of_many_bodies_wins(back_end, g):
    """Of many that store different bodies at once all see the same one afterwards."""
    bodies = [Dataset("iris", "d1", "local", f"source {number}") for number in range(16)]

    def put(body):
        (known_as,) = service.put_datasets(g, "7", [(body, None)])
        return service.datasets(g, "7", [known_as])[known_as]

    seen = set(back_end.at_once(put, bodies))
    service.forget()
    (stored,) = service.datasets(g, "7", [service.dataset_id(IRIS)]).values()
    assert stored in seen <= set(bodies)


def test_known_bodies_cost_nothing(back_end, g):
    """Storing takes one parallel round, and so does reading; what this process knows takes none."""
    with back_end.trips() as trips:
        ids = service.put_datasets(g, "7", [(IRIS, "train"), (BARE, "eval"), (IRIS, "eval")])
    assert sorted(trips) == ["BatchWriteItem", "PutItem", "PutItem"]
    with back_end.trips() as trips:
        service.put_datasets(g, "7", [(IRIS, "train"), (BARE, "eval")])
        service.datasets(g, "7", ids)
        service.put_datasets(g, "7", [])
        service.datasets(g, "7", [])
    assert trips == []
    service.forget()
    with back_end.trips() as trips:
        service.datasets(g, "7", ids)
    assert trips == ["BatchGetItem"]


def test_many_datasets_at_once_are_stored(g):
    """A call with more datasets than a batch holds stores them all."""
    many = [(Dataset(f"d{number}", "x", "local", ""), f"c{number}") for number in range(60)]
    ids = service.put_datasets(g, "7", many)
    service.forget()
    assert len(service.datasets(g, "7", ids)) == len(set(ids)) == 60


def test_summaries_tell_name_digest_and_context_once(back_end, g):
    """Each dataset is told once for each context in which it was read, and once without context if so."""
    viewer = back_end.who(Role.VIEWER)
    service.put_datasets(g, "7", [(IRIS, "train"), (IRIS, "eval"), (IRIS, None), (IRIS, "")])
    service.put_datasets(g, "7", [(IRIS, "train"), (BARE, None)])
    service.put_datasets(g, "8", [(BARE, "train")])
    found = service.dataset_summaries(viewer, ["7", "7", "9"])
    assert sorted((one.name, one.digest, repr(one.context)) for one in found) == [
        ("bare", "d2", "None"),
        ("iris", "d1", "''"),
        ("iris", "d1", "'eval'"),
        ("iris", "d1", "'train'"),
        ("iris", "d1", "None"),
    ]
    assert service.dataset_summaries(viewer, ["8"]) == [DatasetSummary("8", "bare", "d2", "train")]
    assert service.dataset_summaries(viewer, []) == []
    with pytest.raises(NotFound):
        service.dataset_summaries(viewer, ["seven"])


def test_datasets_belong_to_one_experiment_of_one_team(back_end, g):
    """Another experiment and another team do not have them."""
    ids = service.put_datasets(g, "7", [(IRIS, "train")])
    other = grants.grant(back_end.who(team=f"{back_end.team}-2"), Action.LOG)
    assert service.datasets(g, "8", ids) == service.datasets(other, "7", ids) == {}


def test_who_may_read_runs_may_read_their_datasets(back_end, g):
    """Bodies are part of a run, so a token that only logs sees them, but not the experiment's summaries."""
    logger = back_end.who(Role.CONTRIBUTOR, scope=Scope.LOG)
    ids = service.put_datasets(g, "7", [(IRIS, "train")])
    assert list(service.datasets_of_runs(logger, "7", ids).values()) == [IRIS]
    with pytest.raises(NotAllowed):
        service.dataset_summaries(logger, ["7"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 501),
        ("name", "a\0b"),
        ("name", None),
        ("digest", ""),
        ("digest", "x" * 37),
        ("digest", "\0"),
        ("source_type", None),
        ("source", "x" * 65_536),
        ("source", "\ud800"),
        ("schema", "x" * 1_048_576),
        ("profile", "x" * 16_777_216),
        ("profile", 7),
    ],
)
def test_a_bad_dataset_is_refused(back_end, g, field, value):
    """A dataset that breaks a limit names the field, and nothing is written, not even those beside it."""
    parts = {"name": "n", "digest": "d", "source_type": "local", "source": "", field: value}
    with back_end.trips() as trips, pytest.raises(Unacceptable) as refused:
        service.put_datasets(g, "7", [(IRIS, None), (Dataset(**parts), None)])
    assert refused.value.field == field
    assert trips == []


def test_the_largest_dataset_that_compresses_is_kept(g):
    """All parts at their limits fit into an item when they repeat themselves, as schemas and profiles do."""
    body = Dataset("n" * 500, "d" * 36, "t" * 500, "s" * 65_535, '{"c":1},' * 131_071, "0,1," * 4_194_303)
    (known_as,) = service.put_datasets(g, "7", [(body, "c" * 500)])
    service.forget()
    assert service.datasets(g, "7", [known_as]) == {known_as: body}


@pytest.mark.parametrize("field", ["schema", "profile"])
def test_a_dataset_that_does_not_fit_is_refused(back_end, g, field):
    """What outgrows an item even when compressed is refused by the name of its longest part."""
    noise = random.Random(1).randbytes(450_000).hex()
    body = Dataset("n", "d", "local", "short", **{field: noise})
    with back_end.trips() as trips, pytest.raises(Unacceptable) as refused:
        service.put_datasets(g, "7", [(IRIS, None), (body, None)])
    assert refused.value.field == field
    assert trips == []


def test_a_lost_answer_changes_nothing(back_end, g):
    """A body that is sent again because the answer was lost is stored once."""
    with back_end.answer_lost("PutItem"):
        (known_as,) = service.put_datasets(g, "7", [(IRIS, "train")])
    service.forget()
    assert service.datasets(g, "7", [known_as]) == {known_as: IRIS}
