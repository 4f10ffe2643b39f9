// What is said of runs wherever they are listed: status, length, the metrics that matter, and who belongs to whom.

const STATUS = {
  RUNNING: ["●", "Running", "running"],
  SCHEDULED: ["○", "Scheduled", "running"],
  FINISHED: ["✓", "Finished", "finished"],
  FAILED: ["✕", "Failed", "failed"],
  KILLED: ["■", "Killed", "failed"],
};

function status(run) {
  const [sign, word, kind] = STATUS[run.status] ?? ["?", run.status, "running"];
  return h("span", { class: `state ${kind}` }, h("span", { "aria-hidden": "true" }, sign), word);
}

/** How long a run took, or has been running. */
function took(run) {
  if (run.end_time !== null) return duration(run.end_time - run.start_time);
  if (run.status !== "RUNNING") return "–";
  return aging("span", {}, () => `${duration(Date.now() - run.start_time)} so far`);
}

/** Which way each metric is better, and which one decides: said by the experiment's tags. */
function goals(experiment) {
  const better = new Map();
  for (const [key, value] of Object.entries(experiment?.tags ?? {})) {
    if (key.startsWith("runhaven.goal.")) better.set(key.slice("runhaven.goal.".length), value);
  }
  return { better, primary: experiment?.tags["runhaven.primary"] };
}

/** A metric's best value where the experiment says what that is, else its last. */
function telling(metric, goal) {
  return goal === "min" || goal === "max"
    ? { value: metric[goal], word: "best" }
    : { value: metric.last, word: "last" };
}

/** The metrics of a run, those that matter first and the machine's own last. */
function inOrder(keys, { better, primary }) {
  const rank = (key) => (key === primary ? 0 : better.has(key) ? 1 : key.startsWith("system/") ? 3 : 2);
  return [...keys].sort(
    (one, other) => rank(one) - rank(other) || one.localeCompare(other, "en", { numeric: true }),
  );
}

const parentOf = (run) => run.tags["mlflow.parentRunId"];

/** The runs, each followed by its children, with how deep each stands. */
function nested(runs) {
  const here = new Set(runs.map((run) => run.run_id));
  const below = new Map(runs.map((run) => [parentOf(run), []]));
  for (const run of runs) below.get(parentOf(run)).push(run);
  const placed = new Set();
  const rows = [];
  const place = (run, depth) => {
    if (placed.has(run.run_id)) return; // a tag can name anything, also a circle
    placed.add(run.run_id);
    rows.push({ run, depth });
    for (const child of below.get(run.run_id) ?? []) place(child, depth + 1);
  };
  for (const run of runs) if (!here.has(parentOf(run)) || parentOf(run) === run.run_id) place(run, 0);
  for (const run of runs) place(run, 0);
  return rows;
}

function runLink(run, depth) {
  const name = link(["experiments", run.experiment_id, "runs", run.run_id], run.name || run.run_id, null, {
    "data-key": run.run_id,
  });
  return depth
    ? [h("span", { class: "child", "aria-label": "nested" }, "└ ".padStart(2 * depth, "  ")), name]
    : name;
}

/** What a user wrote about it; MLflow keeps that in a tag. */
function note(tags, kind) {
  const text = tags["mlflow.note.content"];
  return text ? h("p", { class: `note ${kind}` }, text) : null;
}

/** Tags of the user's own; what MLflow and the house keep in tags is folded away. */
function tagTable(tags) {
  const inner = ([key]) => /^(mlflow|runhaven)\./.test(key);
  const rows = (entries) => pairs("Tags", entries);
  const all = Object.entries(tags).sort(([one], [other]) => one.localeCompare(other, "en"));
  const own = all.filter((each) => !inner(each)),
    theirs = all.filter(inner);
  if (!all.length) return null;
  return section(
    "Tags",
    null,
    own.length ? rows(own) : null,
    theirs.length
      ? folded("tags", `${counted(theirs.length, "tag")} of MLflow and Runhaven`, rows(theirs))
      : null,
  );
}

function pairs(label, entries) {
  return h(
    "dl",
    { class: "pairs", "aria-label": label },
    entries.map(([key, value]) => h("div", {}, h("dt", {}, key), h("dd", {}, value))),
  );
}
