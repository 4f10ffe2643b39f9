"""A stock MLflow client that does what it is told, a line at a time: the hands of `scripts/bench artifacts`.

It runs in the client's own environment: `_bench_mlflow.py URL [PID]`. Each line on its input is a JSON list,
`["upload", FILE]` or `["download", NAME]`; each answer tells how long that took, and how much CPU time the
server PID and its children spent meanwhile, in seconds.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def spent(pid: int) -> float:
    """The CPU time of a process and of its children, dead or alive."""
    import psutil

    server, total = psutil.Process(pid), 0.0
    for each in (server, *server.children(recursive=True)):
        times = each.cpu_times()
        total += times.user + times.system + (times.children_user + times.children_system)
    return total


def main() -> None:
    """Do what is asked until the input ends."""
    import mlflow

    url, pid = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
    mlflow.set_tracking_uri(url)
    client = mlflow.MlflowClient()
    run_id = client.create_run(client.create_experiment(f"bench {time.time_ns()}")).info.run_id

    def download(name: str) -> None:
        with tempfile.TemporaryDirectory() as to:
            path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=name, dst_path=to)
            said["bytes"] = Path(path).stat().st_size

    verbs: dict[str, Any] = {"upload": lambda path: client.log_artifact(run_id, path), "download": download}
    print(json.dumps({"run": run_id}), flush=True)
    for line in sys.stdin:
        verb, name = json.loads(line)
        said: dict[str, Any] = {}
        before, begun = spent(pid) if pid else 0.0, time.perf_counter()
        verbs[verb](name)
        said["wall"] = time.perf_counter() - begun
        said["cpu"] = spent(pid) - before if pid else None
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
