"""A file of 1 GiB, and 5,000 small ones in one directory."""

import pytest

from tests.conftest import NEWEST, OLDEST_AND_NEWEST
from tests.dialects.vault import STRAIGHT

pytestmark = [pytest.mark.client, pytest.mark.long]


@OLDEST_AND_NEWEST
def test_a_huge_file_arrives(flow, open_house):
    """A sparse file of 1 GiB is logged, listed and fetched."""
    flow("huge", open_house, WHAT="one", SIZE=str(2**30), **STRAIGHT)


@NEWEST
def test_a_full_directory_arrives(flow, open_house):
    """5,000 small files in one directory are logged, listed and fetched."""
    flow("huge", open_house, WHAT="many", SIZE="5000", **STRAIGHT)
