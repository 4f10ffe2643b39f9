"""Artifacts and purges over native HTTP, through the app."""

from urllib.parse import urlencode

import pytest

from functions import app
from functions.access import grants
from functions.artifacts import purge, registering
from functions.experiments import service as experiments
from functions.logged_models import service as logged_models
from functions.runs import service as runs
from runhaven.wire.artifacts import part_bytes
from tests.functions import calls, people
from tests.functions.artifacts import scene, towns
from tests.functions.artifacts.scene import digest, keeper, send

BODY = b"hello"
# What a session token of AWS adds to a URL beyond moto's.
REAL_TOKEN = 1200


class Desk:
    """A team with a vault and a run, its owner's token, and the app."""

    def __init__(self):
        self.app = app.build()
        self.ann = people.found(founding=experiments.founding)
        vault = towns.vault(self.ann.team)
        client = keeper(vault)
        client.create_bucket(Bucket=vault.bucket)
        client.put_bucket_versioning(Bucket=vault.bucket, VersioningConfiguration={"Status": "Enabled"})
        registering.adopt(grants.for_job(self.ann.team), vault)
        self.token = people.token(self.ann)
        self.run_id = runs.create(self.ann, experiment_id="0").run_id
        self.at = f"/runs/{self.run_id}/artifacts"

    def call(self, method, path, body=None, *, token=None, query=""):
        """A request below /v1: status and JSON."""
        answer = calls.call(
            self.app, method, "/v1" + path, token=token or self.token, json_body=body, query=query
        )
        return answer.status, answer.json

    def log(self, path, body, at=None, **more):
        """Log one file; gives the completion."""
        wanted = {"path": path, "size": len(body), "sha256": digest(body), **more}
        status, offers = self.call("POST", f"{at or self.at}:upload", {"files": [wanted]})
        assert status == 200, offers
        offer = offers["files"][0]
        if offer["state"] == "put":
            assert send("PUT", offer["url"], offer["headers"], body).status_code == 200
        sent = {**wanted, "time": offer["time"]}
        return self.call("POST", f"{at or self.at}:complete", {"files": [sent]})


@pytest.fixture(scope="module")
def desk():
    """The app before a table and an S3 on moto."""
    with scene.opened():
        yield Desk()


def test_a_file_goes_up_is_listed_and_comes_down(desk):
    """A manifest gives a URL, a completion the stored file, a listing shows it, and a download fetches it."""
    status, done = desk.log("dir/a b+%.txt", BODY, step=3)
    stored = done["stored"][0]
    assert (status, done["missing"], stored["path"], stored["step"]) == (200, [], "dir/a b+%.txt", 3)
    status, page = desk.call("GET", desk.at, query="path=dir")
    assert (status, page) == (200, {"artifacts": [stored], "next": None})
    status, page = desk.call("GET", desk.at)
    assert [(each["path"], each["is_dir"]) for each in page["artifacts"]] == [("dir", True)]
    status, found = desk.call("POST", f"{desk.at}:download", {"files": [{"path": "dir/a b+%.txt"}]})
    one = found["files"][0]
    assert (status, one["size"], one["sha256"]) == (200, 5, digest(BODY))
    assert send("GET", one["url"], one["headers"]).content == BODY


def test_versions_and_pages(desk):
    """Versions are told newest first, a listing comes in pages, and a path is deleted with all below."""
    for body in (b"1", b"22"):
        desk.log("v/x", body)
    desk.log("v/y", b"3")
    status, found = desk.call("GET", f"{desk.at}/versions", query="path=v%2Fx")
    assert (status, [each["size"] for each in found["versions"]]) == (200, [2, 1])
    wanted = [{"path": "v/x", "version": each["version"]} for each in found["versions"]]
    _, urls = desk.call("POST", f"{desk.at}:download", {"files": wanted})
    assert [send("GET", each["url"], each["headers"]).content for each in urls["files"]] == [b"22", b"1"]
    _, first = desk.call("GET", desk.at, query="path=v&limit=1")
    _, second = desk.call("GET", desk.at, query=f"path=v&limit=1&after={first['next'].replace('/', '%2F')}")
    assert [each["path"] for page in (first, second) for each in page["artifacts"]] == ["v/x", "v/y"]
    assert second["next"] is None
    _, both = desk.call("GET", desk.at, query="path=v&recursive=true")
    assert len(both["artifacts"]) == 2
    assert desk.call("DELETE", desk.at, query="path=v") == (200, {"deleted": "v"})
    assert desk.call("GET", desk.at, query="path=v") == (200, {"artifacts": [], "next": None})
    assert desk.call("POST", f"{desk.at}:download", {"files": wanted})[0] == 404


def test_only_pictures_and_plain_text_are_shown_in_a_page(desk):
    """A preview has the type of its name's end, which no browser runs; of any other file there is none."""
    for path in ("plot.PNG", "notes.txt", "page.html", "drawing.svg"):
        assert desk.log(path, b"<script>alert(1)</script>")[0] == 200
    for path, kind in (("plot.PNG", "image/png"), ("notes.txt", "text/plain; charset=utf-8")):
        _, found = desk.call("POST", f"{desk.at}:download", {"files": [{"path": path, "inline": True}]})
        one = found["files"][0]
        headers = send("GET", one["url"], one["headers"]).headers
        assert (headers["content-type"], headers["content-disposition"].split(";")[0]) == (kind, "inline")
    for path in ("page.html", "drawing.svg"):
        wanted = {"files": [{"path": path, "inline": True}]}
        status, refused = desk.call("POST", f"{desk.at}:download", wanted)
        assert (status, refused["field"]) == (400, "inline")


def test_logged_models_have_the_same_routes(desk):
    """A logged model's artifacts are under its own address, and a run's address takes no logged model."""
    model = logged_models.create(desk.ann, experiment_id="0").model_id
    at = f"/logged-models/{model}/artifacts"
    assert desk.log("MLmodel", BODY, at=at)[1]["missing"] == []
    assert [each["path"] for each in desk.call("GET", at)[1]["artifacts"]] == ["MLmodel"]
    assert desk.call("GET", f"/runs/{model}/artifacts")[0] == 404
    assert desk.call("GET", f"/logged-models/{desk.run_id}/artifacts")[0] == 404


def test_something_deleted_is_purged(desk):
    """What is deleted can be purged, is gone at once, and asking again while it goes is no error."""
    run = runs.create(desk.ann, experiment_id="0").run_id
    model = logged_models.create(desk.ann, experiment_id="0").model_id
    trials = experiments.create(desk.ann, "trials").id
    for kind, what, work in [
        ("runs", run, "run"),
        ("logged-models", model, "model"),
        ("experiments", trials, "experiment"),
    ]:
        assert desk.call("POST", f"/{kind}/{what}/purge")[0] == 400
        assert desk.call("DELETE", f"/{kind}/{what}")[0] == 200
        status, told = desk.call("POST", f"/{kind}/{what}/purge")
        assert (status, told["purging"]) == (202, what)
        assert desk.call("GET", f"/{kind}/{what}")[0] == 404
        assert desk.call("POST", f"/{kind}/{what}/purge")[0] == 202
        assert purge.work(desk.ann.team, work, what)
        assert desk.call("POST", f"/{kind}/{what}/purge")[0] == 404


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"path": "../a"}, "path"),
        ({"path": ""}, "files.0.path"),
        ({"path": 7}, "files.0.path"),
        ({"size": -1}, "files.0.size"),
        ({"size": 2**63}, "files.0.size"),
        ({"size": 1.5}, "files.0.size"),
        ({"sha256": "x"}, "files.0.sha256"),
        ({"sha256": "g" * 64}, "sha256"),
        ({"step": 2**63}, "files.0.step"),
        ({"time": -1}, "files.0.time"),
        ({"size": 2**30}, "parts"),
    ],
)
def test_bad_manifests_are_400(desk, wrong, field):
    """A manifest or completion that cannot be is a 400 that names the field."""
    good = {"path": "a", "size": 5, "sha256": digest(BODY)}
    for verb, more in (("upload", {}), ("complete", {"time": 1})):
        status, said = desk.call("POST", f"{desk.at}:{verb}", {"files": [{**good, **more, **wrong}]})
        assert (status, said["field"]) == (400, field), said


@pytest.mark.parametrize("body", [{}, {"files": []}, {"files": [{}] * 1001}, [], "x", {"files": None}])
def test_bodies_that_are_none_are_400(desk, body):
    """A body without files, or with more than a thousand, is a 400."""
    for verb in ("upload", "complete", "download"):
        assert desk.call("POST", f"{desk.at}:{verb}", body)[0] == 400


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "path=..", "path=a%00", "after=..", "path=%252e%252e%2F.."]
)
def test_bad_queries_are_400(desk, query):
    """A listing with a limit or path that cannot be is a 400."""
    status, said = desk.call("GET", desk.at, query=query)
    assert (status, said["field"]) == (400, query.partition("=")[0])


def test_a_path_is_decoded_once(desk):
    """A percent sign in a name stays one, however often a client would encode it."""
    desk.log("p/%2e%2e%2fx", BODY)
    _, page = desk.call("GET", desk.at, query="path=p")
    assert [each["path"] for each in page["artifacts"]] == ["p/%2e%2e%2fx"]
    assert len(desk.call("GET", f"{desk.at}/versions", query="path=p%2F%252e%252e%252fx")[1]["versions"]) == 1
    assert desk.call("DELETE", desk.at, query="path=p%2F%2e%2e%2fx")[0] == 400


NAMES = [
    "a b", "a+b", "100%", "%41", "a%20b", "%2e%2e/%2F", "a#b", "what?", "Größe 尺寸 😀",
    "x;y,z=&@!$'()~[]", ".hidden",
]  # fmt: skip


def test_every_name_is_carried_whole(desk):
    """Spaces, any script, `+`, `%`, `#` and `?`, which stock clients carry in part, stay what they are."""
    for name in NAMES:
        assert desk.log(f"n/{name}", name.encode())[1]["missing"] == []
    _, page = desk.call("GET", desk.at, query="path=n&recursive=true")
    assert sorted(each["path"] for each in page["artifacts"]) == sorted(f"n/{name}" for name in NAMES)
    wanted = [{"path": f"n/{name}"} for name in NAMES]
    for name, one in zip(
        NAMES, desk.call("POST", f"{desk.at}:download", {"files": wanted})[1]["files"], strict=True
    ):
        assert send("GET", one["url"], one["headers"]).content == name.encode()
        answer = desk.call("GET", f"{desk.at}/versions", query=urlencode({"path": f"n/{name}"}))
        assert [each["path"] for each in answer[1]["versions"]] == [f"n/{name}"]


def test_who_may_do_what(desk):
    """A viewer lists and downloads, a contributor uploads, a token for logging its own runs only."""
    desk.log("w", BODY)
    viewer, logger = people.token(desk.ann, role="viewer"), people.token(desk.ann, scope="log")
    wanted = {"files": [{"path": "x", "size": 5, "sha256": digest(BODY)}]}
    assert desk.call("GET", desk.at, token=viewer)[0] == 200
    assert desk.call("POST", f"{desk.at}:download", {"files": [{"path": "w"}]}, token=viewer)[0] == 200
    assert desk.call("POST", f"{desk.at}:upload", wanted, token=viewer)[0] == 403
    status, run = desk.call("POST", "/runs", {"experiment_id": "0"}, token=logger)
    mine = f"/runs/{run['run_id']}/artifacts"
    assert status == 201
    assert desk.call("POST", f"{mine}:upload", wanted, token=logger)[0] == 200
    assert desk.call("POST", f"{desk.at}:upload", wanted, token=logger)[0] == 403
    for method, path in [("DELETE", f"{mine}?path=x"), ("POST", f"/runs/{run['run_id']}/purge")]:
        assert desk.call(method, path.partition("?")[0], query=path.partition("?")[2], token=logger)[0] == 403
    stranger = people.token(people.found(founding=experiments.founding))
    for method, verb in [("GET", ""), ("POST", ":upload"), ("POST", ":complete"), ("POST", ":download")]:
        body = None if method == "GET" else {"files": [{**wanted["files"][0], "time": 1}]}
        assert desk.call(method, desk.at + verb, body, token=stranger)[0] == 404


def test_the_largest_answer_stays_below_lambdas_limit(desk):
    """A thousand URLs and five hundred for parts, with the long token of a real session, stay below 6 MB."""
    files = [{"path": "d" * 100 + str(n), "size": n, "sha256": f"{n:064x}"} for n in range(900)]
    size = 2**34
    number = -(-size // part_bytes(size))
    for n in range(100):
        parts = [f"{n:032x}{part:032x}" for part in range(number)]
        files.append(
            {"path": str(n), "size": size, "sha256": f"{n:064x}", "parts": parts} if n < 2 else files[n]
        )
    answer = calls.call(
        desk.app, "POST", f"/v1{desk.at}:upload", token=desk.token, json_body={"files": files}
    )
    assert answer.status == 200
    urls = answer.body.count(b"X-Amz-Signature=")
    assert 1400 < urls <= 1500
    assert len(answer.body) + urls * REAL_TOKEN < 5 * 2**20
