"""A team that keeps datasets, and a client that sends their files as the SDK does: offer, URL, version."""

from dataclasses import dataclass, field
from typing import Any

from functions import table
from functions.access import grants
from functions.datasets import items, service
from functions.experiments import service as experiments
from functions.runs import service as runs
from runhaven.wire.datasets import NewVersion, VersionFile
from tests.functions.artifacts import scene
from tests.functions.artifacts.scene import digest, send

NAME = "iris data"


def reference(**more):
    """A version by reference."""
    return NewVersion(**{"source": "s3://bucket/iris.csv", "source_version": "v1", **more})


def described(files):
    """Files as a manifest has them."""
    found = [scene.described(path, body) for path, body in files.items()]
    return [VersionFile(one.path, one.size, one.sha256, one.parts) for one in found]


def begun(account="1" * 12):
    """A shelf of a new team with a vault and an experiment."""
    who, vault = scene.found(account=account)
    return Shelf(who, vault, experiments.create(who, "trials").id)


@dataclass
class Shelf:
    """A team's datasets, and what was put there."""

    who: Any
    vault: Any
    experiment_id: str
    kept: dict[int, dict[str, bytes]] = field(default_factory=dict)

    @property
    def grant(self):
        """The right of the house's jobs."""
        return grants.for_job(self.who.team)

    def a_run(self):
        """The id of a new run."""
        return runs.create(self.who, experiment_id=self.experiment_id).run_id

    def send(self, files, name=NAME):
        """Send what is still to be sent; gives the paths."""
        offers = service.offer(self.who, name, described(files)).files
        for offer in offers:
            body = files[offer.path]
            if offer.state == "put":
                assert send("PUT", offer.url, offer.headers, body).status_code in {200, 412}
            for part in offer.parts:
                start = (part.number - 1) * offer.part_size
                piece = body[start : start + offer.part_size]
                assert send("PUT", part.url, part.headers, piece).status_code == 200
        return [offer.path for offer in offers if offer.state != "have"]

    def make(self, files, name=NAME, **more):
        """Make a version of files that were sent."""
        return service.create(self.who, name, NewVersion(files=described(files), **more))

    def keep(self, files, **more):
        """Send files and make a version of them; gives its number."""
        self.send(files)
        made, _ = self.make(files, **more)
        assert made.missing == []
        self.kept[made.version.version] = dict(files)
        return made.version.version

    def fetch(self, number, *some):
        """The bytes of files of a version, as a client fetches them."""
        found = service.downloads(self.who, NAME, str(number), some).files
        replies = [send("GET", one.url, one.headers) for one in found]
        assert {reply.status_code for reply in replies} <= {200}
        for one, reply in zip(found, replies, strict=True):
            assert (len(reply.content), digest(reply.content)) == (one.size, one.sha256)
        return [reply.content for reply in replies]

    def is_whole(self):
        """Every version that was kept is there with all its files, and they can be fetched."""
        for number, files in self.kept.items():
            page = service.files_of(self.who, NAME, str(number))
            paths = sorted(files, key=str.encode)
            assert [one.path for one in page.files] == paths
            assert self.fetch(number, *paths) == [files[path] for path in paths]

    def contents(self):
        """Which content lies in the vault."""
        keeper = scene.keeper(self.vault)
        place = self.vault.prefix + "files/"
        found = keeper.list_object_versions(Bucket=self.vault.bucket, Prefix=place).get("Versions", ())
        return {each["Key"].rpartition("/")[2] for each in found}

    def lying(self, wanted, name=NAME):
        """The items of the files of a version, by its digest."""
        place = items.files(self.grant, items.place(name, wanted))
        return [raw["SK"]["S"] for raw in table.query(place.pk, place.sk)]

    def note(self, wanted, name=NAME):
        """The item that says that a version is being made."""
        return table.get(items.Begun, items.begun(self.grant, items.place(name, wanted)))
