"""Files of every size and kind: logged, listed, fetched and deleted, without any AWS credentials."""

import hashlib
import os
import time
from pathlib import Path

import mlflow
import numpy as np
from matplotlib.figure import Figure
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts, list_artifacts, load_dict, load_text
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from requests import HTTPError

assert not any(name.startswith("AWS_") for name in os.environ)
MIB = 2**20
# The bytes of a file that an old client must not send through the house.
LARGE = {"ten": 10 * MIB, "less": 10 * MIB - 1, "more": 10 * MIB + 1, "parts": 25 * MIB}
STRAIGHT = os.environ["STRAIGHT"] == "yes"

client = MlflowClient()
mlflow.set_experiment(f"artifacts {time.time_ns()}")
fetched = Path("fetched")
fetched.mkdir()


def digest(file):
    """What a file holds, as a checksum."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


def paths(run_id, path=None):
    """What lies in a directory."""
    return [one.path for one in client.list_artifacts(run_id, path)]


def same(run_id, file, path):
    """Demand that a path gives a file back."""
    assert digest(download_artifacts(run_id=run_id, artifact_path=path, dst_path=fetched)) == digest(file), (
        path
    )


def written(name, content):
    """A file of this machine."""
    file = Path("local") / name
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_bytes(content)
    return file


with mlflow.start_run() as run:
    run_id = run.info.run_id
    assert paths(run_id) == []
    # Sizes around a client's 10 MiB parts.
    sizes = {"empty": 0, "one": 1, **(LARGE if STRAIGHT else {"small": 3 * MIB})}
    for name, size in sizes.items():
        file = written(f"{name}.bin", os.urandom(size))
        mlflow.log_artifact(str(file), "sizes")
        same(run_id, file, f"sizes/{name}.bin")
    listed = {one.path: (one.is_dir, one.file_size) for one in client.list_artifacts(run_id, "sizes")}
    assert listed == {f"sizes/{name}.bin": (False, size) for name, size in sizes.items()}, listed

    # Names, in the root, in a directory, and as directories.
    names = [
        "a b.txt",
        "a+b.txt",
        "Größe 尺寸 😀.txt",
        "100%.txt",
        "x;y,z=&@!$'()~.txt",
        ".hidden",
        "no-suffix",
    ]
    for name in names:
        file = written(name, name.encode())
        mlflow.log_artifact(str(file), "names")
        same(run_id, file, f"names/{name}")
    assert sorted(paths(run_id, "names")) == sorted(f"names/{name}" for name in names), paths(run_id, "names")
    deep = written("tree/a +ü/b c/leaf.txt", b"leaf")
    written("tree/top.txt", b"top")
    mlflow.log_artifacts("local/tree", "whole tree")
    same(run_id, deep, "whole tree/a +ü/b c/leaf.txt")
    mlflow.log_artifacts("local/tree")
    assert paths(run_id) == ["a +ü", "names", "sizes", "top.txt", "whole tree"], paths(run_id)
    assert [one.is_dir for one in client.list_artifacts(run_id)] == [True, True, True, False, True]
    assert paths(run_id, "top.txt") == paths(run_id, "nothing") == []

    # Directories come back whole.
    back = Path(download_artifacts(run_id=run_id, artifact_path="whole tree", dst_path=fetched / "whole"))
    assert (back / "a +ü/b c/leaf.txt").read_bytes() == b"leaf"
    every = Path(download_artifacts(run_id=run_id, dst_path=fetched / "every"))
    assert (every / "names/a b.txt").read_bytes() == b"a b.txt"
    assert len(list(every.rglob("*.bin"))) == len(sizes)
    assert [one.path for one in list_artifacts(run_id=run_id, artifact_path="whole tree")] == [
        "whole tree/a +ü",
        "whole tree/top.txt",
    ]

    # What the fluent interface writes.
    mlflow.log_text("Grüße\n", "texts/note.txt")
    mlflow.log_dict({"a": [1, None]}, "texts/value.json")
    mlflow.log_dict({"a": 1}, "texts/value.yaml")
    assert load_text(f"{run.info.artifact_uri}/texts/note.txt") == "Grüße\n"
    assert load_dict(f"{run.info.artifact_uri}/texts/value.json") == {"a": [1, None]}
    assert load_text(f"runs:/{run_id}/texts/note.txt") == "Grüße\n"

    figure = Figure()
    figure.subplots().plot([1, 2])
    mlflow.log_figure(figure, "plots/line.png")
    pixels = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    mlflow.log_image(pixels, "plots/pixels.png")
    for step in range(5):
        mlflow.log_image(pixels, key="seen by all", step=step, synchronous=True)
    assert paths(run_id, "plots") == ["plots/line.png", "plots/pixels.png"]
    assert len(paths(run_id, "images")) == 10, paths(run_id, "images")
    images = Path(download_artifacts(run_id=run_id, artifact_path="images", dst_path=fetched / "images"))
    assert len(list(images.glob("*.png"))) == 5
    for number in range(3):
        mlflow.log_table({"number": [number], "word": [f"ü{number}"]}, "tables/rows.json")
    rows = mlflow.load_table("tables/rows.json", [run_id])
    assert list(rows["number"]) == [0, 1, 2]
    assert list(rows["word"]) == ["ü0", "ü1", "ü2"]

    # A path that is logged again is the newest.
    mlflow.log_text("first", "again.txt")
    mlflow.log_text("second", "again.txt")
    assert load_text(f"{run.info.artifact_uri}/again.txt") == "second"

# Deleting: a file, a directory, everything.
files = get_artifact_repository(run.info.artifact_uri)
files.delete_artifacts("again.txt")
assert "again.txt" not in paths(run_id)
try:
    download_artifacts(run_id=run_id, artifact_path="again.txt", dst_path=fetched / "gone")
except (MlflowException, HTTPError):
    pass
else:
    raise AssertionError("a deleted file was fetched")
files.delete_artifacts("whole tree")
assert "whole tree" not in paths(run_id)
files.delete_artifacts()
assert paths(run_id) == []
