"""Who is in the laptop's house when it opens: its user and his team, or with `--auth` two whole teams."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from functions.access import credentials, members, tokens
from functions.access.policy import Deployment, Role, Scope
from functions.access.principal import Principal
from functions.errors import AlreadyExists, HouseError
from functions.experiments import service as experiments
from functions.local_folder import CannotOpen
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


def closed_door(file: Path, url: str, keep: Callable[[], object]) -> None:
    """Teams `red` and `blue` with a member of each role, and a file with everybody's token.

    Tokens that the file already holds are kept while they verify; otherwise all are made anew.

    Args:
        file: where the tokens are written, readable by its owner only.
        url: the house's address, which goes into the file too.
        keep: brings to disk what the table holds, so that the file names no token that a crash loses.

    Raises:
        CannotOpen: the file cannot be written.
    """
    members.enrol(_ADMIN, name=_ADMIN, deployment={Deployment.ADMIN})
    for team in _TEAMS:
        members.enrol(_owner(team).sub, name=_owner(team).sub)
        _found(_owner(team).sub, team)
        for role in _ROLES[1:]:
            _seat(team, f"{team}-{role.word}", role)
    _seat("red", _BOTH, Role.CONTRIBUTOR)
    _seat("blue", _BOTH, Role.VIEWER)
    people = _kept(file) or _minted()
    keep()
    try:
        _write(file, {"url": url, **people})
    except OSError as error:
        raise CannotOpen(f"the credentials cannot be written to {file} ({error.strerror}).") from error


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
        _ADMIN: free(_ADMIN),
        _BOTH: free(_BOTH),
        "teams": {
            team: {
                **{role.word: bound(team, f"{team}-{role.word}") for role in _ROLES},
                "log": bound(team, f"{team}-contributor", "log"),
            }
            for team in _TEAMS
        },
    }


def _kept(file: Path) -> dict[str, Any] | None:
    """The file's tokens, if it has all of them and each still makes of its bearer who he should be."""
    try:
        said = json.loads(file.read_text("utf-8"))
        found = {name: said[name] for name in (_ADMIN, _BOTH, "teams")}
        as_meant = [
            Deployment.ADMIN in _enter(said[_ADMIN], None).deployment,
            _enter(said[_BOTH], "red").role is Role.CONTRIBUTOR,
            _enter(said[_BOTH], "blue").role is Role.VIEWER,
        ]
        for team in _TEAMS:
            tokens_of = said["teams"][team]
            as_meant += [_enter(tokens_of[role.word], team).role is role for role in _ROLES]
            as_meant.append(_enter(tokens_of["log"], team).scope is Scope.LOG)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, HouseError):
        return None
    return found if all(as_meant) else None


def _enter(secret: str, team: str | None) -> Principal:
    return credentials.enter(credentials.identify(f"Bearer {secret}"), team, needs_team=team is not None)


def _write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        json.dump(content, opened, indent=2)
    draft.replace(file)
