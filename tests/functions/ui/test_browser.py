"""The page in a real browser: it shows what was logged, and nothing that was logged can take it over."""

import json
import re
import subprocess

import pytest

pytestmark = pytest.mark.browser

# Logs one run as any MLflow program does; the client then prints where to see it.
PROGRAM = """
import mlflow
mlflow.set_experiment("From a client")
with mlflow.start_run(run_name="client's own"):
    mlflow.log_param("rate", 0.1)
    for step, loss in enumerate([3.0, 1.0, 2.0]):
        mlflow.log_metric("loss", loss, step=step)
"""

HOSTILE = [
    "<img src=x onerror=hacked=1>",
    "<script>hacked=1</script>",
    "\"'><svg onload=hacked=1>",
    "javascript:hacked=1",
    "{{constructor.constructor('hacked=1')()}}",
    "</script></style><base href=//evil.example>",
    "\u202egnp.exe",
]


def see(page, text):
    """Wait until the page shows a text."""
    page.get_by_text(text).first.wait_for()


def rows(page, label):
    """The cells of a table of the page, row by row."""
    table = page.get_by_role("region", name=label, exact=True)
    table.wait_for()
    return [row.locator("th, td").all_inner_texts() for row in table.locator("tbody tr").all()]


@pytest.mark.client
def test_the_link_that_a_client_prints_shows_the_run(look, team, mlflow_python, tmp_path):
    """The address that a stock client prints at the end of a run opens that run, with all that it logged."""
    environment = {"MLFLOW_TRACKING_URI": team.url, "HOME": str(tmp_path), "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [mlflow_python, "-P", "-c", PROGRAM]
    said = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    page = look(re.search(rf"{re.escape(team.url)}/#/experiments/\d+/runs/\w+", said.stdout + said.stderr)[0])
    page.get_by_role("heading", name="client's own").wait_for()
    (loss,) = rows(page, "Metrics")
    assert (loss[0], *loss[2:]) == ("loss", "2 @2", "1 @1", "3", "3", "3")
    assert page.get_by_label("Params").inner_text().split() == ["rate", "0.1"]


def test_the_best_value_is_marked(look, team):
    """Where the experiment says which way a metric is better, the run shows its best value beside its last."""
    experiment = team.experiment(**{"runhaven.goal.loss": "min", "runhaven.primary": "loss"})
    run = team.run(experiment, metrics={"loss": [3.0, 0.25, 2.0], "other": [1.0]})
    page = look(f"{team.url}/#/experiments/{experiment}/runs/{run}")
    first, second = rows(page, "Metrics")
    assert first[3] == "best 0.25 @1"
    assert "primary" in first[0]
    assert second[3] == "1"
    page.get_by_role("link", name="Runhaven").click()
    see(page, "0.25 best")


def test_a_metric_is_drawn_and_read_by_keyboard(look, team):
    """A metric with several points has a line, and the arrow keys read its values one by one."""
    experiment = team.experiment()
    run = team.run(experiment, metrics={"loss": [4.0, float("nan"), 2.0, 1.0] if False else [4.0, 3.0, 2.0, 1.0]})
    page = look(f"{team.url}/#/experiments/{experiment}/runs/{run}")
    plot = page.locator(".plot")
    plot.wait_for()
    assert plot.locator("path.line").get_attribute("d").count("L") == 3
    plot.focus()
    page.keyboard.press("Home")
    see(page, "step 0 · 4")
    page.keyboard.press("ArrowRight")
    see(page, "step 1 · 3")
