"""Every test of teams begins with a process that remembers no member."""

import pytest

from functions.access.memory import MEMORY


@pytest.fixture(autouse=True)
def forgetful():
    """Nothing is remembered from the test before."""
    MEMORY.forget()
