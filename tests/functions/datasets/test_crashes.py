"""Versions are made and deleted whole or not at all, wherever the process ends."""

from functools import partial

import pytest

from functions import table
from functions.datasets import items, removal, service
from functions.errors import NotFound
from functions.ids import name_hash
from functions.runs import service as runs
from tests import engines
from tests.functions.artifacts.scene import Crash, at_call
from tests.functions.datasets.shelf import NAME

FILES = {"a": b"a", "b": b"b", "c/a": b"a"}
ON_A_TABLE = pytest.mark.parametrize("house", engines.or_moto("dynoxide"), indirect=True)


@ON_A_TABLE
@pytest.mark.parametrize("applied", [False, True])
def test_a_crash_makes_half_a_version_never(one, applied):
    """There is the whole version or none after it; the same words make it then, and once, for the run too."""
    run_id = one.a_run()

    def files(number):
        return {**FILES, "own": str(number).encode()}

    def make(number):
        one.make(files(number), run_id=run_id)

    for number in range(60):
        one.send(files(number))
        try:
            with at_call(one, number, applied=applied):
                make(number)
        except Crash:
            page = service.page(one.who, NAME).versions if number_of_datasets(one) else []
            for told in page:
                one.kept.setdefault(told.version, files(number))
            one.is_whole()
            made, _ = one.make(files(number), run_id=run_id)
            one.kept[made.version.version] = files(number)
            assert one.note(made.version.digest) is None
        else:
            break
    assert number > 10
    one.kept[number + 1] = files(number)
    assert service.get(one.who, NAME).latest == number + 1
    one.is_whole()
    assert len(runs.get(one.who, run_id).outputs) == number + 1


def number_of_datasets(shelf):
    """How many datasets there are."""
    return len(service.listing(shelf.who).datasets)


@ON_A_TABLE
@pytest.mark.parametrize("applied", [False, True])
def test_a_crash_of_the_job_leaves_what_goes_on(one, applied):
    """Wherever the removal of a version ends, the next turn completes it, and other versions stay whole."""
    one.keep({"a": b"a", "stays": b"stays"})
    done = 0
    while True:
        own = {"a": b"a", "own": str(done).encode(), "other": f"other {done}".encode()}
        number = one.keep(own)
        wanted = service.version(one.who, NAME, str(number)).digest
        service.delete(one.who, NAME, number)
        del one.kept[number]
        work = partial(removal.work, one.who.team, name_hash(NAME), number)
        try:
            with at_call(one, done, applied=applied):
                work()
        except Crash:
            assert work()
        else:
            break
        assert one.lying(wanted) == []
        item = table.get(items.VersionItem, items.version(one.grant, name_hash(NAME), number))
        assert item.purge is None
        done += 1
    assert done > 6
    one.is_whole()
    assert len(one.contents()) == 2


@ON_A_TABLE
@pytest.mark.parametrize("applied", [False, True])
def test_a_crash_of_a_deletion_is_all_or_nothing(one, applied):
    """The version is there with its files and its alias, or for nobody; asking again deletes it."""
    done = 0
    while True:
        number = one.keep({"own": str(done).encode()})
        service.alias(one.who, NAME, "best", number)
        try:
            with at_call(one, done, applied=applied):
                service.delete(one.who, NAME, number)
        except Crash:
            told = service.get(one.who, NAME)
            assert (told.latest == number) is (told.aliases == {"best": number})
            if told.aliases:
                one.is_whole()
            service.delete(one.who, NAME, number)
        else:
            break
        del one.kept[number]
        with pytest.raises(NotFound):
            service.version(one.who, NAME, str(number))
        assert service.get(one.who, NAME).aliases == {}
        done += 1
    assert done > 3


def test_a_lost_answer_makes_one_version(one):
    """The number's transaction is sent again by the SDK when its answer is lost: there is one version."""
    one.keep(FILES)
    files = {**FILES, "more": b"more"}
    one.send(files)
    again = []

    def lost(**_):
        again.append(1)
        return 0.0 if len(again) == 1 else None

    events = table.client().meta.events
    events.register_first("needs-retry.dynamodb.TransactWriteItems", lost)
    try:
        made, _ = one.make(files)
    finally:
        events.unregister("needs-retry.dynamodb.TransactWriteItems", lost)
    assert (made.version.version, len(again) > 1) == (2, True)
    assert service.get(one.who, NAME).latest == 2
