"""A team with a run and a vault, and a client that sends files as the SDK does: manifest, URL, completion."""

import hashlib
import secrets
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count

import botocore.session
import pytest
import requests

from functions import ids, settings, table, telemetry
from functions.access import grants
from functions.access.memory import MEMORY
from functions.access.policy import Role, Scope
from functions.access.principal import Principal
from functions.artifacts import files, items, paths, purge, registering, service, sessions, vaults
from functions.experiments import service as experiments
from functions.runs import service as runs
from runhaven.wire.artifacts import Manifest, NewFile, Sent, SentFile, WantedFile, part_bytes
from tests import engines
from tests.functions.artifacts import towns

_CLOCK = count()


@contextmanager
def opened(url="", table_url=""):
    """A table on moto or at the URL of a real engine, and S3 on moto or at the URL of a real server."""
    from moto import mock_aws

    from functions import local_table

    keys = engines.MINIO_USER if url else dict.fromkeys(engines.MINIO_USER, "true")
    real = [one for one in (url, table_url) if one]
    core = {"mock_credentials": False, "passthrough": {"urls": real, "services": []}}
    with ExitStack() as stack:
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in {**keys, "AWS_EC2_METADATA_DISABLED": "true"}.items():
            environment.setenv(name, value)
        stack.enter_context(mock_aws(config={"core": core}))
        urls = {"s3_url": url, "sts_url": url, "dynamodb_url": table_url}
        settings.use(settings.Settings("runhaven", towns.REGION, **urls))
        _forget()
        if table_url:
            local_table.create(table.client(), "runhaven")
        else:
            stack.enter_context(local_table.open_table(table.client(), "runhaven"))
        yield
        _forget()
        settings._used.clear()


def _forget():
    for known in (table.forget_clients, MEMORY.forget, sessions.forget, experiments.forget):
        known()
    telemetry._loggers.clear()  # it writes to what was standard output when it was made


def keeper(vault):
    """A client that may do anything with a vault's bucket."""
    url = settings.settings().s3_url
    if not url:
        return towns.own_client(vault)
    return botocore.session.get_session().create_client("s3", region_name=vault.region, endpoint_url=url)


def found(team=None, account="1" * 12):
    """The owner of a new team with a vault and an experiment."""
    team = team or f"team-{secrets.token_hex(6)}"
    vault = towns.vault(team, account)
    client = keeper(vault)
    client.create_bucket(Bucket=vault.bucket)
    client.put_bucket_versioning(Bucket=vault.bucket, VersioningConfiguration={"Status": "Enabled"})
    who = Principal("ann@example.org", "ann@example.org", team, Role.OWNER)
    registering.adopt(grants.for_job(team), vault)
    return who, vault


def begun(account="1" * 12):
    """A run that has just begun, in a new team."""
    who, vault = found(account=account)
    experiment_id = experiments.create(who, "trials").id
    return Scene(who, vault, runs.create(who, experiment_id=experiment_id).run_id, experiment_id)


def digest(body):
    """The SHA-256 of bytes."""
    return hashlib.sha256(body).hexdigest()


def described(path, body, **more):
    """A file as a manifest has it."""
    step = part_bytes(len(body))
    parts = [digest(body[start : start + step]) for start in range(0, len(body), step)] if step else []
    return NewFile(path, len(body), digest(body), parts, **more)


def send(method, url, headers, body=b""):
    """Send what was signed, as a client does that knows nothing else; moto hears `requests` only."""
    return requests.request(method, url, headers=headers, data=body, timeout=30)


@dataclass
class Scene:
    """A run of a team, or a logged model of it, and what was logged to it."""

    who: Principal
    vault: vaults.Vault
    owner: str
    experiment_id: str
    logged: dict[str, bytes] = field(default_factory=dict)

    @property
    def grant(self):
        """The right of the house's jobs."""
        return grants.for_job(self.who.team)

    def a_run(self):
        """Another run of the experiment."""
        run = runs.create(self.who, experiment_id=self.experiment_id)
        return Scene(self.who, self.vault, run.run_id, self.experiment_id)

    def member(self, role=Role.CONTRIBUTOR, *, scope=Scope.ALL, token=None):
        """Another member of the team."""
        return Principal("bob@example.org", "bob@example.org", self.who.team, role, scope, token=token)

    def offer(self, *wanted, who=None):
        """What is still to be sent."""
        return service.offer(who or self.who, self.owner, Manifest(list(wanted))).files

    def transfer(self, offers, *bodies):
        """Send what is offered; gives the statuses."""
        seen = []
        for offer, body in zip(offers, bodies, strict=True):
            if offer.state == "put":
                seen.append(send("PUT", offer.url, offer.headers, body).status_code)
            for part in offer.parts:
                start = (part.number - 1) * offer.part_size
                piece = body[start : start + offer.part_size]
                seen.append(send("PUT", part.url, part.headers, piece).status_code)
        return seen

    def sent(self, wanted, offers):
        """The words of the completion."""
        pairs = zip(wanted, offers, strict=True)
        return [
            SentFile(one.path, one.size, one.sha256, offer.time, one.parts, one.step) for one, offer in pairs
        ]

    def complete(self, wanted, offers, who=None):
        """Store what was sent."""
        return service.complete(who or self.who, self.owner, Sent(self.sent(wanted, offers)))

    def log(self, files, who=None, **more):
        """Log files by path, each a millisecond after the one before it; gives the completion."""
        now = ids.now_ms()
        more.setdefault("time", None)
        wanted = [described(path, body, **more) for path, body in files.items()]
        if more["time"] is None:
            wanted = [
                described(path, body, **{**more, "time": now - 10**6 + next(_CLOCK)})
                for path, body in files.items()
            ]
        offers = self.offer(*wanted, who=who)
        statuses = self.transfer(offers, *files.values())
        assert set(statuses) <= {200, 412}, statuses
        done = self.complete(wanted, offers, who=who)
        if not done.missing:
            self.logged |= files
        return done

    def put(self, path, body):
        """Send a file as an MLflow client does."""
        signed = service.upload_url(self.who, self.owner, path)
        assert send("PUT", signed.url, signed.headers, body).status_code == 200
        self.logged[path] = body

    def fetch(self, path, version=None):
        """The bytes of a file, as a client fetches them."""
        one = service.downloads(self.who, self.owner, [WantedFile(path, version)])[0]
        reply = send("GET", one.url, one.headers)
        assert reply.status_code == 200, reply.text
        assert len(reply.content) == one.size
        assert one.sha256 in {None, digest(reply.content)}
        return reply.content

    def newest(self, path):
        """The bytes that an MLflow client gets."""
        signed = service.download_url(self.who, self.owner, path)
        return send("GET", signed.url, signed.headers)

    def is_whole(self):
        """Everything that was logged is there, and nothing else is."""
        page = service.page(self.who, self.owner, recursive=True)
        assert sorted(one.path for one in page.artifacts) == sorted(self.logged)
        for path, body in self.logged.items():
            assert self.fetch(path) == body

    def condemn(self):
        """Delete the run and ask that it be purged."""
        runs.delete(self.who, self.owner)
        runs.condemn(self.who, self.owner)

    def remains(self):
        """What is left of the run: its items, and the objects in the vault below its prefix."""
        run = ids.parse_run_id(self.owner)
        places = [f"T#{self.who.team}#R#{self.owner}", f"T#{self.who.team}#E#{run.experiment}#{run.shard}"]
        raws = [
            raw
            for place in places
            for raw in table.query(place)
            if self.owner in raw["PK"]["S"] + raw["SK"]["S"]
        ]
        return [raw["SK"]["S"] for raw in raws], self.objects(f"runs/{run.experiment}/{run.text}/")

    def objects(self, prefix=""):
        """All versions below a prefix of the vault, as a keeper sees them, the marks of deletion too."""
        place = self.vault.prefix + prefix
        pages = (
            keeper(self.vault)
            .get_paginator("list_object_versions")
            .paginate(Bucket=self.vault.bucket, Prefix=place)
        )
        return [
            each["Key"].removeprefix(self.vault.prefix)
            for page in pages
            for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
        ]

    def state(self, body):
        """What the table says of content."""
        item = table.get(items.FileItem, items.content(self.grant, digest(body)))
        return None if item is None else item.state


def purged(scene, pieces=50):
    """Let the job work until the run is gone; gives the number of pieces that it took."""
    return next(number for number in range(1, pieces) if purge.work(scene.who.team, "run", scene.owner))


class Crash(Exception):
    """The process ends here."""


@contextmanager
def at_call(scene, number, act=None, *, applied=False, names=None):
    """Call *act* at the n-th call to AWS from now, DynamoDB or S3; without a number nothing but count.

    Args:
        scene: whose vault.
        number: which call (0 is the next one).
        act: what happens then; its own calls are not counted, and a pair that it gives is the
            answer; by default the process ends.
        applied: when the call has been answered instead of before it is made.
        names: which operations count; None means all.

    Yields:
        The names of the operations that were asked for.
    """
    seen, after_seen, busy = [], [], [False]

    def note(into, model):
        if busy[0] or (names is not None and model.name not in names):
            return None
        into.append(model.name)
        if len(into) - 1 != number or (into is after_seen) is not applied:
            return None
        busy[0] = True
        try:
            if act is None:
                raise Crash
            answer = act()
            return answer if isinstance(answer, tuple) else None
        finally:
            busy[0] = False

    def before(model, **_):
        return note(seen, model)

    def after(model, **_):
        note(after_seen, model)

    vaults.head(scene.vault, "files/none")
    emitters = [table.client().meta.events, sessions.session(scene.vault)._client.meta.events]
    for events in emitters:
        events.register("before-call", before)
        events.register("after-call", after)
    try:
        yield seen
    finally:
        for events in emitters:
            events.unregister("before-call", before)
            events.unregister("after-call", after)


HELD, GONE = files.HELD, files.GONE


def stored(scene, path, body):
    """Log a file as a client does that does not give up: offered and sent again as often as it is missing."""
    for tries in range(1, 6):
        if not scene.log({path: body}).missing:
            return tries
    raise AssertionError(path)


def is_sound(scene, body):
    """Content that is needed is there; what nobody needs is gone, and so is its object."""
    place = items.content(scene.grant, digest(body))
    needs = list(table.query(place.pk, items.NEED))
    here = scene.objects(paths.of_content(digest(body)))
    assert (scene.state(body), len(here)) == ((HELD, 1) if needs else (GONE, 0))
