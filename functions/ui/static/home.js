// The first view: what this is, how to point a client at it, the experiments and the latest runs.
// A view is what it reads, whether that may change soon, and what is drawn from it: a title and elements.

const RUNS = 100;
const LATEST = 25;

/** Whether the caller may log in this team. The house decides; this only spares a disappointment. */
const mayLog = () => !["viewer", null].includes(house.me.role) && house.me.scope !== "read";

/** Where a client is pointed at, ready to paste. */
function connect(lastLine) {
  const direct = trackingUri(house.me.team);
  const usual = trackingUri(house.team);
  const token = house.token || house.me.token ? ["export MLFLOW_TRACKING_TOKEN=rh_…"] : [];
  const setting = [`export MLFLOW_TRACKING_URI=${usual}`, ...token];
  return h(
    "div",
    { class: "connect" },
    paste([...setting, lastLine], "lines for your shell"),
    house.me.team &&
      h(
        "p",
        { class: "quiet" },
        mayLog() ? "Runs from there go to team " : "That is for others: you may look, not log, in team ",
        h("b", {}, house.me.team),
        usual !== direct && [", also by its own address ", h("code", {}, direct)],
        ".",
      ),
  );
}

const views = {};

views.home = {
  async read() {
    const found = await ask("/v1/experiments/search", { limit: 200 });
    const ids = found.experiments.slice(0, 20).map((each) => each.id);
    const runs = ids.length ? (await ask("/v1/runs/search", { experiment_ids: ids, limit: RUNS })).runs : [];
    return { experiments: found.experiments, more: Boolean(found.next), runs };
  },
  live: ({ runs }) => !runs.length || runs.some((run) => run.status === "RUNNING"),
  draw({ experiments, more, runs }) {
    const known = new Map(experiments.map((each) => [each.id, each]));
    const empty = !runs.length && mayLog();
    return [
      "Runhaven",
      h(
        "div",
        { class: "front" },
        h(
          "div",
          {},
          h("h1", { tabindex: -1 }, "A home for experiments"),
          h(
            "p",
            { class: "lead" },
            "Runhaven keeps your team's experiments, runs and metrics. It speaks MLflow's language: point any stock client at this address, train, and find everything again here.",
          ),
          h(
            "p",
            {},
            h("a", { href: `${trackingUri(house.team)}/v1/openapi.json` }, "The native API, described"),
          ),
        ),
        h(
          "div",
          { class: "card" },
          h("h2", {}, empty ? "Log your first run" : "Point a client here"),
          connect(empty ? "python3 -c 'import mlflow; mlflow.log_metric(\"loss\", 0.5)'" : "python3 train.py"),
          empty && h("p", { class: "waiting" }, "Waiting for the first run; it appears here by itself."),
        ),
      ),
      section(
        "Experiments",
        counted(experiments.length, "experiment") + (more ? ", the newest" : ""),
        experimentTable(experiments),
      ),
      runs.length > 0 &&
        section(
          "Latest runs",
          experiments.length > 20 ? "In the 20 newest experiments" : null,
          latest(runs, known),
        ),
    ];
  },
};

function experimentTable(experiments) {
  return table(
    "Experiments",
    ["Experiment", "Better is", "Changed"],
    experiments.map((each) => {
      const { better, primary } = goals(each);
      const signs = inOrder(better.keys(), { better, primary }).map((key) =>
        h("span", { class: "goal" }, better.get(key) === "max" ? "↑ " : "↓ ", key),
      );
      return h(
        "tr",
        {},
        h(
          "td",
          {},
          link(["experiments", each.id], each.name, null, { "data-key": each.id }),
          note(each.tags, "oneline"),
        ),
        h("td", {}, signs.length ? signs : h("span", { class: "quiet" }, "–")),
        h("td", { class: "quiet" }, when(each.updated_at)),
      );
    }),
  );
}

/** The latest runs; those nested below another one are only counted. */
function latest(runs, known) {
  const tops = nested(runs).reduce((rows, { run, depth }) => {
    if (depth) rows.at(-1).below += 1;
    else rows.push({ run, below: 0 });
    return rows;
  }, []);
  const rows = tops.slice(0, LATEST).map(({ run, below }) => {
    const experiment = known.get(run.experiment_id);
    return h(
      "tr",
      {},
      h("td", {}, runLink(run, 0), below > 0 && h("small", {}, ` +${below} nested`)),
      h("td", {}, status(run)),
      h("td", { class: "quiet" }, when(run.start_time)),
      h("td", { class: "figure" }, took(run)),
      h("td", {}, gist(run, goals(experiment))),
      h("td", {}, link(["experiments", run.experiment_id], experiment.name)),
    );
  });
  return table(
    "Latest runs",
    ["Run", "Status", "Started", h("th", { scope: "col", class: "figure" }, "Took"), "Metrics", "Experiment"],
    rows,
  );
}

/** The two metrics that matter most, the best value where the experiment says what that is. */
function gist(run, aims) {
  const keys = inOrder(Object.keys(run.metrics), aims).filter((key) => !key.startsWith("system/"));
  const shown = keys.slice(0, 2).map((key) => {
    const { value, word } = telling(run.metrics[key], aims.better.get(key));
    return h(
      "span",
      { class: "metric" },
      h("span", { class: "quiet" }, key),
      " ",
      number(value),
      word === "best" && h("small", {}, " best"),
    );
  });
  return [shown, keys.length > 2 && h("span", { class: "quiet" }, `+${keys.length - 2}`)];
}
