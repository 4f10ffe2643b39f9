// One experiment: its runs, to filter and to order, and how to say which way a metric is better.

views.experiment = {
  async read(id, query) {
    const asked = { experiment_ids: [id], limit: RUNS, filter: query.get("searchFilter") ?? "" };
    if (query.get("order")) asked.order_by = [query.get("order")];
    const [experiment, found] = await Promise.all([
      ask(path("experiments", id)),
      ask("/v1/runs/search", asked).catch((error) => {
        // a filter can be wrong; the experiment is there all the same
        if (error.status !== 400) throw error;
        return { runs: [], wrong: error.message };
      }),
    ]);
    return { experiment, ...found, filter: asked.filter, order: query.get("order") };
  },
  live: ({ experiment, runs, filter }) =>
    (!runs.length && !filter && experiment.deleted_at === null) ||
    runs.some((run) => run.status === "RUNNING"),
  draw({ experiment, runs, next, wrong, filter, order }) {
    const ready = [`mlflow.set_experiment(${quoted(experiment.name)})`, 'mlflow.log_metric("loss", 0.42)'];
    const deleted = experiment.deleted_at !== null;
    const nothing = deleted
      ? h("p", { class: "empty" }, "A deleted experiment keeps its runs; restore it to see them.")
      : filter || wrong
        ? h(
            "p",
            { class: "empty" },
            wrong ? "" : "No run matches. ",
            link(["experiments", experiment.id], "Show all runs"),
          )
        : h(
            "div",
            { class: "empty" },
            h("p", {}, "No runs yet. In a program that points here:"),
            paste(ready, "lines of Python"),
          );
    const aims = goals(experiment);
    return [
      experiment.name,
      h("nav", { class: "crumbs", "aria-label": "Where you are" }, link([], "Experiments")),
      h("h1", { tabindex: -1 }, experiment.name, deleted && h("small", {}, " deleted")),
      note(experiment.tags, ""),
      h("p", { class: "quiet" }, `Experiment ${experiment.id}, created `, when(experiment.created_at)),
      section(
        "Runs",
        runs.length ? counted(runs.length, "run") + (next ? ", the first of more" : "") : null,
        runs.length || filter ? filterForm(experiment, filter, order, wrong) : null,
        runs.length ? runTable(experiment, runs, { filter, order }) : nothing,
      ),
      !aims.better.size && runs.length ? teachGoals(experiment, runs) : null,
      tagTable(experiment.tags),
    ];
  },
};

function teachGoals(experiment, runs) {
  const key = Object.keys(runs[0].metrics).find((each) => !each.startsWith("system/")) ?? "loss";
  return section(
    "Which way is better?",
    null,
    h(
      "p",
      { class: "quiet" },
      "Say it once, and every run shows its best value and not only its last. In a program that points here:",
    ),
    paste(
      [
        `mlflow.set_experiment(${quoted(experiment.name)})`,
        `mlflow.set_experiment_tag(${quoted(`runhaven.goal.${key}`)}, "min")  # or "max"`,
        `mlflow.set_experiment_tag("runhaven.primary", ${quoted(key)})`,
      ],
      "lines of Python for a goal",
    ),
  );
}

function filterForm(experiment, filter, order, wrong) {
  const field = h("input", {
    id: "filter",
    name: "filter",
    value: filter,
    spellcheck: "false",
    autocomplete: "off",
    "data-key": "filter",
    placeholder: "metrics.loss.min < 0.1 and params.lr = '0.01'",
    "aria-invalid": wrong ? "true" : false,
    "aria-describedby": wrong ? "wrong" : false,
  });
  const search = (event) => {
    event.preventDefault();
    location.hash = address(["experiments", experiment.id], { searchFilter: field.value.trim(), order });
  };
  return h(
    "form",
    { class: "filter", role: "search", onsubmit: search },
    h("label", { for: "filter" }, "Filter"),
    field,
    h("button", {}, "Search"),
    wrong && h("p", { class: "wrong", id: "wrong", role: "alert" }, wrong),
  );
}

/** The keys that are worth a column: of metrics those that matter, of params those that differ. */
function columns(runs, aims) {
  const metrics = new Set(
    runs.flatMap((run) => Object.keys(run.metrics)).filter((key) => !key.startsWith("system/")),
  );
  const params = new Map();
  for (const run of runs)
    for (const [key, value] of Object.entries(run.params))
      params.set(key, (params.get(key) ?? new Set()).add(value));
  const differing = [...params].filter(([, values]) => values.size > 1).map(([key]) => key);
  return { metrics: inOrder(metrics, aims).slice(0, 4), params: differing.sort().slice(0, 4) };
}

/** Runs with a column for what is worth one. With *asked*, the search that found them, metrics' heads order them. */
function runTable(experiment, runs, asked) {
  const aims = goals(experiment);
  const { metrics, params } = columns(runs, aims);
  const order = asked?.order;
  const heads = metrics.map((key) => {
    const { word } = telling({}, aims.better.get(key));
    const by = `metrics.\`${key}\`.${word} ${aims.better.get(key) === "min" ? "ASC" : "DESC"}`;
    const on = order === by;
    const text = [key, h("small", {}, ` ${word}${on ? " ▾" : ""}`)];
    const query = { searchFilter: asked?.filter, order: on ? "" : by };
    const more = { title: on ? "Back to the latest first" : "The best first", "data-key": `order ${key}` };
    return h(
      "th",
      { scope: "col", class: "figure", "aria-sort": on ? "other" : null },
      asked ? link(["experiments", experiment.id], text, query, more) : text,
    );
  });
  const value = (run, key) =>
    own(run.metrics, key) ? number(telling(run.metrics[key], aims.better.get(key)).value) : "–";
  const rows = order ? runs.map((run) => ({ run, depth: 0 })) : nested(runs);
  return table(
    "Runs",
    ["Run", "Status", "Started", h("th", { scope: "col", class: "figure" }, "Took"), ...heads, ...params],
    rows.map(({ run, depth }) =>
      h(
        "tr",
        {},
        h("td", {}, runLink(run, depth)),
        h("td", {}, status(run)),
        h("td", { class: "quiet" }, when(run.start_time)),
        h("td", { class: "figure" }, took(run)),
        metrics.map((key) => h("td", { class: "figure" }, value(run, key))),
        params.map((key) => h("td", { class: "code" }, own(run.params, key) ?? "–")),
      ),
    ),
  );
}
