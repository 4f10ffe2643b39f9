"""Where MLflow's clients look for artifacts: names that only this house resolves, made by the server alone.

A root always has a path: clients lose the prefix of the tracking URI from a bare `mlflow-artifacts:/`. A root
never has a host: clients send it their credentials.
"""

from functions.errors import Unacceptable

_ROOT = "mlflow-artifacts:/"


def of_experiment(experiment_id: str) -> str:
    """An experiment's artifact location."""
    return f"{_ROOT}{experiment_id}"


def of_run(experiment_id: str, run_id: str) -> str:
    """A run's artifact root."""
    return f"{_ROOT}{experiment_id}/{run_id}/artifacts"


def of_logged_model(experiment_id: str, model_id: str) -> str:
    """A logged model's artifact root."""
    return f"{_ROOT}{experiment_id}/models/{model_id}/artifacts"


def refuse(location: str | None, field: str) -> None:
    """Refuse a location that a client chose.

    Raises:
        Unacceptable: there is one.
    """
    if location:
        message = f"Runhaven chooses where artifacts lie: leave '{field}' out."
        raise Unacceptable(message, field=field)
