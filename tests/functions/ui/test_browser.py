"""The page in a real browser: it shows what was logged, and nothing that was logged can take it over."""

import json
import re
import subprocess

import pytest
from playwright.sync_api import expect

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
    """Where an experiment says which way a metric is better, its runs show the best value beside the last."""
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
    run = team.run(experiment, metrics={"loss": [4.0, 3.0, 2.0, 1.0]})
    page = look(f"{team.url}/#/experiments/{experiment}/runs/{run}")
    plot = page.locator(".plot")
    plot.wait_for()
    assert plot.locator("path.line").get_attribute("d").count("L") == 3
    plot.focus()
    page.keyboard.press("Home")
    see(page, "step 0 · 4")
    page.keyboard.press("ArrowRight")
    see(page, "step 1 · 3")


def test_values_that_are_no_numbers_are_written_out(look, team):
    """NaN and the infinities are shown as words, and the line is drawn around them."""
    experiment = team.experiment()
    run = team.run(experiment, metrics={"loss": ["NaN", 3.0, "Infinity", 1.0, 2.0], "bad": ["NaN", "NaN"]})
    page = look(f"{team.url}/#/experiments/{experiment}/runs/{run}")
    bad, loss = rows(page, "Metrics")
    assert (bad[2], loss[4], loss[5]) == ("NaN @1", "Infinity @2", "NaN")
    see(page, "No value of it is a finite number.")
    page.get_by_role("button", name="loss").click()
    page.locator(".plot path.line").wait_for(state="attached")
    assert page.locator(".plot path.line").get_attribute("d").count("M") == 2


@pytest.mark.parametrize("text", HOSTILE)
def test_what_looks_like_markup_stays_text(look, team, text):
    """Names, params, tags and notes that look like code are shown as they are and do nothing."""
    tags = {"mlflow.note.content": text, "mine": text}
    experiment = team.experiment(text, **tags)
    params = {"p": text, "constructor": "1", "__proto__": "2"}
    run = team.run(experiment, text, params=params, tags=tags, metrics={"loss": [1.0, 2.0]})
    team.run(experiment, "other", tags={"mlflow.parentRunId": run})
    page = look(team.url)
    for place in ("/", f"/#/experiments/{experiment}", f"/#/experiments/{experiment}/runs/{run}"):
        page.goto(team.url + place)
        page.get_by_text(text).first.wait_for()
        page.wait_for_timeout(100)
        assert page.evaluate("typeof hacked") == "undefined"
        assert page.locator("main :is(img, script, iframe, object, base, [onerror], [onload])").count() == 0
        assert page.locator("a:not([href^='#/'])").evaluate_all("all => all.map(a => a.textContent)") in (
            [],
            ["The native API, described"],
        )
    assert page.get_by_label("Params").inner_text().split("\n")[:4] == ["__proto__", "2", "constructor", "1"]


def test_other_code_does_not_run(look, team):
    """The browser refuses a script, a handler and a call elsewhere, even when one got into the page."""
    page = look(team.url, strict=False)
    page.get_by_role("heading", name="A home for experiments").wait_for()
    tried = """async () => {
      const outcome = [];
      for (const attempt of [
        () => { document.body.innerHTML = "<p>" },
        () => { setTimeout("hacked=1") },
        () => { document.createElement("script").textContent = "hacked=1" },
        () => fetch("http://localhost:1/"),
        () => { document.createElement("i").setAttribute("onclick", "hacked=1") },
      ]) try { await attempt(); outcome.push("done") } catch (error) { outcome.push(error.name) }
      return outcome;
    }"""
    assert page.evaluate(tried) == ["TypeError"] * 5
    assert page.evaluate("typeof hacked") == "undefined"


def test_an_empty_team_is_taught_and_fills_by_itself(look, team):
    """Where nothing was logged, the page shows lines to paste, with its real address, then the first run."""
    page = look(team.url)
    lines = page.locator(".connect pre").inner_text().splitlines()
    assert lines[0] == f"export MLFLOW_TRACKING_URI={team.url}"
    assert lines[1].startswith("python3 -c 'import mlflow;")
    team.run("0", "the first one", metrics={"loss": [0.42]})
    see(page, "the first one")
    see(page, "0.42")


def test_the_address_without_a_team_is_shown_too(look, open_house):
    """Without a team in the address, the page shows the plain address and the team's own."""
    page = look(open_house.url)
    see(page, f"{open_house.url}/t/default")
    assert f"URI={open_house.url}\n" in page.locator(".connect pre").inner_text()


def test_every_state_of_a_run_is_told_apart(look, team):
    """A run that is running, has finished, has failed or was killed says so in a word."""
    experiment = team.experiment()
    for state in ("RUNNING", "FINISHED", "FAILED", "KILLED"):
        team.run(experiment, state.lower(), state)
    page = look(f"{team.url}/#/experiments/{experiment}")
    told = {row[0]: row[1].split()[-1] for row in rows(page, "Runs")}
    assert told == {state: state.capitalize() for state in ("running", "finished", "failed", "killed")}


def test_nested_runs_stand_below_their_parent(look, team):
    """An experiment shows nested runs below their parent, and so does the parent."""
    experiment = team.experiment()
    parent = team.run(experiment, "parent")
    for name in ("one", "two"):
        team.run(experiment, name, tags={"mlflow.parentRunId": parent}, params={"name": name})
    page = look(f"{team.url}/#/experiments/{experiment}")
    assert [row[0] for row in rows(page, "Runs")] == ["parent", "└ two", "└ one"]
    page.get_by_role("link", name="parent").click()
    see(page, "Nested runs")
    assert [row[0] for row in rows(page, "Runs")] == ["two", "one"]


def test_runs_are_filtered_and_ordered_in_the_grammar(look, team):
    """The filter takes the search grammar, says what is wrong with it, and a metric's head orders by it."""
    experiment = team.experiment(**{"runhaven.goal.loss": "min"})
    for number, name in enumerate(("a", "b", "c")):
        team.run(experiment, name, metrics={"loss": [abs(number - 1.0) + 1]})
    page = look(f"{team.url}/#/experiments/{experiment}")
    page.get_by_role("link", name="loss best").click()
    page.get_by_role("link", name="▾").wait_for()
    assert rows(page, "Runs")[0][0] == "b"
    page.get_by_label("Filter").fill("attributes.run_name = 'c' OR metrics.loss.best < 1.5")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(2)
    assert [row[0] for row in rows(page, "Runs")] == ["b", "c"]
    page.get_by_label("Filter").fill("metrics.loss <")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("Filter").input_value() == "metrics.loss <"


def test_a_closed_house_asks_for_a_token_and_keeps_it_in_memory(look, closed_house):
    """With credentials, the page asks for a token, refuses a wrong one, and forgets a right one on reload."""
    page = look(closed_house["url"])
    page.get_by_label("Access token").fill("rh_wrong")
    page.keyboard.press("Enter")
    see(page, "That token is not valid")
    assert page.get_by_label("Access token").get_attribute("type") == "password"
    page.get_by_label("Access token").fill(closed_house["teams"]["red"]["viewer"])
    page.keyboard.press("Enter")
    see(page, "you may look, not log")
    kept = "JSON.stringify([localStorage.length, sessionStorage.length, document.cookie, location.href])"
    assert json.loads(page.evaluate(kept)) == [0, 0, "", f"{closed_house['url']}/"]
    page.reload()
    page.get_by_label("Access token").wait_for()


def test_a_member_of_two_teams_chooses(look, closed_house):
    """Who is in several teams sees one of them and may step into another, and back."""
    page = look(f"{closed_house['url']}/t/red/")
    page.get_by_label("Access token").fill(closed_house["both"])
    page.keyboard.press("Enter")
    choice = page.get_by_label("Team")
    choice.wait_for()
    assert choice.input_value() == "red"
    choice.select_option("blue")
    see(page, "you may look, not log")
    assert page.url == f"{closed_house['url']}/t/blue/"
    page.go_back()
    expect(choice).to_have_value("red")


def test_another_team_does_not_exist(look, closed_house):
    """A member of one team who opens another one's address is told that there is none."""
    page = look(f"{closed_house['url']}/t/blue/")
    page.get_by_label("Access token").fill(closed_house["teams"]["red"]["owner"])
    page.keyboard.press("Enter")
    see(page, "No team 'blue' exists.")
    page.get_by_role("button", name="Forget token").click()
    page.get_by_label("Access token").wait_for()


def test_a_link_to_what_is_not_there_says_so(look, team):
    """A link to a run that does not exist, or to a view that there is not, is answered with a sentence."""
    page = look(f"{team.url}/#/experiments/0/runs/{'0' * 32}")
    page.get_by_role("heading", name="Not found").wait_for()
    page.goto(f"{team.url}/#/compare-runs?runs=1")
    see(page, "This page has no view of “compare-runs”.")


def test_a_workspace_in_a_link_is_the_team(look, open_house, team):
    """A link with MLflow's ?workspace= opens that team's run, and goes on in that team."""
    experiment, name = team.experiment(), team.url.rsplit("/", 1)[1]
    run = team.run(experiment, "elsewhere")
    page = look(f"{open_house.url}/#/experiments/{experiment}/runs/{run}?workspace={name}")
    page.get_by_role("heading", name="elsewhere").wait_for()
    assert page.url.startswith(f"{team.url}/#/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_narrow_window(look, team, scheme):
    """At 320 pixels nothing but a table's own box scrolls sideways, in both themes."""
    experiment = team.experiment("x" * 300)
    params = {"p": "z" * 3000, "q" * 200: "1"}
    run = team.run(experiment, "y" * 300, params=params, metrics={"m" * 200: [1.0, 2.0]})
    page = look(team.url, color_scheme=scheme, viewport={"width": 320, "height": 640})
    for place in ("", f"/experiments/{experiment}", f"/experiments/{experiment}/runs/{run}"):
        page.goto(f"{team.url}/#{place}")
        page.locator("section").first.wait_for()
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 28)"}[scheme]


def test_the_whole_way_to_a_run_is_walked_by_keyboard(look, team):
    """From the first page, Tab and Enter alone lead to a run, and the focus goes along to its heading."""
    team.run("0", "by keyboard", metrics={"loss": [1.0]})
    page = look(team.url)
    see(page, "by keyboard")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "by keyboard":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="by keyboard")).to_be_focused()
