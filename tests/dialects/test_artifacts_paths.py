"""The names of artifacts over MLflow's endpoints: which are taken, as what, and which are refused."""

import pytest

from tests.dialects.vault import ROOT, fetched, listed, mpu, refused, sent

NOWHERE = f"{'0' * 31}1"


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("a b.txt", "a b.txt"),
        ("/srv/data/a+b.txt", "a+b.txt"),
        (r"C:\data\ü.txt", "ü.txt"),
        ("D:/data/x.txt", "x.txt"),
        ("100%.txt", "100%.txt"),
        # An address would carry these decoded, and they are asked for so.
        ("a%20b.txt", "a b.txt"),
        ("%252e%252e", "%2e%2e"),
        ("dir%2Fx", "x"),
    ],
)
def test_a_file_is_named_by_the_end_of_its_path(house, root, told, name):
    """Old clients tell a path of their own machine, Windows too: its last part names the file."""
    begun = mpu(house, "create", root, path=told, num_parts=1).json
    (part,) = begun["credentials"]
    assert sent(part["url"], "PUT", b"x", part["headers"])[0] == 200
    assert [one["path"] for one in listed(house, root)] == [name]
    assert fetched(house, f"{root}/{name}")[2] == b"x"


@pytest.mark.parametrize(
    "told", ["", "..", "dir/", "C:\\", "a#b", "%2e%2e", r"src%5C..", "%ff.txt", "\0", "."]
)
def test_what_is_no_name_is_refused(house, root, told):
    """A path that ends with no name of a file, or with one that cannot be listed, begins no upload."""
    begun = mpu(house, "create", root, path=told, num_parts=1)
    assert refused(begun) == (400, "INVALID_PARAMETER_VALUE")


HOSTILE = [
    "..",
    "../x",
    "a/../../x",
    "./x",
    "a//b",
    "/x",
    "a\\b",
    "..\\x",
    "C:x",
    "C:/x",
    "a\0b",
    "a\n",
    "\u202ex",
]


@pytest.mark.parametrize("path", [*HOSTILE, "x" * 1025])
def test_hostile_paths_are_refused(house, root, run, model, path):
    """No endpoint takes a path that could mean another place than it says."""
    place = f"{root}/{path}"
    model_files = f"logged-models/{model}/artifacts"
    answers = [
        *(house.call(method, f"{ROOT}/artifacts/{place}", raw=b"") for method in ("GET", "PUT", "DELETE")),
        house.call("GET", f"{ROOT}/presigned/{place}"),
        house.call("GET", f"{ROOT}/artifacts", query={"path": place}),
        *(
            mpu(house, verb, place, path="x", upload_id="single", parts=[{"part_number": 1}])
            for verb in ("create", "complete", "abort")
        ),
        house.get("artifacts/list", {"run_id": run, "path": path}),
        house.call("GET", "/get-artifact", query={"run_id": run, "path": path}),
        house.call(
            "POST", "/ajax-api/2.0/mlflow/upload-artifact", query={"run_id": run, "path": path}, raw=b"x"
        ),
        house.get(f"{model_files}/directories", {"artifact_directory_path": path}),
        house.get(f"{model_files}/files", {"artifact_file_path": path}),
    ]
    assert [refused(answer) for answer in answers] == [(400, "INVALID_PARAMETER_VALUE")] * len(answers)


def test_a_path_is_decoded_once(house, root):
    """What still looks like an escape after that is an odd name, and never a way up."""
    assert house.call("PUT", f"{ROOT}/artifacts/{root}/%2e%2e/%2f", raw=b"x").status == 200
    assert [one["path"] for one in listed(house, root)] == ["%2e%2e"]
    assert fetched(house, f"{root}/%2e%2e/%2f")[2] == b"x"


def test_a_question_mark_that_was_not_escaped_is_refused(house, root):
    """A client that sends `a?b` means that file and not `a`, which stays as it is."""
    house.call("PUT", f"{ROOT}/artifacts/{root}/a", raw=b"old")
    for method in ("PUT", "DELETE", "GET"):
        answer = house.call(method, f"{ROOT}/artifacts/{root}/a", query={"b": ""}, raw=b"new")
        assert refused(answer) == (400, "INVALID_PARAMETER_VALUE")
    assert fetched(house, f"{root}/a")[2] == b"old"


def test_a_name_that_clients_cannot_list_is_refused(house, root, run):
    """A `#`, at which stock clients give up on a whole directory, is not taken from them."""
    upload = "/ajax-api/2.0/mlflow/upload-artifact"
    for answer in (
        house.call("PUT", f"{ROOT}/artifacts/{root}/a#b", raw=b"x"),
        mpu(house, "create", f"{root}/a#b", path="x", num_parts=1),
        house.call("POST", upload, query={"run_id": run, "path": "a#b"}, raw=b"x"),
    ):
        assert refused(answer) == (400, "INVALID_PARAMETER_VALUE")


def test_images_of_version_2_get_the_names_of_version_3(house, root):
    """Their `%` before a random id would be read as an escape by the client that lists them."""
    name = "k%step%3%timestamp%1795258978328%73111a9a-f2ee-4a7f-9d28-0715b80a1b73"
    for old in (f"images/{name}.png", f"images/{name}%compressed.webp"):
        assert house.call("PUT", f"{ROOT}/artifacts/{root}/{old}", raw=b"x").status == 200
        assert (
            fetched(house, f"{root}/{old}")[2] == fetched(house, f"{root}/{old.replace('%', '+')}")[2] == b"x"
        )
    assert not any("%" in one["path"] for one in listed(house, f"{root}/images"))


def test_places_of_nothing_are_not_found(house, experiment, run, model, root):
    """The experiment of the id must be the one in the path, and the place one of a run or a logged model."""
    other = str(int(experiment) ^ 1)
    for place in (
        f"{other}/{run}/artifacts/x",
        f"{other}/models/{model}/artifacts/x",
        f"{experiment}/models/{run}/artifacts/x",
        f"{experiment}/{model}/artifacts/x",
        f"{experiment}/{run}/x",
        f"{experiment}/{run}",
        f"{experiment}/x",
        experiment,
        "x",
        f"{experiment}/{NOWHERE}/artifacts/x",
        root.replace(run, run[:-1] + ("0" if run[-1] != "0" else "1")) + "/x",
        f"{experiment}/traces/tr-1/artifacts/traces.json",
    ):
        answers = [
            *(
                house.call(method, f"{ROOT}/artifacts/{place}", raw=b"x")
                for method in ("GET", "PUT", "DELETE")
            ),
            house.call("GET", f"{ROOT}/presigned/{place}"),
            house.call("GET", f"{ROOT}/artifacts", query={"path": place}),
            mpu(house, "create", place, path="x", num_parts=1),
            mpu(house, "complete", place, path="x", upload_id="single", parts=[{"part_number": 1}]),
            mpu(house, "abort", place, path="x", upload_id="single"),
        ]
        assert {refused(answer) for answer in answers} == {(404, "RESOURCE_DOES_NOT_EXIST")}, place
