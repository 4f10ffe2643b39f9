"""Params, tags, inputs and outputs."""

import pytest

from functions.errors import NotFound, Unacceptable
from functions.experiments.service import Dataset
from functions.ids import new_model_id
from functions.runs import service

DATASET = Dataset("iris", "abc", "local", "file", None, None)


def model():
    """The id of a logged model."""
    return new_model_id("0", 1).text


def test_params_never_change(ann, run_id):
    """A param is set once; the same value again is no change, another one is refused with the whole call."""
    service.amend(ann, run_id, params={"lr": "0.1"}, tags={"a": "1"})
    service.amend(ann, run_id, params={"lr": "0.1"})
    with pytest.raises(Unacceptable, match=r"'lr' was already logged with value='0\.1'"):
        service.amend(ann, run_id, params={"depth": "3", "lr": "0.2"}, tags={"a": "2"})
    run = service.get(ann, run_id)
    assert run.params == {"lr": "0.1"}
    assert run.tags == {"a": "1", "mlflow.runName": "first"}


def test_tags_may_change_and_go(ann, run_id):
    """A tag's last value counts, a removed tag is gone, and one that is not there cannot be removed."""
    service.amend(ann, run_id, tags={"a": "1", "学": "é" * 8000})
    service.amend(ann, run_id, tags={"a": "2"})
    assert service.get(ann, run_id).tags == {"a": "2", "学": "é" * 8000, "mlflow.runName": "first"}
    service.delete_tag(ann, run_id, "学")
    assert service.get(ann, run_id).tags == {"a": "2", "mlflow.runName": "first"}
    with pytest.raises(NotFound):
        service.delete_tag(ann, run_id, "学")


def test_the_name_is_a_tag_too(ann, run_id):
    """The tag `mlflow.runName` is the run's name: setting it renames, an empty one and removing it do not."""
    service.amend(ann, run_id, tags={"mlflow.runName": "renamed"})
    service.amend(ann, run_id, tags={"mlflow.runName": ""})
    assert service.get(ann, run_id).name == "renamed"
    for refused in ("n" * 501, "n" * 8000):
        with pytest.raises(Unacceptable):
            service.amend(ann, run_id, tags={"mlflow.runName": refused})
    with pytest.raises(Unacceptable):
        service.delete_tag(ann, run_id, "mlflow.runName")
    assert service.get(ann, run_id).tags == {"mlflow.runName": "renamed"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"params": {"": "x"}},
        {"params": {"a": "x" * 6001}},
        {"params": {"../a": "x"}},
        {"tags": {"a": "x" * 8001}},
        {"tags": {"k" * 251: "x"}},
        {"tags": {"a#b": "x"}},
        {"params": {"a": 3}},
        {"tags": {"a": "\ud800"}},
    ],
)
def test_what_breaks_a_limit_is_refused_whole(ann, run_id, wrong):
    """A key or value beyond the limits is refused by name, and nothing of the call is written."""
    with pytest.raises(Unacceptable) as refused:
        service.amend(ann, run_id, **{"params": {"good": "1"}, "tags": {"good": "1"}, **wrong})
    assert refused.value.field.startswith(next(iter(wrong)))
    run = service.get(ann, run_id)
    assert (run.params, run.tags) == ({}, {"mlflow.runName": "first"})


def test_inputs_and_outputs_are_kept_once(ann, run_id):
    """A dataset or model that is logged again keeps its first tags or step, in the order of their coming."""
    first, second = model(), model()
    for tags in ({"mlflow.data.context": "train"}, {"mlflow.data.context": "eval"}):
        service.log_inputs(
            ann, run_id, datasets=[(DATASET, tags), (DATASET, {})], models=[(first, {"a": "b"})]
        )
    service.log_outputs(ann, run_id, [(second, 3), (second, 4), (first, 0)])
    service.log_outputs(ann, run_id, [(second, 5)])
    run = service.get(ann, run_id)
    assert [one.tags for one in run.inputs] == [{"mlflow.data.context": "train"}, {"a": "b"}]
    assert [one.model_id for one in run.inputs] == ["", first]
    assert len(run.inputs[0].dataset_id) == 32
    assert {one.model_id for one in run.outputs} == {second, first}
    with pytest.raises(Unacceptable):
        service.log_inputs(ann, run_id, models=[(first, {"a": "x" * 501})])
    with pytest.raises(NotFound):
        service.log_outputs(ann, run_id, [("m-1", 0)])
