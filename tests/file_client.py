"""Sends files to a run of a house over HTTP, in each of the ways that clients do."""

import hashlib
import time

import httpx

MLFLOW = "/api/2.0/mlflow-artifacts"


class Client:
    """Sends files to a run both ways; each is acknowledged when the method returns."""

    def __init__(self, url, run=None):
        self.http = httpx.Client(base_url=url, timeout=30)
        self.bucket = httpx.Client(timeout=30)
        self.run = run or self.asked("/v1/runs", {"experiment_id": "0"})["run_id"]
        self.at = f"/v1/runs/{self.run}/artifacts"

    def outlasts_a_kill(self):
        """Wait until the run is on disk: what runs are is written once a second."""
        time.sleep(1.25)

    def asked(self, path, body):
        """The JSON of a POST that must succeed."""
        return self.http.post(path, json=body).raise_for_status().json()

    def offered(self, path, body):
        """What is to be sent of a file."""
        wanted = {"path": path, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        (offer,) = self.asked(f"{self.at}:upload", {"files": [wanted]})["files"]
        return offer, wanted | {"time": offer["time"]}

    def log(self, path, body):
        """Log a file natively: a manifest, a PUT to the bucket where it is needed, and the completion."""
        offer, sent = self.offered(path, body)
        if offer["state"] == "put":
            self.bucket.put(offer["url"], headers=offer["headers"], content=body).raise_for_status()
        assert self.asked(f"{self.at}:complete", {"files": [sent]})["missing"] == []

    def put(self, path, body):
        """Log a file as MLflow's newest clients do: a PUT to the bucket, and no word after it."""
        below, _, name = f"/{path}".rpartition("/")
        create = f"{MLFLOW}/mpu/create/0/{self.run}/artifacts{below}"
        (part,) = self.asked(create, {"path": name, "num_parts": 1})["credentials"]
        self.bucket.put(part["url"], headers=part.get("headers"), content=body).raise_for_status()

    def pass_through(self, path, body):
        """Log a file as MLflow's older clients do: through the house."""
        self.http.put(f"{MLFLOW}/artifacts/0/{self.run}/artifacts/{path}", content=body).raise_for_status()

    def fetched(self, path):
        """A file's bytes."""
        (one,) = self.asked(f"{self.at}:download", {"files": [{"path": path}]})["files"]
        return self.bucket.get(one["url"], headers=one["headers"]).raise_for_status().content

    def listed(self):
        """The paths of all files."""
        page = self.http.get(self.at, params={"recursive": "true"}).raise_for_status().json()
        return [one["path"] for one in page["artifacts"]]

    def delete(self, path):
        """Delete a file for good."""
        self.http.delete(self.at, params={"path": path}).raise_for_status()
