"""Lineage: datasets, runs and logged models, asked from any of them, up and down."""

import pytest

from functions.access import grants
from functions.access.policy import Role, Scope
from functions.datasets import lineage, service
from functions.datasets.lineage import Reach
from functions.errors import NotAllowed, NotFound
from functions.experiments import service as experiments
from functions.experiments.service import Dataset
from functions.ids import parse_model_id, parse_run_id
from functions.logged_models import service as logged_models
from functions.runs import service as runs
from runhaven.wire.runs import VersionInput
from tests.functions.datasets.shelf import reference
from tests.functions.metrics.interruptions import Crash, at_write, crash

RAW = Dataset("raw/data", "d1", "local", "{}")
FAR = Reach(["up", "down"], 10, 100)
TRAIN = {"mlflow.data.context": "train"}


class Story:
    """raw → cleaning → clean v1 → training → model → scoring → scores v1, by the names of its nodes."""

    def __init__(self, who):
        self.who = who
        self.place = experiments.create(who, "trials").id
        self.cleaning, self.training, self.scoring = (
            self.run(name) for name in ("cleaning", "training", "scoring")
        )
        runs.log_inputs(who, self.cleaning, datasets=[(RAW, {})])
        self.version("clean", self.cleaning)
        service.log_inputs(who, self.training, kept=[VersionInput("clean", 1, TRAIN)])
        self.model = logged_models.create(
            who, experiment_id=self.place, name="tree", source_run_id=self.training
        ).model_id
        runs.log_outputs(who, self.training, [(self.model, 3)])
        runs.log_inputs(who, self.scoring, models=[(self.model, {})])
        self.version("scores", self.scoring)

    def run(self, name):
        """A new run."""
        return runs.create(self.who, experiment_id=self.place, name=name).run_id

    def version(self, name, run_id):
        """A version that a run wrote."""
        return service.create(self.who, name, reference(run_id=run_id))[0].version

    def of(self, name, reach=FAR):
        """The lineage of one of them."""
        if name == "raw/data":
            return lineage.of_dataset(self.who, name, None, "d1", reach)
        if name in {"clean", "scores"}:
            return lineage.of_dataset(self.who, name, "1", None, reach)
        if name == "tree":
            return lineage.of_model(self.who, self.model, reach)
        return lineage.of_run(self.who, getattr(self, name), reach)


@pytest.fixture
def story(back_end):
    """The whole chain."""
    return Story(back_end.who())


def names(found):
    """What the nodes are called."""
    return [node.name for node in found.nodes]


def arrows(found):
    """The edges, by the names of their ends."""
    called = {node.id: node.name for node in found.nodes}
    return {(called[edge.source], edge.what, called[edge.target]) for edge in found.edges}


CHAIN = ["raw/data", "cleaning", "clean", "training", "tree", "scoring", "scores"]
ARROWS = {
    ("raw/data", "read", "cleaning"),
    ("cleaning", "wrote", "clean"),
    ("clean", "read", "training"),
    ("training", "wrote", "tree"),
    ("tree", "read", "scoring"),
    ("scoring", "wrote", "scores"),
}


@pytest.mark.parametrize("name", CHAIN)
def test_the_whole_chain_is_seen_from_each_of_its_links(story, name):
    """Whatever is asked for, what it comes from and what came of it is there, itself first, edges once."""
    found = story.of(name)
    assert names(found)[0] == name
    assert sorted(names(found)) == sorted(CHAIN)
    assert (arrows(found), len(found.edges), found.more) == (ARROWS, len(ARROWS), [])


def test_nodes_say_what_they_are(story):
    """A version has its number, an MLflow dataset its digest only; what was read says what for."""
    found = story.of("training")
    by_name = {node.name: node for node in found.nodes}
    assert {node.kind for node in found.nodes} == {"dataset", "run", "model"}
    assert {node.state for node in found.nodes} == {"active"}
    assert (by_name["raw/data"].version, by_name["raw/data"].digest) == (None, "d1")
    assert (by_name["clean"].version, len(by_name["clean"].digest)) == (1, 32)
    assert (by_name["tree"].id, by_name["tree"].experiment_id) == (story.model, story.place)
    assert [edge.context for edge in found.edges if edge.target == story.training] == ["train"]


def test_one_way_and_so_far(story):
    """Upwards there is only what it comes from, downwards only what came of it, each as deep as asked."""
    assert names(story.of("clean", Reach(["up"], 10, 100))) == ["clean", "cleaning", "raw/data"]
    assert names(story.of("clean", Reach(["down"], 1, 100))) == ["clean", "training"]
    assert names(story.of("clean", Reach(["down"], 2, 100))) == ["clean", "training", "tree"]
    assert names(story.of("tree", Reach(["up", "down"], 1, 100))) == ["tree", "training", "scoring"]


def test_siblings_are_no_relatives(story):
    """Another run that read the same data is neither above nor below this one."""
    other = story.run("other")
    service.log_inputs(story.who, other, kept=[VersionInput("clean", 1)])
    assert "other" not in names(story.of("training"))
    assert "other" in names(story.of("cleaning"))


def test_a_circle_ends(story):
    """A run that reads what came of it in the end is met once."""
    service.log_inputs(story.who, story.cleaning, kept=[VersionInput("scores", 1)])
    found = story.of("training")
    assert sorted(names(found)) == sorted(CHAIN)
    assert arrows(found) == {*ARROWS, ("scores", "read", "cleaning")}


def test_a_model_is_below_its_run_before_the_run_says_so(back_end):
    """The run that a logged model names as its source is enough, also if it never logs its outputs."""
    who = back_end.who()
    place = experiments.create(who, "trials").id
    run_id = runs.create(who, experiment_id=place).run_id
    model = logged_models.create(who, experiment_id=place, source_run_id=run_id).model_id
    assert [node.id for node in lineage.of_run(who, run_id, FAR).nodes] == [run_id, model]
    assert [node.id for node in lineage.of_model(who, model, FAR).nodes] == [model, run_id]


def test_what_is_deleted_is_shown_as_such(story):
    """A deleted run, model or version stays in the lineage and says so, also one of a deleted experiment."""
    runs.delete(story.who, story.cleaning)
    logged_models.delete(story.who, story.model)
    service.delete(story.who, "scores", 1)
    found = story.of("training")
    gone = {node.name for node in found.nodes if node.state == "deleted"}
    assert (gone, arrows(found)) == ({"cleaning", "tree", "scores"}, ARROWS)
    experiments.delete(story.who, story.place)
    found = story.of("clean")
    assert {node.name for node in found.nodes if node.state == "active"} == {"clean", "raw/data"}


def edges(story):
    """How many edges are kept, whether or not somebody follows them."""
    ends = {node.id for name in CHAIN for node in story.nodes[name]}
    return sum(len(list(runs.runs_around(story.grant, end, verb))) for end in ends for verb in ("R#", "W#"))


def test_what_is_purged_is_gone_with_its_edges(story):
    """Neither a purged run nor a purged model is in any lineage, and no edge leads to them."""
    story.grant = grants.for_job(story.who.team)
    story.nodes = {name: story.of(name).nodes for name in CHAIN}
    assert edges(story) == len(ARROWS)
    runs.delete(story.who, story.training)
    runs.condemn(story.who, story.training)
    assert "training" not in names(story.of("clean"))
    runs.erase(story.grant, parse_run_id(story.training))
    assert edges(story) == len(ARROWS) - 2
    logged_models.delete(story.who, story.model)
    logged_models.condemn(story.who, story.model)
    logged_models.erase(story.grant, parse_model_id(story.model))
    assert edges(story) == len(ARROWS) - 3
    assert sorted(names(story.of("clean"))) == ["clean", "cleaning", "raw/data"]
    assert names(story.of("scoring")) == ["scoring", "scores"]
    for name in ("training", "tree"):
        with pytest.raises(NotFound):
            story.of(name)


def test_many_neighbours_come_page_by_page(back_end):
    """Where a node has more of them than asked for, the answer says where to go on, and no one is missed."""
    who = back_end.who()
    place = experiments.create(who, "trials").id
    readers = {runs.create(who, experiment_id=place).run_id for _ in range(25)}
    for run_id in readers:
        runs.log_inputs(who, run_id, datasets=[(RAW, {})])
    seen, after = [], None
    while True:
        found = lineage.of_dataset(who, RAW.name, None, RAW.digest, Reach(["down"], 3, 10, after))
        seen += [node.id for node in found.nodes[1:]]
        if not found.more:
            break
        assert [(one.node, one.way) for one in found.more] == [(found.nodes[0].id, "down")]
        after = found.more[0].after
    assert seen == sorted(readers)


def test_no_more_is_read_than_has_room(back_end, monkeypatch):
    """Runs for which there is no room are not read; asked for behind the last one, each comes once."""
    who = back_end.who()
    place = experiments.create(who, "trials").id
    readers = {runs.create(who, experiment_id=place).run_id for _ in range(20)}
    for run_id in readers:
        runs.log_inputs(who, run_id, datasets=[(RAW, {})])
    monkeypatch.setattr(lineage, "MOST_NODES", 8)
    read, several, seen, after = [], runs.several, [], None

    def counted(g, wanted):
        read.extend(wanted)
        return several(g, wanted)

    monkeypatch.setattr(runs, "several", counted)
    while True:
        found = lineage.of_dataset(who, RAW.name, None, RAW.digest, Reach(["down"], 1, 100, after))
        assert len(found.nodes) <= 8
        seen += [node.id for node in found.nodes[1:]]
        if not found.more:
            break
        after = found.more[0].after
    assert seen == read == sorted(readers)


def test_bodies_are_read_once_for_each_experiment(back_end):
    """What the runs of one experiment read is looked up together, however many runs there are."""
    who = back_end.who()
    place = experiments.create(who, "trials").id
    for number in range(8):
        run_id = runs.create(who, experiment_id=place).run_id
        own = Dataset(f"own {number}", "d", "local", "{}")
        runs.log_inputs(who, run_id, datasets=[(RAW, {}), (own, {})])
    experiments.forget()
    with back_end.trips() as trips:
        found = lineage.of_dataset(who, RAW.name, None, RAW.digest, Reach(["down"], 1, 100))
    assert len(found.nodes) == 9
    assert trips.count("BatchGetItem") <= 5


def test_a_run_s_neighbours_come_page_by_page_too(back_end):
    """A run that made many models, and said so of some, shows each of them once."""
    who = back_end.who()
    place = experiments.create(who, "trials").id
    run_id = runs.create(who, experiment_id=place).run_id
    made = [logged_models.create(who, experiment_id=place, source_run_id=run_id).model_id for _ in range(12)]
    runs.log_outputs(who, run_id, [(one, 0) for one in made[::2]])
    seen, after = [], None
    while True:
        found = lineage.of_run(who, run_id, Reach(["down"], 1, 5, after))
        seen += [node.id for node in found.nodes[1:]]
        if not found.more:
            break
        after = found.more[0].after
    assert seen == sorted(made)


def test_a_crash_never_hides_an_input(back_end):
    """Wherever logging an input ends, what the run says it read is found from there, and only that."""
    who = back_end.who()
    place = experiments.create(who, "trials").id
    done = 0
    while True:
        run_id = runs.create(who, experiment_id=place).run_id
        data = Dataset(f"data {done}", "d", "local", "{}")

        def log(run_id=run_id, data=data):
            runs.log_inputs(who, run_id, datasets=[(data, {})])

        try:
            with at_write(done // 2, crash, applied=bool(done % 2)):
                log()
        except Crash:
            says = bool(runs.get(who, run_id).inputs)
            assert says is is_found(who, data, run_id)
            log()
        else:
            break
        assert is_found(who, data, run_id)
        done += 1
    assert done >= 6


def is_found(who, data, run_id):
    """Whether the run is found from the dataset."""
    try:
        found = lineage.of_dataset(who, data.name, None, data.digest, FAR)
    except NotFound:
        return False
    return run_id in {node.id for node in found.nodes}


def test_logging_again_writes_nothing_more(back_end, story):
    """An input that the run has already costs one look at the run."""
    with back_end.trips() as trips:
        service.log_inputs(story.who, story.training, kept=[VersionInput("clean", 1, TRAIN)])
    assert [one for one in trips if one not in {"GetItem", "Query"}] == []


def test_another_team_sees_none_of_it(back_end, story):
    """Runs, models and datasets of a team have no lineage in another one, also where names are the same."""
    other = back_end.who(team=f"{back_end.team}-other")
    asks = [
        lambda: lineage.of_run(other, story.training, FAR),
        lambda: lineage.of_model(other, story.model, FAR),
        lambda: lineage.of_dataset(other, "clean", "1", None, FAR),
        lambda: lineage.of_dataset(other, RAW.name, None, RAW.digest, FAR),
    ]
    for ask in asks:
        with pytest.raises(NotFound):
            ask()
    mine, theirs = (
        {node.id for node in one.of("raw/data").nodes if node.kind != "dataset"}
        for one in (story, Story(other))
    )
    assert (len(mine), len(theirs), mine & theirs) == (4, 4, set())


def test_who_may_look(back_end, story):
    """A viewer sees lineage; a token that only logs does not."""
    assert names(lineage.of_run(back_end.who(Role.VIEWER), story.training, Reach(["up"], 1, 1))) == [
        "training",
        "clean",
    ]
    with pytest.raises(NotAllowed):
        lineage.of_run(back_end.who(scope=Scope.LOG, token="t"), story.training, FAR)
