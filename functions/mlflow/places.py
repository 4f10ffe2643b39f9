"""Where MLflow's clients look for artifacts: names that only this house resolves, made by the server alone.

A root always has a path: clients lose the prefix of the tracking URI from a bare `mlflow-artifacts:/`. A root
never has a host: clients send it their credentials.
"""

import re

from functions.errors import Unacceptable
from functions.ids import shown

_ROOT = "mlflow-artifacts:/"
_OLD_IMAGE = re.compile(
    r"images/[^/%]+%step%-?\d+%timestamp%-?\d+%[0-9a-f-]{36}(%compressed)?\.(png|webp)", re.ASCII
)


def of_experiment(experiment_id: str) -> str:
    """An experiment's artifact location."""
    return f"{_ROOT}{experiment_id}"


def of_run(experiment_id: str, run_id: str) -> str:
    """A run's artifact root."""
    return f"{_ROOT}{experiment_id}/{run_id}/artifacts"


def of_logged_model(experiment_id: str, model_id: str) -> str:
    """A logged model's artifact root."""
    return f"{_ROOT}{experiment_id}/models/{model_id}/artifacts"


def carried(path: str) -> str:
    """A path by the name under which clients find it again.

    Only the images that `log_image` of version 2 writes have another: their `%`, behind which a random id
    begins, would be taken for an escape by the same client when it lists them. Version 3 writes a `+`, and so
    does the house (mlflow issue 21085).
    """
    return path.replace("%", "+") if _OLD_IMAGE.fullmatch(path) else path


def kept(path: str) -> str:
    """A path under which a client may store a file, by the name under which clients find it again.

    Raises:
        Unacceptable: it has a `#`, at which a stock client gives up on the whole directory that it lists.
    """
    if "#" in path:
        message = f"Invalid path {shown(path)}: MLflow's clients cannot list names with '#'."
        raise Unacceptable(message, field="path")
    return carried(path)


def refuse(location: str | None, field: str) -> None:
    """Refuse a location that a client chose.

    Raises:
        Unacceptable: there is one.
    """
    if location:
        message = f"Runhaven chooses where artifacts lie: leave '{field}' out."
        raise Unacceptable(message, field=field)
