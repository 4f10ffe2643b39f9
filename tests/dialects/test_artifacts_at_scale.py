"""A file of 1 GiB, and 5,000 small ones in one directory, by every client."""

import pytest

from tests.dialects.vault import STRAIGHT

pytestmark = [pytest.mark.client, pytest.mark.long]


@pytest.mark.parametrize("what", ["one", "many"])
def test_huge_uploads_arrive(flow, open_house, what):
    """A sparse file of 1 GiB and a directory of 5,000 small files are logged, listed and fetched."""
    flow("huge", open_house, WHAT=what, **STRAIGHT)
