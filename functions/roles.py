"""Roles that the house takes on: the only file that asks STS. What it was given is kept until it ends.

A session is renewed when less than 20 minutes remain. While STS does not answer, a known one goes on to its
end; a refusal ends it at once, since the trust was withdrawn.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from functions import aws, telemetry
from functions.aws import Refused
from functions.errors import HouseError, Unavailable
from functions.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Role chaining ends a session after an hour (AWS STS, AssumeRole).
SESSION_SECONDS, REFRESH_SECONDS = 3600, 20 * 60
# A session with less left than this serves no more.
LAST_SECONDS = 60
# How long a refusal is remembered, so that a broken role asks STS no more than it must.
REFUSED_SECONDS, DOWN_SECONDS = 10, 2
# A younger session that is refused was not revoked: a new one would be refused as well.
_YOUNG_SECONDS = 60


class _Ending(Protocol):
    def left(self) -> float:
        """Seconds until it ends."""


KeyT = TypeVar("KeyT")
HeldT = TypeVar("HeldT", bound=_Ending)


class Actor:
    """Temporary credentials with which the house calls AWS as somebody else.

    Args:
        given: what AssumeRole calls Credentials.
    """

    def __init__(self, given: dict[str, Any]) -> None:
        from botocore.credentials import Credentials

        self.ends = float(given["Expiration"].timestamp())
        self.keys = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def left(self) -> float:
        """Seconds until they end."""
        return self.ends - time.time()


@dataclass
class Slot(Generic[HeldT]):
    """What this process knows of one role."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    session: HeldT | None = None
    failure: HouseError | None = None
    until: float = 0


class Kept(Generic[KeyT, HeldT]):
    """Sessions by key, entered when they are first needed and renewed in time. Safe among threads.

    Args:
        enter: makes a new session; it may raise Refused.
        explain: what a refusal means to the caller; Unavailable where trying again may help.
        most: how many are remembered.
    """

    def __init__(
        self, enter: Callable[[KeyT], HeldT], explain: Callable[[KeyT, Refused], HouseError], most: int
    ) -> None:
        self._enter, self._explain, self.most = enter, explain, most
        self.slots: OrderedDict[KeyT, Slot[HeldT]] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, key: KeyT) -> HeldT:
        """A session with at least a minute left, mostly one that is known already."""
        with self._guard:
            slot = self.slots.get(key)
            if slot is None:
                slot = self.slots[key] = Slot()
            self.slots.move_to_end(key)
            while len(self.slots) > self.most:
                self.slots.popitem(last=False)
        known = slot.session
        if known is not None and known.left() > REFRESH_SECONDS:
            return known
        usable = known is not None and known.left() > LAST_SECONDS
        if not slot.lock.acquire(blocking=not usable) and known is not None:
            return known  # somebody is renewing it
        try:
            return self._renewed(key, slot)
        finally:
            slot.lock.release()

    def forget(self, key: KeyT | None = None) -> None:
        """Drop what is known of a key; without one all."""
        with self._guard:
            if key is None:
                self.slots.clear()
            else:
                self.slots.pop(key, None)

    def ended(self, key: KeyT, held: HeldT) -> None:
        """Take a session out of use that AWS has ended early, unless it was replaced meanwhile."""
        with self._guard:
            slot = self.slots.get(key)
            if slot is not None and slot.session is held:
                slot.session = None

    def _renewed(self, key: KeyT, slot: Slot[HeldT]) -> HeldT:
        known, now = slot.session, time.time()
        if known is not None and known.left() > REFRESH_SECONDS:
            return known
        if slot.failure is None or now >= slot.until:
            try:
                slot.session = self._enter(key)
            except Refused as refused:
                slot.failure = self._explain(key, refused)
                down = isinstance(slot.failure, Unavailable)
                slot.until = now + (DOWN_SECONDS if down else REFUSED_SECONDS)
            else:
                slot.failure = None
                return slot.session
        if not isinstance(slot.failure, Unavailable):
            slot.session = None
        elif known is not None and known.left() > LAST_SECONDS:
            return known
        raise type(slot.failure)(slot.failure.message, retry_after=slot.failure.retry_after)


def assumed(role: str, name: str, *, by: Actor | None = None, **more: Any) -> dict[str, Any]:
    """The credentials of a new session of a role, for an hour.

    Args:
        role: its ARN.
        name: how the session is called in the logs of its account.
        by: who assumes it; None is the function itself.
        more: what AssumeRole takes besides.

    Raises:
        Refused: STS said no, or did not answer.
    """
    asked = {"RoleArn": role, "RoleSessionName": name[:64], "DurationSeconds": SESSION_SECONDS, **more}
    with acting(by):
        given: dict[str, Any] = aws.asked(client(), "assume_role", asked)["Credentials"]
    return given


def client() -> Any:
    """The STS client of this process, made at the first call."""
    here = (settings().region, settings().sts_url)
    if here not in _clients:
        retries = {"mode": "standard", "total_max_attempts": 2}
        made = aws.client("sts", *here, {}, connect_timeout=2, read_timeout=5, retries=retries)
        _clients[here] = as_actor(made)
    return _clients[here]


def as_actor(client: Any) -> Any:
    """Let a client call as whom `acting` says."""
    client.meta.events.register("before-sign", _sign)
    return client


@contextmanager
def acting(actor: Actor | None) -> Iterator[None]:
    """Meanwhile the clients of `as_actor` call as this one; None is the function itself."""
    mark = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(mark)


def control() -> Actor | None:
    """As whom the teams' vaults are entered; None is the function itself.

    Raises:
        Unavailable: the function may not be that, or STS does not answer.
    """
    chosen = settings()
    return _controls.get(chosen.control_role) if chosen.assume_control_role else None


def is_old(actor: Actor) -> bool:
    """Whether it has been there for so long that a refusal may mean that it was revoked since."""
    return actor.left() < SESSION_SECONDS - _YOUNG_SECONDS


def control_again(refused: Actor | None) -> Actor | None:
    """Another session for one of `control` that was refused; None where that would be no other.

    Raises as `control` does.
    """
    if refused is None or not is_old(refused):
        return None
    _controls.ended(settings().control_role, refused)
    return control()


def own_fault(what: str, role: str, refused: Refused) -> Unavailable:
    """The error of a role that this deployment itself has to let its functions take on."""
    telemetry.logger().error("a role cannot be assumed", extra={"role": role, "why": refused.code})
    return Unavailable(f"{what} cannot be entered right now.", retry_after=DOWN_SECONDS)


def forget() -> None:
    """Drop all clients and sessions of this module (other settings, a fork)."""
    _clients.clear()
    _controls.forget()


def _sign(request: Any, **_: Any) -> None:
    actor = _actor.get()
    if actor is not None:  # as botocore's own S3 Express does it: botocore/signers.py, RequestSigner.sign
        request.context.setdefault("signing", {})["request_credentials"] = actor.keys


_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)
_clients: dict[tuple[str, str], Any] = {}
_controls: Kept[str, Actor] = Kept(
    lambda role: Actor(assumed(role, "runhaven")),
    lambda role, refused: own_fault("The vaults", role, refused),
    most=4,
)
