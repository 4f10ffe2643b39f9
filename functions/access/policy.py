"""May they: a pure function of the caller's role, scope and the action. Nothing here reads or writes."""

from enum import Enum, IntEnum
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from functions.errors import Unacceptable
from functions.ids import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from functions.access.principal import Principal
    from runhaven.wire.teams import RoleName

WordT = TypeVar("WordT", bound=Enum)


class Role(IntEnum):
    """What a member is in a team; a greater role may all that a smaller one may."""

    VIEWER = 1
    CONTRIBUTOR = 2
    MAINTAINER = 3
    OWNER = 4

    @property
    def word(self) -> "RoleName":
        """The role as it is written on the wire."""
        return cast("RoleName", self.name.lower())


class Scope(Enum):
    """What a token may do at the most, whatever its owner's role."""

    ALL = "all"
    READ = "read"
    LOG = "log"


class Deployment(Enum):
    """What a person may do beside the teams."""

    ADMIN = "admin"
    READER = "reader"


class Action(Enum):
    """What can be done in a team: (its name, the role it needs, whether a `log` token may do it)."""

    READ = ("read", Role.VIEWER, False)
    READ_EXPERIMENT = ("read an experiment", Role.VIEWER, True)
    READ_RUN = ("read a run", Role.VIEWER, True)
    CREATE_EXPERIMENT = ("create an experiment", Role.CONTRIBUTOR, True)
    CREATE_RUN = ("create a run", Role.CONTRIBUTOR, True)
    LOG = ("log to a run", Role.CONTRIBUTOR, True)
    EDIT = ("edit", Role.CONTRIBUTOR, False)
    DELETE = ("delete or restore", Role.MAINTAINER, False)
    MANAGE = ("manage members, tokens and the team", Role.OWNER, False)

    def __init__(self, words: str, role: Role, logs: bool) -> None:  # noqa: FBT001  (an enum row)
        self.words, self.role, self.logs = words, role, logs

    @property
    def writes(self) -> bool:
        """Whether the action changes anything."""
        return self.role > Role.VIEWER


class Verdict(NamedTuple):
    """Whether it is allowed, and the sentence that says why not."""

    allowed: bool
    reason: str = ""


def decide(who: "Principal", action: Action) -> Verdict:
    """Whether *who* may do *action* in the team that the request names.

    The team's own roles decide; a deployment `reader` may read everywhere, an `admin` has no say in a team.
    """
    if who.scope is Scope.LOG and not action.logs:
        return Verdict(False, f"A token of scope 'log' may not {action.words}.")
    if who.scope is Scope.READ and action.writes:
        return Verdict(False, f"A token of scope 'read' may not {action.words}.")
    if who.role is not None and who.role >= action.role:
        return Verdict(True)
    if Deployment.READER in who.deployment and not action.writes:
        return Verdict(True)
    have = who.role.word if who.role else "none"
    needed = f"To {action.words} in team '{who.team}' takes the role '{action.role.word}'"
    return Verdict(False, f"{needed}; yours is '{have}'.")


def role(word: object) -> Role:
    """The role that a word from outside means.

    Raises:
        Unacceptable: there is no such role.
    """
    return _meant(word, {each.word: each for each in Role}, "role")


def scope(word: object) -> Scope:
    """The scope that a word from outside means.

    Raises:
        Unacceptable: there is no such scope.
    """
    return _meant(word, {each.value: each for each in Scope}, "scope")


def _meant(word: object, known: "Mapping[str, WordT]", field: str) -> WordT:
    if not isinstance(word, str) or word not in known:
        why = f"Invalid value {shown(word)} for '{field}': use one of {', '.join(known)}."
        raise Unacceptable(why, field=field)
    return known[word]


def may_write(who: "Principal") -> Verdict:
    """Whether *who* may change anything at all in the team that the request names; `decide` says what."""
    if who.scope is Scope.READ:
        return Verdict(False, "A token of scope 'read' may not change anything.")
    if who.role is None or who.role <= Role.VIEWER:
        return Verdict(False, f"Your role in team '{who.team}' is too small to change anything.")
    return Verdict(True)


def may_found(who: "Principal") -> Verdict:
    """Whether *who* may create teams."""
    if Deployment.ADMIN not in who.deployment or who.scope is not Scope.ALL:
        return Verdict(False, "Only a deployment admin creates teams.")
    return Verdict(True)
