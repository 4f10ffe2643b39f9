"""One file of `SIZE` bytes, or so many small ones: `WHAT` says which."""

import os
import time
from pathlib import Path

import mlflow
from mlflow.artifacts import download_artifacts

SIZE = int(os.environ["SIZE"])
mlflow.set_experiment(f"huge {time.time_ns()}")


def one_file():
    """Log a file that is nearly all a hole, and fetch it back."""
    file = Path("huge.bin")
    marks = {0: b"begin", SIZE // 2 - 3: b"middle", SIZE - 3: b"end"}
    with file.open("wb") as opened:
        for place, mark in marks.items():
            opened.seek(place)
            opened.write(mark)
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(file))
    file.unlink()
    (listed,) = mlflow.artifacts.list_artifacts(run_id=run.info.run_id)
    assert listed.file_size == SIZE
    back = Path(download_artifacts(run_id=run.info.run_id, artifact_path="huge.bin", dst_path="back"))
    assert back.stat().st_size == SIZE
    with back.open("rb") as opened:
        for place, mark in marks.items():
            opened.seek(place)
            assert opened.read(len(mark)) == mark, place


def many_files():
    """Log a directory of small files, list them all, and fetch some back."""
    folder = Path("many")
    folder.mkdir()
    for number in range(SIZE):
        (folder / f"{number}.txt").write_text(f"{number}", "utf-8")
    with mlflow.start_run() as run:
        mlflow.log_artifacts(str(folder), "many")
    run_id = run.info.run_id
    listed = mlflow.artifacts.list_artifacts(run_id=run_id, artifact_path="many")
    assert {one.path: one.file_size for one in listed} == {
        f"many/{number}.txt": len(str(number)) for number in range(SIZE)
    }
    for number in range(0, SIZE, 100):
        back = download_artifacts(run_id=run_id, artifact_path=f"many/{number}.txt", dst_path="back")
        assert Path(back).read_text("utf-8") == f"{number}"


{"one": one_file, "many": many_files}[os.environ["WHAT"]]()
