"""No question of many files, or of files with long names, costs more than it must."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from functions.access.policy import Scope
from functions.artifacts import catalogue, service
from functions.errors import NotAllowed, NotFound
from runhaven.wire.artifacts import WantedFile
from tests.functions.artifacts.scene import at_call

LONG = "尺" * 300


def test_a_listing_asks_s3_only_as_far_as_it_is_read(one):
    """Whoever may not see it hears so at once; S3 is asked with the first entry, not before."""
    one.put("a", b"1")
    with at_call(one, None, names={"ListObjectsV2"}) as asked:
        found = service.listing(one.who, one.owner)
        assert asked == []
        assert [each.path for each in found] == ["a"]
    assert asked == ["ListObjectsV2"]
    with pytest.raises(NotAllowed):
        service.listing(one.member(scope=Scope.LOG, token="other"), one.owner)


def test_many_files_of_a_large_run_are_not_looked_for_through_all_of_it(one, monkeypatch):
    """Beyond so many objects and entries each file is asked for by itself, and is the same as ever."""
    one.log({f"d/n{number:02}": b"n%d" % number for number in range(12)})
    for number in range(12):
        one.put(f"d/m{number:02}", b"m%d" % number)
    one.put("d/n03", b"newer")
    objects = [*(f"d/m{number:02}" for number in range(12)), "d/n03"]
    wanted = [WantedFile(path) for path in reversed(one.logged)]
    found = service.downloads(one.who, one.owner, wanted)
    for most in (1, 5, 12, 13):
        monkeypatch.setattr(catalogue, "LOOKED_THROUGH", most)
        with at_call(one, None) as asked:
            again = service.downloads(one.who, one.owner, wanted)
        told = [(each.path, each.size, each.sha256) for each in again]
        assert told == [(each.path, each.size, each.sha256) for each in found]
        beyond = [path for path in one.logged if path > objects[most - 1]]
        assert asked.count("ListObjectVersions") == len(beyond)
    with pytest.raises(NotFound, match="d/z"):
        service.downloads(one.who, one.owner, [*wanted, WantedFile("d/z")])


def test_a_very_long_name_is_cut_in_its_address(one):
    """A browser is told the end of a very long name, and a name of usual length whole."""
    for name, told in [(f"{LONG}.csv", "尺" * 32 + ".csv"), ("尺" * 33, "尺" * 33), ("x" * 255, "x" * 255)]:
        one.log({name: b"1"})  # natively: a server that keeps objects as files has no name as long
        found = service.downloads(one.who, one.owner, [WantedFile(name)])[0]
        said = parse_qs(urlsplit(found.url).query)["response-content-disposition"][0]
        assert unquote(said) == f"attachment; filename*=UTF-8''{told}"
        assert one.fetch(name) == b"1"
