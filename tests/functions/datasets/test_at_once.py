"""Many who make, name and delete versions at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.datasets import removal, service
from functions.errors import Busy, HouseError
from functions.ids import name_hash
from tests import engines
from tests.functions.datasets.shelf import NAME, reference


def test_writers_at_once_get_numbers_of_their_own(back_end, ann):
    """Eight different versions get the numbers from one to eight, none twice."""
    numbers = back_end.at_once(
        lambda each: service.create(ann, NAME, reference(source_version=each))[0].version.version,
        [f"v{number}" for number in range(8)],
    )
    assert sorted(numbers) == list(range(1, 9))


def test_the_same_digest_at_once_is_one_version(back_end, ann):
    """However many make it, all get the same number, and one of them made it."""
    found = back_end.at_once(lambda _: service.create(ann, NAME, reference()), range(8))
    assert {made.version.version for made, _ in found} == {1}
    assert sum(new for _, new in found) == 1


def test_an_alias_never_means_a_deleted_version(back_end, ann):
    """Where a version is deleted while an alias is set to it, one of both comes too late."""
    for number in range(1, 6):
        service.create(ann, NAME, reference(source_version=f"v{number}"))
        acts = [
            lambda number=number: service.alias(ann, NAME, "best", number),
            lambda number=number: service.delete(ann, NAME, number),
        ]
        back_end.at_once(lambda act: act(), acts)
        assert service.get(ann, NAME).aliases == {}


@pytest.mark.parametrize("house", engines.or_moto("dynoxide"), indirect=True)
def test_shared_files_outlive_who_lets_them_go(one):
    """While versions that share files are deleted, others that need the same come, and stay whole."""
    shared = {f"shared {number}": str(number).encode() for number in range(5)}
    one.keep(shared)

    def make(number):
        files = {**shared, "own": f"own {number}".encode()}
        for _ in range(20):
            one.send(files)
            try:
                made, _ = one.make(files)
            except Busy:
                continue
            if made.version is not None:
                return made.version.version, files
        raise AssertionError("never made")

    def remove(number):
        service.delete(one.who, NAME, number)
        removal.work(one.who.team, name_hash(NAME), number)

    victims = [make(number)[0] for number in range(3)]
    with ThreadPoolExecutor(6) as pool:
        gone = [pool.submit(remove, number) for number in [1, *victims]]
        came = [pool.submit(make, number) for number in range(10, 14)]
        for each in gone:
            each.result()
        for each in came:
            number, files = each.result()
            one.kept[number] = files
    one.kept.pop(1)
    one.is_whole()


def test_nobody_s_error_is_unknown(back_end, ann):
    """Whatever is done at once, who loses is told so in the house's words."""
    service.create(ann, NAME, reference())
    acts = [
        lambda: service.create(ann, NAME, reference(source_version="v2")),
        lambda: service.delete(ann, NAME, 1),
        lambda: service.alias(ann, NAME, "best", 1),
        lambda: service.reword_version(ann, NAME, "1", "x", {"a": "1"}),
        lambda: service.reword(ann, NAME, "x", {"a": "1"}),
        lambda: service.version(ann, NAME, "latest"),
    ]
    found = back_end.at_once(lambda act: act(), acts * 2)
    assert [one for one in found if isinstance(one, Exception) and not isinstance(one, HouseError)] == []
