"""What a client does with artifacts, call by call: at the house, and where the house sends it."""

import http.client
from urllib.parse import urlsplit

ROOT = "/api/2.0/mlflow-artifacts"
# What clients before 3.18 must be told, to send a file past the house that is larger than it takes.
STRAIGHT = {
    "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
    "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": "1",
}


def sent(url, method="GET", body=None, headers=()):
    """What the vault answers: status, headers and body."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.netloc, timeout=20)
    try:
        connection.request(method, f"{place.path}?{place.query}", body, dict(headers))
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, headers, answer.read()
    finally:
        connection.close()


def fetched(house, path):
    """The bytes of a path, by a redirect."""
    answer = house.call("GET", f"{ROOT}/artifacts/{path}")
    assert (answer.status, answer.body) == (307, b""), answer.body
    return sent(answer.headers["location"])


def listed(house, path):
    """What a directory holds."""
    answer = house.call("GET", f"{ROOT}/artifacts", query={"path": path})
    assert answer.status == 200, answer.body
    return answer.json.get("files", [])


def refused(answer):
    """Status and code of an answer that is an error."""
    return answer.status, answer.json["error_code"]


def mpu(house, verb, directory, **body):
    """One of the three calls of an upload in parts."""
    return house.call("POST", f"{ROOT}/mpu/{verb}/{directory}", body=body)
