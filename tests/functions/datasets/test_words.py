"""What may change: descriptions, tags, aliases."""

import pytest

from functions.datasets import service
from functions.errors import NotFound, Unacceptable
from tests.functions.datasets.shelf import NAME, reference


@pytest.fixture
def two(ann):
    """A dataset with two versions."""
    for version in ("v1", "v2"):
        service.create(ann, NAME, reference(source_version=version))
    return ann


def test_words_of_a_dataset_change(two):
    """A description and tags are set, a tag that is null goes, what is not named stays."""
    service.reword(two, NAME, "flowers", {"a": "1", "b": "2"})
    told = service.reword(two, NAME, None, {"a": None, "c": "3"})
    assert (told.description, told.tags) == ("flowers", {"b": "2", "c": "3"})
    assert service.get(two, NAME) == told
    assert service.reword(two, NAME, None, {"c": "3"}).updated_at == told.updated_at


def test_words_of_a_version_change_alone(two):
    """They change on the version that is named, and nothing else about it does."""
    before = service.version(two, NAME, "1")
    told = service.reword_version(two, NAME, "1", "old", {"k": "v"})
    assert (told.description, told.tags) == ("old", {"k": "v"})
    assert service.version(two, NAME, "1") == told
    assert (told.digest, told.source, told.created_at) == (before.digest, before.source, before.created_at)
    assert service.version(two, NAME, "2").tags == {}


def test_an_alias_means_one_version(two):
    """It can be moved and taken away; where it is gone, or its version is, it means nothing."""
    assert service.alias(two, NAME, "best", 1).aliases == {"best": 1}
    assert service.version(two, NAME, "best").version == 1
    assert service.alias(two, NAME, "best", 2).aliases == {"best": 2}
    assert service.version(two, NAME, "best").version == 2
    service.alias(two, NAME, "stays", 1)
    service.delete(two, NAME, 2)
    assert service.get(two, NAME).aliases == {"stays": 1}
    assert service.drop_alias(two, NAME, "stays").aliases == {}
    for word in ("best", "stays"):
        with pytest.raises(NotFound):
            service.version(two, NAME, word)
        with pytest.raises(NotFound):
            service.drop_alias(two, NAME, word)
    with pytest.raises(NotFound):
        service.alias(two, NAME, "best", 2)


@pytest.mark.parametrize("word", ["latest", "1", "1a", "", "a b", "a/b", "x" * 101, "ü"])
def test_what_can_be_no_alias(two, word):
    """A number, `latest` and what has other characters than letters, digits and _-. is none."""
    with pytest.raises(Unacceptable):
        service.alias(two, NAME, word, 1)


def test_aliases_are_few(two):
    """A dataset has a hundred aliases at the most, and they can still be moved then."""
    for number in range(100):
        service.alias(two, NAME, f"a{number}", 1)
    with pytest.raises(Unacceptable):
        service.alias(two, NAME, "more", 1)
    assert service.alias(two, NAME, "a0", 2).aliases["a0"] == 2


def test_no_change_of_words_is_lost(back_end, two):
    """Of many that set different tags at once each one's stays."""
    keys = [f"k{number}" for number in range(6)]
    back_end.at_once(lambda key: service.reword(two, NAME, None, {key: "1"}), keys)
    assert service.get(two, NAME).tags == dict.fromkeys(keys, "1")
