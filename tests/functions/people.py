"""Teams, users and tokens for tests, each with a name that no other test has."""

import secrets
from dataclasses import replace

from functions.access import credentials, tokens
from functions.access.policy import Deployment, Role
from functions.access.principal import Principal
from functions.teams import service


def fresh(word):
    """A name that nobody else has."""
    return f"{word}-{secrets.token_hex(6)}"


def admin():
    """A deployment admin who is in no team."""
    sub = fresh("admin")
    return Principal(sub, f"{sub}@example.org", None, None, deployment=frozenset({Deployment.ADMIN}))


def nothing(_grant, _now):
    """What a team holds from the start where that is of no interest."""
    return ()


def found(name=None, who=None, founding=nothing):
    """The owner of a new team."""
    who, name = who or admin(), name or fresh("team")
    service.create(who, name, founding)
    return replace(who, team=name, role=Role.OWNER)


def join(owner, role="contributor", user=None):
    """The id of a user who is now a member of the owner's team."""
    return service.admit(owner, user or fresh("user"), role).user


def token(owner, **wanted):
    """The secret of a new token of the owner's team."""
    return tokens.create(owner, **{"name": "laptop", **wanted}).secret


def personal(user, **wanted):
    """The secret of a new token of a user, for all of his teams."""
    return tokens.personal(Principal(user, user, None, None), **{"name": "laptop", **wanted}).secret


def enter(secret, named=None, **more):
    """The principal that a secret makes."""
    return credentials.enter(credentials.identify(f"Bearer {secret}"), named, **more)
