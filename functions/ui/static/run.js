// One run: its chart, metrics, nested runs, params, datasets and tags; and a logged model.

const chosen = new Map(); // which metric of a run the chart shows
let narrowed = ""; // what the metrics' names must contain
const MOST_ROWS = 200;

views.run = {
  async read(id) {
    const run = await ask(path("runs", id));
    const family = `tags.\`mlflow.parentRunId\` = '${run.run_id}'`;
    const [experiment, children, detail] = await Promise.all([
      ask(path("experiments", run.experiment_id)),
      ask("/v1/runs/search", { experiment_ids: [run.experiment_id], filter: family, limit: RUNS }),
      run.datasets.length ? ask(`/api/2.0/mlflow/runs/get?run_id=${run.run_id}`) : null, // the dialect's answer has their names
    ]);
    return { run, experiment, children: children.runs, datasets: detail?.run.inputs?.dataset_inputs ?? [] };
  },
  live: ({ run }) => run.status === "RUNNING",
  draw({ run, experiment, children, datasets }) {
    const aims = goals(experiment);
    const params = Object.entries(run.params).sort(([one], [other]) =>
      one.localeCompare(other, "en", { numeric: true }),
    );
    return [
      run.name,
      h(
        "nav",
        { class: "crumbs", "aria-label": "Where you are" },
        link([], "Experiments"),
        link(["experiments", experiment.id], experiment.name),
        parentOf(run) && link(["experiments", experiment.id, "runs", parentOf(run)], "Parent run"),
      ),
      h("h1", { tabindex: -1 }, run.name, run.lifecycle === "deleted" && h("small", {}, " deleted")),
      note(run.tags, ""),
      h(
        "dl",
        { class: "facts" },
        fact("Status", status(run)),
        fact("Started", when(run.start_time)),
        fact("Took", took(run)),
        fact("By", run.created_by || "–"),
        fact("Run id", h("code", {}, run.run_id)),
      ),
      metricsOf(run, aims),
      children.length
        ? section("Nested runs", counted(children.length, "run"), runTable(experiment, children))
        : null,
      section(
        "Params",
        params.length ? counted(params.length, "param") : null,
        params.length
          ? pairs("Params", params)
          : teach("No params yet.", run, 'mlflow.log_param("lr", 0.01)'),
      ),
      datasets.length ? section("Datasets", null, pairs("Datasets", datasets.map(datasetRow))) : null,
      tagTable(
        Object.fromEntries(
          Object.entries(run.tags).filter(
            ([key]) => !["mlflow.note.content", "mlflow.runName"].includes(key),
          ),
        ),
      ),
    ];
  },
};

const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

function datasetRow({ dataset, tags }) {
  const context = (tags ?? []).find((tag) => tag.key === "mlflow.data.context")?.value;
  return [dataset.name, `${dataset.digest}${context ? ` · ${context}` : ""}`];
}

function teach(text, run, line) {
  if (run.status !== "RUNNING") return h("p", { class: "empty" }, text);
  return h(
    "div",
    { class: "empty" },
    h("p", {}, text),
    paste(
      [`with mlflow.start_run(run_id=${quoted(run.run_id)}):`, `    ${line}`],
      `lines of Python, ${line}`,
    ),
  );
}

function metricsOf(run, aims) {
  const keys = inOrder(Object.keys(run.metrics), aims);
  if (!keys.length)
    return section("Metrics", null, teach("No metrics yet.", run, 'mlflow.log_metric("loss", 0.42, step=1)'));
  const many = keys.find((key) => run.metrics[key].count > 1);
  const shown = own(run.metrics, chosen.get(run.run_id)) ? chosen.get(run.run_id) : many;
  const fitting = keys.filter((key) => key.toLowerCase().includes(narrowed.toLowerCase()));
  const rows = fitting.slice(0, MOST_ROWS).map((key) => metricRow(run, key, aims, key === shown));
  const heads = [
    "Metric",
    "",
    ...["Last", "Min", "Max", "First", "Points"].map((head) =>
      h("th", { scope: "col", class: "figure" }, head),
    ),
  ];
  const note =
    counted(keys.length, "metric") + (fitting.length > MOST_ROWS ? `, ${MOST_ROWS} of them shown` : "");
  return section(
    "Metrics",
    note,
    shown && chart(run, shown),
    keys.length > 12 && narrow(),
    table("Metrics", heads, rows),
  );
}

function metricRow(run, key, aims, shown) {
  const metric = run.metrics[key];
  const goal = aims.better.get(key);
  const step = (name) =>
    metric.count > 1 && metric[`${name}_step`] ? h("small", {}, ` @${metric[`${name}_step`]}`) : null;
  const cell = (name) =>
    h(
      "td",
      { class: name === goal ? "figure best" : "figure", title: String(metric[name]) },
      name === goal && h("small", {}, "best "),
      number(metric[name]),
      step(name),
    );
  const choose = () => {
    chosen.set(run.run_id, key);
    redraw();
  };
  const name =
    metric.count > 1
      ? h(
          "button",
          {
            type: "button",
            class: "choose",
            "aria-pressed": String(shown),
            "data-key": `metric ${key}`,
            onclick: choose,
          },
          key,
        )
      : key;
  const aim =
    goal &&
    h(
      "span",
      { class: "goal", title: goal === "max" ? "higher is better" : "lower is better" },
      goal === "max" ? "↑" : "↓",
    );
  return h(
    "tr",
    { class: shown ? "shown" : null },
    h("th", { scope: "row" }, name, aim, key === aims.primary && h("small", {}, " primary")),
    h("td", {}, metric.count > 1 && spark(run, key)),
    cell("last"),
    cell("min"),
    cell("max"),
    cell("first"),
    h("td", { class: "figure quiet" }, metric.count.toLocaleString("en")),
  );
}

function narrow() {
  const field = h("input", {
    id: "narrow",
    value: narrowed,
    type: "search",
    autocomplete: "off",
    "data-key": "narrow",
  });
  field.addEventListener("input", () => {
    narrowed = field.value;
    redraw();
  });
  return h("div", { class: "filter" }, h("label", { for: "narrow" }, "Name contains"), field);
}

views.model = {
  read: (id) => ask(path("logged-models", id)),
  live: () => false,
  draw: (model) => [
    model.name,
    h(
      "nav",
      { class: "crumbs", "aria-label": "Where you are" },
      link([], "Experiments"),
      link(["experiments", model.experiment_id], "Experiment"),
    ),
    h("h1", { tabindex: -1 }, model.name),
    h("p", { class: "quiet" }, `Logged model ${model.model_id}, ${model.status.toLowerCase()}`),
    model.source_run_id &&
      h(
        "p",
        {},
        link(["experiments", model.experiment_id, "runs", model.source_run_id], "The run that made it"),
      ),
    section("Params", null, pairs("Params", Object.entries(model.params))),
    tagTable(model.tags),
  ],
};
