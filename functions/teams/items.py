"""What is stored about teams. Memberships are stored by the room below, which needs them to know callers."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from functions.access.grants import Grant
from functions.revision import Revised
from functions.table import Item, Key

# The partition that lists the deployment's teams.
ALL = "TEAMS"


class TeamItem(Revised):
    """T#<team> / META: a team. Times are in ms."""

    description = UnicodeAttribute(default="")
    created_at = NumberAttribute()
    created_by = UnicodeAttribute()


class Entry(Item):
    """TEAMS / T#<team>: that a team exists, for the deployment admin's list."""


def team(grant: Grant) -> Key:
    """A team."""
    return Key(f"T#{grant.team}", "META")


def entry(grant: Grant) -> Key:
    """A team in the deployment's list."""
    return Key(ALL, f"T#{grant.team}")
