"""A file that is larger than the house takes in one piece, by a client that was not told how to send it."""

import time
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from requests import HTTPError

KNOWS = tuple(int(part) for part in mlflow.__version__.split(".")[:2]) >= (3, 18)
mlflow.set_experiment(f"too large {time.time_ns()}")
for size in (5 * 2**20, 7 * 2**20, 25 * 2**20):
    file = Path("large.bin")
    file.write_bytes(bytes(size))
    begun, said = time.monotonic(), ""
    with mlflow.start_run():
        try:
            mlflow.log_artifact(str(file))
        except (MlflowException, HTTPError) as error:
            said = str(error)
    assert KNOWS == (not said), said
    assert KNOWS or ("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD=true" in said and "413" in said), said
    assert time.monotonic() - begun < 10, "it was tried again"
