"""Trains on data that ships with scikit-learn and logs all of it through the stock `mlflow` client.

Nothing in here imports Runhaven: point MLFLOW_TRACKING_URI, or the first argument, at a house and run it. Two
experiments come of it: a grid of regressions as nested runs, and classifiers with metrics for every epoch.
One run fails and one stays running, so that every state is to be seen. What exists already is left alone.
"""

import logging
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import Any

# The demo calls nobody but the house, and says one line for an experiment instead of two for each run.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

import mlflow
import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import ElasticNet, Lasso, Ridge, SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_validate, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

SEED, EPOCHS, DIGITS = 7, 30, list(range(10))

DIABETES = """How far does a year of diabetes progress? Linear models over ten measurements of 442 patients.
Each family is one run; its settings are nested below it, each judged by five-fold cross-validation."""
HANDWRITING = """Which digit is it? 1,797 images of 8 by 8 pixels, metrics for every epoch.
The best epoch is seldom the last one: look at val_loss."""


def main() -> None:
    """Fill the house that MLFLOW_TRACKING_URI or the first argument names."""
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    if len(sys.argv) > 1:
        mlflow.set_tracking_uri(sys.argv[1])
    experiment("Diabetes regression", DIABETES, {"rmse": "min", "r2": "max"}, diabetes)
    experiment("Handwritten digits", HANDWRITING, {"val_accuracy": "max", "val_loss": "min"}, digits)


def experiment(name: str, description: str, goals: dict[str, str], train: Callable[[], None]) -> None:
    """Train in an experiment of that name, unless there is one; the first of the goals is the primary one."""
    if mlflow.get_experiment_by_name(name):
        print(f"  demo: {name} is here already", flush=True)
        return
    start = time.monotonic()
    place = f"{mlflow.get_tracking_uri()}/#/experiments/{mlflow.set_experiment(name).experiment_id}"
    mlflow.set_experiment_tags(
        {
            "mlflow.note.content": description,
            **{f"runhaven.goal.{metric}": goal for metric, goal in goals.items()},
            "runhaven.primary": next(iter(goals)),
        }
    )
    train()
    print(f"  demo: {name} took {time.monotonic() - start:.0f} s, see {place}", flush=True)


def diabetes() -> None:
    """Three families of linear models, and a setting that scikit-learn refuses."""
    frame = load_diabetes(as_frame=True).frame
    strengths = (0.001, 0.01, 0.1, 1.0)
    mixed = [{"alpha": alpha, "l1_ratio": ratio} for alpha, ratio in product(strengths, (0.2, 0.8))]
    single = [{"alpha": alpha} for alpha in strengths]
    family(ElasticNet, frame, mixed, "Between ridge and lasso.")
    family(Lasso, frame, single, "Leaves out the measurements that do not help.")
    family(Ridge, frame, single, "Makes all weights a little smaller.")
    with suppress(ValueError), mlflow.start_run(run_name="Ridge alpha=-1", tags={"family": "Ridge"}):
        mlflow.log_param("alpha", -1.0)
        mlflow.set_tag("mlflow.note.content", "scikit-learn refuses a negative alpha, so this run failed.")
        cross_validated(Ridge(alpha=-1.0), frame)


def family(kind: Callable[..., Any], frame: Any, grid: list[dict[str, float]], description: str) -> None:
    """Try each setting in a nested run; the run around them gets the best of the scores."""
    name = kind.__name__
    data = mlflow.data.from_pandas(frame, name="diabetes", targets="target")
    with mlflow.start_run(run_name=name, tags={"family": name}, description=description):
        mlflow.log_input(data, context="training")
        scores = []
        for setting in grid:
            called = " ".join(f"{key}={value:g}" for key, value in setting.items())
            with mlflow.start_run(run_name=f"{name} {called}", nested=True, tags={"family": name}):
                mlflow.log_params(setting)
                mlflow.log_input(data, context="training")
                scores.append(cross_validated(kind(**setting, max_iter=5000), frame))
        best = min(scores, key=lambda score: score["rmse"])
        mlflow.log_params(grid[scores.index(best)])
        mlflow.log_metrics(best)


def cross_validated(model: Any, frame: Any) -> dict[str, float]:
    """Log the error of each fold as a step, then the means, which are returned."""
    features, target = frame.drop(columns="target"), frame["target"]
    kinds = {"rmse": "neg_root_mean_squared_error", "r2": "r2"}
    found = cross_validate(model, features, target, cv=5, scoring=kinds, error_score="raise")
    for fold, error in enumerate(-found["test_rmse"]):
        mlflow.log_metric("fold_rmse", error, step=fold)
    score = {"rmse": float(-found["test_rmse"].mean()), "r2": float(found["test_r2"].mean())}
    mlflow.log_metrics({**score, "fit_seconds": float(found["fit_time"].sum())})
    return score


@dataclass(frozen=True)
class Images:
    """The digits, as a model sees them: what it learns from, and what it is judged by."""

    train: Any
    train_labels: Any
    held_out: Any
    held_out_labels: Any


def digits() -> None:
    """Linear and small neural classifiers, epoch by epoch; the last one is left running."""
    pixels, labels = load_digits(return_X_y=True)
    train, held_out, *answers = train_test_split(pixels, labels, test_size=0.4, random_state=SEED)
    scale = StandardScaler().fit(train).transform
    images = Images(scale(train), answers[0], scale(held_out), answers[1])
    for rate in (0.001, 0.03):
        setting = {"loss": "log_loss", "learning_rate": "constant", "eta0": rate}
        with mlflow.start_run(run_name=f"linear eta0={rate:g}", tags={"family": "linear"}):
            learn(SGDClassifier(**setting, random_state=SEED), setting, images)
    for width, rate in ((16, 0.001), (64, 0.01), (64, 0.05)):
        network, setting = neural(width, rate)
        with mlflow.start_run(run_name=f"mlp width={width} rate={rate:g}", tags={"family": "mlp"}):
            learn(network, setting, images)
    # The fluent API would end this run together with the program; one of the client's own goes on.
    network, setting = neural(128, 0.001)
    left = mlflow.MlflowClient().create_run(
        mlflow.get_experiment_by_name("Handwritten digits").experiment_id,
        run_name="mlp width=128 rate=0.001",
        tags={"family": "mlp", "mlflow.note.content": "Left running on purpose, to show how that looks."},
    )
    learn(network, setting, images, run_id=left.info.run_id, epochs=EPOCHS // 4)


def neural(width: int, rate: float) -> tuple[MLPClassifier, dict[str, Any]]:
    """A network with one hidden layer, and its setting."""
    setting = {"hidden_layer_sizes": width, "learning_rate_init": rate, "batch_size": 64}
    return MLPClassifier(**setting, random_state=SEED), setting


def learn(
    model: Any, setting: dict[str, Any], images: Images, *, run_id: str | None = None, epochs: int = EPOCHS
) -> None:
    """Train for some epochs and log how good the model is after each, in the active run if none is named."""
    mlflow.log_params(setting, run_id=run_id)
    if run_id is None:
        data = mlflow.data.from_numpy(images.train, targets=images.train_labels, name="digits")
        mlflow.log_input(data, context="training")
    random = np.random.default_rng(SEED)
    for epoch in range(epochs):
        order = random.permutation(len(images.train))
        model.partial_fit(images.train[order], images.train_labels[order], classes=DIGITS)
        judged = {
            "train_loss": log_loss(images.train_labels, model.predict_proba(images.train), labels=DIGITS),
            "val_loss": log_loss(images.held_out_labels, model.predict_proba(images.held_out), labels=DIGITS),
            "val_accuracy": model.score(images.held_out, images.held_out_labels),
        }
        mlflow.log_metrics(judged, step=epoch, run_id=run_id)


if __name__ == "__main__":
    main()
