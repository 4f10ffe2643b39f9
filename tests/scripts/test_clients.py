"""The stock clients: each in an environment of its own, as its lock says."""

import json
import subprocess

import pytest

ASK = """
import importlib.metadata, json, sys
print(json.dumps([importlib.metadata.version(name) for name in ("mlflow", "scikit-learn", "psutil")]))
"""


@pytest.mark.client
def test_a_client_is_what_its_environment_says(mlflow_python):
    """The environment of a client holds that version of mlflow, scikit-learn and what system metrics need."""
    answer = subprocess.run([mlflow_python, "-P", "-c", ASK], capture_output=True, check=True).stdout
    mlflow, sklearn, psutil = json.loads(answer)
    named = mlflow_python.parents[1].name.removeprefix(".venv-mlflow-")
    assert mlflow.startswith(f"{named}.")
    assert sklearn
    assert psutil
