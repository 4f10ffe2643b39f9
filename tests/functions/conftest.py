"""A table for rooms: the same test on moto and on a real engine, each test in a team of its own."""

import asyncio
import json
import logging
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import httpx
import pytest

from functions import settings, table, telemetry
from functions.access.memory import MEMORY
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
    def on(self, event, call):
        """Meanwhile *call* is made at that event of the botocore client."""
        events = table.client().meta.events
        events.register_first(event, call)
        try:
            yield
        finally:
            events.unregister(event, call)

    @contextmanager
    def trips(self):
        """The operations that are asked of the table meanwhile, one entry per round trip."""
        seen = []

        def note(model, **_):
            seen.append(model.name)

        with self.on("before-call.dynamodb", note):
            yield seen

    @contextmanager
    def answer_lost(self, operation):
        """The next *operation* is applied, but its answer is lost, so that the SDK sends it again."""
        again = [0.0]

        def repeat(**_):
            return again.pop() if again else None

        with self.on(f"needs-retry.dynamodb.{operation}", repeat):
            yield
        assert not again, f"no {operation} was sent"

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
    """An empty table in bent moto (local_table.py) or in a real engine, and settings that lead there."""
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


@pytest.fixture(scope="module")
def native():
    """Calls the laptop's whole house below /v1, in process: method, path, body -> status and JSON."""
    from functions import local

    with local.opened(local.Options(data=None), 5000) as house, asyncio.Runner() as runner:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(house.app), base_url=f"{house.url}/v1")

        def call(method, path, body=None):
            text = body if isinstance(body, str | None) else json.dumps(body)
            headers = {"content-type": "application/json"}
            answer = runner.run(client.request(method, path, content=text, headers=headers))
            return answer.status_code, answer.json()

        yield call
    table.forget_clients()
    settings._used.clear()


@pytest.fixture(scope="module")
def app():
    """The app before an empty table, with the names and the origin of a laptop's house."""
    from functions import app
    from tests.functions.calls import HOME, table_on_moto

    with table_on_moto(hosts=("127.0.0.1", "localhost", "[::1]"), origins=(HOME,)):
        yield app.build()


@pytest.fixture
def ann(app):
    """The owner of a new team with its Default experiment."""
    from functions.experiments import service as experiments
    from tests.functions import people

    return people.found(founding=experiments.founding)


@pytest.fixture
def secret(ann):
    """A token of that owner."""
    from tests.functions import people

    return people.token(ann)


@pytest.fixture
def chosen(app):
    """Changes settings for one test."""
    before = settings.settings()

    def choose(**more):
        settings.use(replace(before, **more))
        MEMORY.forget()

    yield choose
    settings.use(before)
    MEMORY.forget()


@pytest.fixture
def lines(app):
    """What the house logs meanwhile, one dictionary per line."""
    found = []

    class Keep(logging.Handler):
        def emit(self, record):
            found.append(json.loads(telemetry.logger().handlers[0].format(record)))

    keep, logger = Keep(), telemetry.logger()
    level = logger.level
    logger.addHandler(keep)
    logger.setLevel("INFO")
    yield found
    logger.setLevel(level)
    logger.removeHandler(keep)
