"""A table for rooms: the same test on moto and on a real engine, each test in a team of its own."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from functions import settings, table
from functions.access.policy import Role, Scope
from functions.access.principal import Principal

NAMES = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"]


@dataclass
class BackEnd:
    """A fresh team in a table; `engine` says what the table lies in."""

    engine: str
    team: str = field(default_factory=lambda: f"team-{secrets.token_hex(6)}")

    def who(self, role=Role.OWNER, *, scope=Scope.ALL, team=None, token=None):
        """A member of the team, or of another one."""
        name = f"{role.word}@example.org"
        return Principal(name, name, team or self.team, role, scope, token=token)

    @contextmanager
    def trips(self):
        """The operations that are asked of the table meanwhile, one entry per round trip."""
        seen = []

        def note(model, **_):
            seen.append(model.name)

        events = table.client().meta.events
        events.register("before-call.dynamodb", note)
        try:
            yield seen
        finally:
            events.unregister("before-call.dynamodb", note)

    @contextmanager
    def answer_lost(self, operation):
        """The next *operation* is applied, but its answer is lost, so that the SDK sends it again."""
        again = [0.0]

        def repeat(**_):
            return again.pop() if again else None

        events, event = table.client().meta.events, f"needs-retry.dynamodb.{operation}"
        events.register_first(event, repeat)
        try:
            yield
            assert not again, f"no {operation} was sent"
        finally:
            events.unregister(event, repeat)

    @staticmethod
    def at_once(call, arguments):
        """What *call* gives for each argument, or raises, all in real threads at once."""

        def outcome(argument):
            try:
                return call(argument)
            except Exception as error:  # noqa: BLE001  (the test looks at it)
                return error

        arguments = list(arguments)
        with ThreadPoolExecutor(len(arguments)) as pool:
            return list(pool.map(outcome, arguments))


@pytest.fixture(scope="module", params=["moto", pytest.param("dynoxide", marks=pytest.mark.engine)])
def engine(request):
    """An empty table in moto as local_table.py bends it, or in a real engine, and settings that lead there."""
    from moto import mock_aws

    from functions import local_table

    url = request.getfixturevalue("dynoxide") if request.param == "dynoxide" else ""
    with pytest.MonkeyPatch.context() as environment:
        for name in NAMES:
            environment.setenv(name, "true")
        settings.use(settings.Settings("runhaven", "eu-central-1", dynamodb_url=url))
        table.forget_clients()
        if url:
            local_table.create(table.client(), "runhaven")
            yield request.param
        else:
            with mock_aws():
                opened = local_table.open_table(table.client(), "runhaven")
                yield request.param
                opened.close()
        table.forget_clients()
        settings._used.clear()


@pytest.fixture
def back_end(engine):
    """A team that has nothing yet."""
    return BackEnd(engine)
