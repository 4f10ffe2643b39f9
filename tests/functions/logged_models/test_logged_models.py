import math
import random
import time

import pytest

from functions import ids
from functions.access.policy import Role
from functions.errors import NotAllowed, NotFound, Unacceptable
from functions.experiments import service as experiments
from functions.logged_models import service
from functions.logged_models.service import ModelMetric

RUN = ids.new_run_id("7", 1000).text


@pytest.fixture
def ann(back_end):
    """An owner of the team."""
    return back_end.who()


@pytest.fixture
def home(ann):
    """The id of an experiment of the team."""
    return experiments.create(ann, "home").id


def test_a_logged_model_is_read_back_whole(ann, home):
    """What was created is found by its id, and waits for its files."""
    made = service.create(
        ann,
        experiment_id=home,
        name="forest",
        model_type="sklearn",
        source_run_id=RUN,
        params={"depth": "3"},
        tags={"a": "b"},
    )
    assert service.get(ann, made.model_id) == made
    assert (made.name, made.status, made.model_type, made.source_run_id) == (
        "forest",
        "PENDING",
        "sklearn",
        RUN,
    )
    assert (made.params, made.tags, made.metrics) == ({"depth": "3"}, {"a": "b"}, [])
    assert (made.experiment_id, made.created_by) == (home, ann.name)
    assert made.created_at == made.updated_at == ids.parse_model_id(made.model_id).created_ms


def test_a_model_without_a_name_is_given_one(ann, home):
    """A missing name is invented, and is one that the service itself would take."""
    invented = service.create(ann, experiment_id=home).name
    assert service.create(ann, experiment_id=home, name=invented).name == invented


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "a.b", "50%", 'a"b', "a'b", "x" * 501, "\ud800", 5])
def test_a_bad_name_is_refused(ann, home, name):
    """A model's name is not empty and has none of MLflow's reserved characters."""
    with pytest.raises(Unacceptable) as refused:
        service.create(ann, experiment_id=home, name=name)
    assert refused.value.field == "name"
    assert service.listing(ann, home) == []


def test_names_may_repeat(ann, home):
    """Two models may have the same name; they are told apart by their ids."""
    one, two = (service.create(ann, experiment_id=home, name="same") for _ in range(2))
    assert one.model_id != two.model_id


@pytest.mark.parametrize(
    "wrong", [{"params": {"k": "v" * 6001}}, {"tags": {"k": "v" * 8001}}, {"params": {"": "v"}}]
)
def test_bad_params_and_tags_are_refused(ann, home, wrong):
    """Params and tags have MLflow's limits, when a model is created and later."""
    made = service.create(ann, experiment_id=home, name="m")
    later = {"params": service.log_params, "tags": service.set_tags}
    with pytest.raises(Unacceptable):
        service.create(ann, experiment_id=home, **wrong)
    for what, pairs in wrong.items():
        with pytest.raises(Unacceptable):
            later[what](ann, made.model_id, pairs)
    assert service.listing(ann, home) == [made]


def test_a_model_needs_an_active_experiment(ann, home):
    """There is no model without an experiment, and none in a deleted one."""
    with pytest.raises(NotFound):
        service.create(ann, experiment_id="12345")
    with pytest.raises(NotFound):
        service.create(ann, experiment_id="abc")
    experiments.delete(ann, home)
    with pytest.raises(Unacceptable, match="active"):
        service.create(ann, experiment_id=home)


def test_the_source_run_can_be_a_run(ann, home):
    """An id that cannot be a run's is not taken as a source."""
    with pytest.raises(NotFound):
        service.create(ann, experiment_id=home, source_run_id="../../etc")


@pytest.mark.parametrize(
    "unknown", ["m-" + "0" * 32, "m-", "0" * 32, "m-" + "0" * 31, "M-" + "0" * 32, "", None]
)
def test_an_unknown_model_is_not_found(ann, unknown):
    """An id that nobody made, or that cannot be one, does not exist."""
    for verb in (
        lambda: service.get(ann, unknown),
        lambda: service.finalize(ann, unknown, "READY"),
        lambda: service.set_tags(ann, unknown, {"a": "b"}),
        lambda: service.delete_tag(ann, unknown, "a"),
        lambda: service.log_params(ann, unknown, {"a": "b"}),
        lambda: service.log_metrics(ann, {unknown: [ModelMetric("a", 1.0, 1)]}),
        lambda: service.delete(ann, unknown),
    ):
        with pytest.raises(NotFound):
            verb()


def test_a_model_becomes_ready_or_fails(ann, home):
    """Its status is one of three words; finalizing twice is the same as once."""
    made = service.create(ann, experiment_id=home)
    ready = service.finalize(ann, made.model_id, "READY")
    assert (ready.status, ready.updated_at > made.updated_at) == ("READY", True)
    assert service.finalize(ann, made.model_id, "READY") == ready
    assert service.finalize(ann, made.model_id, "FAILED").status == "FAILED"
    for word in ("ready", "LOGGED_MODEL_READY", "", None, 2):
        with pytest.raises(Unacceptable):
            service.finalize(ann, made.model_id, word)


def test_params_never_change(ann, home):
    """The same value again is fine; another value is refused, and then nothing of the call is kept."""
    made = service.create(ann, experiment_id=home, params={"a": "1"})
    assert service.log_params(ann, made.model_id, {"a": "1", "b": "2"}).params == {"a": "1", "b": "2"}
    with pytest.raises(Unacceptable, match="Changing param values is not allowed"):
        service.log_params(ann, made.model_id, {"c": "3", "a": "2"})
    assert service.get(ann, made.model_id).params == {"a": "1", "b": "2"}


def test_tags_are_set_and_removed(ann, home):
    """Tags are set, overwritten and removed; removing one that is not there is not found."""
    made = service.create(ann, experiment_id=home, tags={"a": "1"})
    assert service.set_tags(ann, made.model_id, {"a": "2", "b": "3"}).tags == {"a": "2", "b": "3"}
    assert service.delete_tag(ann, made.model_id, "a").tags == {"b": "3"}
    with pytest.raises(NotFound):
        service.delete_tag(ann, made.model_id, "a")


def test_metrics_keep_the_latest_of_each_dataset_and_run(ann, home):
    """A metric on another dataset or by another run is another one, and of each the latest stays."""
    made = service.create(ann, experiment_id=home)
    first = [
        ModelMetric("loss", 0.5, 10, 1),
        ModelMetric("loss", 0.4, 10, 1, "iris", "d1"),
        ModelMetric("loss", math.inf, 10, 1, None, None, RUN),
    ]
    service.log_metrics(ann, {made.model_id: first})
    service.log_metrics(
        ann, {made.model_id: [ModelMetric("loss", 0.1, 99, 0), ModelMetric("loss", 0.6, 10, 1)]}
    )
    service.log_metrics(
        ann, {made.model_id: [ModelMetric("nan", math.nan, 0), ModelMetric("tiny", 5e-324, 0, -3)]}
    )
    found = service.get(ann, made.model_id).metrics
    assert [(one.key, repr(one.value), one.step, one.dataset_name, one.run_id) for one in found] == [
        ("loss", "0.6", 1, None, None),
        ("loss", "inf", 1, None, RUN),
        ("loss", "0.4", 1, "iris", None),
        ("nan", "nan", 0, None, None),
        ("tiny", "5e-324", -3, None, None),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        ModelMetric("", 1.0, 1),
        ModelMetric("a", "NaN", 1),
        ModelMetric("a", 10**400, 1),
        ModelMetric("a", 1.0, -1),
        ModelMetric("a", 1.0, 2**63),
        ModelMetric("a", 1.0, 1, 1.5),
        ModelMetric("a", 1.0, 1, 1, "x" * 501),
        ModelMetric("a", 1.0, 1, 1, "x", "d" * 37),
    ],
)
def test_a_bad_metric_is_refused(ann, home, wrong):
    """A metric that breaks a limit is refused together with those beside it."""
    one, two = (service.create(ann, experiment_id=home) for _ in range(2))
    with pytest.raises(Unacceptable):
        service.log_metrics(ann, {one.model_id: [ModelMetric("a", 1.0, 1)], two.model_id: [wrong]})
    assert service.get(ann, one.model_id) == one


def test_metrics_of_a_missing_model_write_nothing(ann, home):
    """When one of several models does not exist, none of them is written."""
    one, gone = (service.create(ann, experiment_id=home) for _ in range(2))
    service.delete(ann, gone.model_id)
    metrics = [ModelMetric("a", 1.0, 1)]
    with pytest.raises(NotFound):
        service.log_metrics(ann, {one.model_id: metrics, gone.model_id: metrics})
    assert service.get(ann, one.model_id) == one
    service.log_metrics(ann, {})


def test_a_deleted_model_is_hidden(ann, home):
    """Deleting hides a model from reads, lists and changes; who asks for deleted ones still gets it."""
    made, other = (service.create(ann, experiment_id=home) for _ in range(2))
    gone = service.delete(ann, made.model_id)
    assert gone.deleted_at == gone.updated_at > made.updated_at
    assert service.delete(ann, made.model_id) == gone == service.get(ann, made.model_id, deleted=True)
    assert service.listing(ann, home) == [other]
    for verb in (
        lambda: service.get(ann, made.model_id),
        lambda: service.finalize(ann, made.model_id, "READY"),
        lambda: service.set_tags(ann, made.model_id, {"a": "b"}),
        lambda: service.log_metrics(ann, {made.model_id: [ModelMetric("a", 1.0, 1)]}),
    ):
        with pytest.raises(NotFound):
            verb()


def test_lists_and_pages_are_newest_first(back_end, ann, home):
    """Lists and pages have an experiment's models, the newest first, without deleted ones and others'."""
    made = []
    for _ in range(9):
        made.append(service.create(ann, experiment_id=home).model_id)
        time.sleep(0.002)
    service.create(ann, experiment_id=experiments.create(ann, "other").id)
    service.delete(ann, made[4])
    newest_first = [one for one in reversed(made) if one != made[4]]
    assert [one.model_id for one in service.listing(ann, home)] == newest_first
    seen, after = [], None
    while True:
        some, after = service.page(ann, home, after, 3)
        seen += [one.model_id for one in some]
        if after is None:
            break
    assert seen == newest_first
    assert service.listing(back_end.who(team=f"{back_end.team}-2"), home) == []


def test_each_role_does_what_it_may(back_end, ann, home):
    """A viewer reads, a contributor logs, a maintainer deletes; another team finds nothing."""
    viewer, contributor = back_end.who(Role.VIEWER), back_end.who(Role.CONTRIBUTOR)
    made = service.create(contributor, experiment_id=home)
    assert service.get(viewer, made.model_id) == made
    for refused in (
        lambda: service.create(viewer, experiment_id=home),
        lambda: service.finalize(viewer, made.model_id, "READY"),
        lambda: service.log_metrics(viewer, {made.model_id: []}),
        lambda: service.delete(contributor, made.model_id),
    ):
        with pytest.raises(NotAllowed):
            refused()
    with pytest.raises(NotFound):
        service.get(back_end.who(team=f"{back_end.team}-2"), made.model_id)


def test_nothing_is_lost_when_many_write_at_once(back_end, ann, home):
    """Eight writers of metrics, params and tags on one model all find everything afterwards."""
    made = service.create(ann, experiment_id=home)

    def write(writer):
        for number in range(5):
            name = f"w{writer}.{number}"
            if writer % 4 == 0:
                service.set_tags(ann, made.model_id, {name: "t"})
            elif writer % 4 == 1:
                service.log_params(ann, made.model_id, {name: "p"})
            else:
                service.log_metrics(
                    ann,
                    {
                        made.model_id: [
                            ModelMetric(name, 1.0, 1),
                            ModelMetric("same", writer + number, 1, number),
                        ]
                    },
                )

    assert back_end.at_once(write, range(8)) == [None] * 8
    found = service.get(ann, made.model_id)
    assert len(found.tags) == len(found.params) == 10
    assert len(found.metrics) == 21
    assert [(one.value, one.step) for one in found.metrics if one.key == "same"] == [(11.0, 4)]


def test_a_model_ends_where_an_item_ends(ann, home):
    """What outgrows an item is refused by name, and what was there stays and can still be changed."""
    noise = random.Random(1)
    many = {f"p{number}": noise.randbytes(3000).hex() for number in range(150)}
    with pytest.raises(Unacceptable) as refused:
        service.create(ann, experiment_id=home, params=many)
    assert refused.value.field == "params"
    made = service.create(ann, experiment_id=home, params=dict(list(many.items())[:100]))
    with pytest.raises(Unacceptable):
        service.log_params(ann, made.model_id, many)
    assert service.get(ann, made.model_id) == made
    assert service.finalize(ann, made.model_id, "READY").params == made.params


@pytest.mark.parametrize("verb", ["create", "log_metrics", "delete_tag"])
def test_a_lost_answer_is_no_failure(back_end, ann, home, verb):
    """A write that was applied and is sent again, because its answer was lost, succeeds and counts once."""
    made = service.create(ann, experiment_id=home, tags={"a": "b"})
    with back_end.answer_lost("PutItem"):
        if verb == "create":
            made = service.create(ann, experiment_id=home)
        elif verb == "delete_tag":
            service.delete_tag(ann, made.model_id, "a")
        else:
            service.log_metrics(ann, {made.model_id: [ModelMetric("a", 1.0, 1)]})
    assert len(service.listing(ann, home)) == (2 if verb == "create" else 1)


def test_round_trips(back_end, ann, home):
    """Creating takes two round trips, reading one, a change two, and a list one parallel round."""
    made = service.create(ann, experiment_id=home)
    for call, asked in [
        (lambda: service.create(ann, experiment_id=home), ["GetItem", "PutItem"]),
        (lambda: service.get(ann, made.model_id), ["GetItem"]),
        (lambda: service.set_tags(ann, made.model_id, {"a": "1"}), ["GetItem", "PutItem"]),
        (
            lambda: service.log_metrics(ann, {made.model_id: [ModelMetric("a", 1.0, 1)]}),
            ["GetItem", "PutItem"],
        ),
        (lambda: service.log_metrics(ann, {made.model_id: [ModelMetric("a", 1.0, 1)]}), ["GetItem"]),
        (lambda: service.listing(ann, home), ["Query"] * 4),
    ]:
        with back_end.trips() as trips:
            call()
        assert trips == asked
