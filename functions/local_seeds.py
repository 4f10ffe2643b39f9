"""Who is in the laptop's house when it opens: one user and his team, or with `--auth` two teams with every role."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from functions.access import credentials, members, tokens
from functions.access.policy import Deployment, Role
from functions.access.principal import Principal
from functions.errors import AlreadyExists, HouseError
from functions.experiments import service as experiments
from functions.teams import service as teams

USER, TEAM = "local", "default"
_ADMIN = "admin"
_TEAMS = ("red", "blue")
_ROLES = (Role.OWNER, Role.MAINTAINER, Role.CONTRIBUTOR, Role.VIEWER)
_BOTH = "both"
_DAYS = 365


def open_door() -> None:
    """The laptop's user, who is a deployment admin, and his team `default`."""
    members.enrol(USER, name=USER, primary=TEAM, deployment={Deployment.ADMIN})
    _found(USER, TEAM)


def closed_door(file: Path, url: str) -> None:
    """Teams `red` and `blue` with a member of each role, and a file with everybody's token.

    Tokens that the file already holds are kept while they verify; otherwise all are made anew.

    Args:
        file: where the tokens are written, readable by its owner only.
        url: the house's address, which goes into the file too.
    """
    members.enrol(_ADMIN, name=_ADMIN, deployment={Deployment.ADMIN})
    for team in _TEAMS:
        members.enrol(_owner(team).sub, name=_owner(team).sub)
        _found(_owner(team).sub, team)
        for role in _ROLES[1:]:
            _seat(team, f"{team}-{role.word}", role)
    _seat("red", _BOTH, Role.CONTRIBUTOR)
    _seat("blue", _BOTH, Role.VIEWER)
    kept = _kept(file)
    _write(file, {"url": url, **(kept or _minted())})


def _owner(team: str) -> Principal:
    return Principal(f"{team}-owner", f"{team}-owner", team, Role.OWNER)


def _found(user: str, team: str) -> None:
    founder = Principal(user, user, None, None, deployment=frozenset({Deployment.ADMIN}))
    with suppress(AlreadyExists):
        teams.create(founder, team, experiments.founding)


def _seat(team: str, user: str, role: Role) -> None:
    members.enrol(user, name=user)
    with suppress(AlreadyExists):
        teams.admit(_owner(team), user, role.word)


def _minted() -> dict[str, Any]:
    def bound(team: str, user: str, scope: str = "all") -> str:
        return tokens.create(_owner(team), name=user, user=user, scope=scope, expires_in_days=_DAYS).secret

    def free(user: str) -> str:
        return tokens.personal(Principal(user, user, None, None), name=user, expires_in_days=_DAYS).secret

    return {
        "admin": free(_ADMIN),
        "both": free(_BOTH),
        "teams": {
            team: {
                **{role.word: bound(team, f"{team}-{role.word}") for role in _ROLES},
                "log": bound(team, f"{team}-contributor", "log"),
            }
            for team in _TEAMS
        },
    }


def _kept(file: Path) -> dict[str, Any] | None:
    """The file's tokens, if it has all of them and they all verify."""
    try:
        said = json.loads(file.read_text("utf-8"))
        found = {"admin": said["admin"], "both": said["both"], "teams": said["teams"]}
        roles = [role.word for role in _ROLES]
        every = [said["admin"], said["both"]]
        every += [said["teams"][team][name] for team in _TEAMS for name in (*roles, "log")]
        for token in every:
            credentials.identify(f"Bearer {token}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, HouseError):
        return None
    return found


def _write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        json.dump(content, opened, indent=2)
    draft.replace(file)
