"""What is stored about callers: their tokens, themselves and their memberships.

A team's keys come from its Grant. The others stand in the caller's own partition or hang on a secret: they
are read before anybody has a grant.
"""

import hashlib

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from functions.access.grants import Grant
from functions.ids import name_hash
from functions.revision import Revised
from functions.table import Item, Key


class Token(Item):
    """KEY#<sha256 of token> / META: an access token. Times are in ms.

    `since` repeats when the user joined the team: who leaves and is invited again starts without tokens.
    """

    token_id = UnicodeAttribute()
    name = UnicodeAttribute()
    prefix = UnicodeAttribute()
    user = UnicodeAttribute()
    team = UnicodeAttribute(null=True)
    since = NumberAttribute(null=True)
    scope = UnicodeAttribute()
    role = UnicodeAttribute(null=True)
    created_at = NumberAttribute()
    created_by = UnicodeAttribute()
    expires_at = NumberAttribute()
    last_used_at = NumberAttribute(null=True)


class TokenCard(Item):
    """T#<team> / K#<token id>, or USER#<user> / K#<token id>: where a token is listed."""

    digest = UnicodeAttribute()
    user = UnicodeAttribute()


class User(Revised):
    """USER#<user> / META: a person or a service. `deployment` holds words with spaces between them."""

    email = UnicodeAttribute(default="")
    name = UnicodeAttribute(default="")
    primary = UnicodeAttribute(null=True)
    deployment = UnicodeAttribute(default="")


class Membership(Item):
    """USER#<user> / T#<team>: a membership seen from the user."""

    role = UnicodeAttribute()
    since = NumberAttribute()


class Member(Item):
    """T#<team> / U#<user>: the same membership seen from the team, written in one transaction with it."""

    role = UnicodeAttribute()
    since = NumberAttribute()
    email = UnicodeAttribute(default="")
    name = UnicodeAttribute(default="")


class Address(Item):
    """EMAIL#<hash(e-mail)> / META: whose address it is."""

    user = UnicodeAttribute()


class FirstAdmin(Item):
    """ADMINS / FIRST: who became the deployment's first admin, and when (ms)."""

    user = UnicodeAttribute()
    created_at = NumberAttribute()


def first_admin() -> Key:
    """Who became the first admin."""
    return Key("ADMINS", "FIRST")


def token(digest: str) -> Key:
    """A token's own item."""
    return Key(f"KEY#{digest}", "META")


def digest(secret: str) -> str:
    """What stands for a secret: its SHA-256 in hex. The secret itself is stored nowhere."""
    return hashlib.sha256(secret.encode()).hexdigest()


def card(grant: Grant, token_id: str = "") -> Key:
    """A token in its team's list; without an id, where that list begins."""
    return Key(f"T#{grant.team}", f"K#{token_id}")


def own_card(user_id: str, token_id: str) -> Key:
    """A token of no team in its user's list."""
    return Key(f"USER#{user_id}", f"K#{token_id}")


def user(user_id: str) -> Key:
    """A user."""
    return Key(f"USER#{user_id}", "META")


def membership(user_id: str, team: str = "") -> Key:
    """A user's membership in a team; without a team, where the user's memberships begin."""
    return Key(f"USER#{user_id}", f"T#{team}")


def member(grant: Grant, user_id: str = "") -> Key:
    """A member of a team; without a user, where the team's members begin."""
    return Key(f"T#{grant.team}", f"U#{user_id}")


def address(email: str) -> Key:
    """An e-mail address."""
    return Key(f"EMAIL#{name_hash(email)}", "META")


def team(name: str) -> Key:
    """That a team exists: the door asks before it knows whether the caller may see the team itself."""
    return Key("TEAMS", f"T#{name}")
