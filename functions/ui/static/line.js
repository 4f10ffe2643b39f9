// A metric as a small line beside its name, and as a chart. Both draw what /line answers: 1,000 buckets at most.

const lines = new Map(); // by run and metric, with how many points it had: what did not grow is read once
const waiting = [];
let asking = 0;

/** The buckets of a metric; four readings at a time. */
function readLine(run, key) {
  const name = `${run.run_id} ${key}`;
  const { count } = run.metrics[key];
  if (lines.get(name)?.count !== count) {
    const read = () => ask(`${path("runs", run.run_id, "line")}?key=${encodeURIComponent(key)}`);
    const answer = new Promise((resolve, reject) => waiting.push({ read, resolve, reject }));
    const buckets = answer.then((said) => said.buckets);
    buckets.catch(() => lines.delete(name));
    lines.set(name, { count, buckets });
    readNext();
  }
  return lines.get(name).buckets;
}

async function readNext() {
  if (asking >= 4 || !waiting.length) return;
  asking += 1;
  const { read, resolve, reject } = waiting.shift();
  await read().then(resolve, reject);
  asking -= 1;
  readNext();
}

/** Where the buckets lie in a drawing: x is the step, or the time where every step is the same. */
function scaled(buckets, width, height, margin) {
  const steps = buckets[0].first_step !== buckets.at(-1).last_step;
  const place = (bucket) => (steps ? bucket.last_step : bucket.last_time);
  const real = buckets.filter((bucket) => [bucket.last, bucket.min, bucket.max].every(Number.isFinite));
  if (!real.length) return null;
  const bounds = { left: place(buckets[0]), right: place(buckets.at(-1)) };
  bounds.low = real.reduce((low, bucket) => Math.min(low, bucket.min), Infinity);
  bounds.high = real.reduce((high, bucket) => Math.max(high, bucket.max), -Infinity);
  const within = (value, from, to) => (to > from ? (value - from) / (to - from) : 0.5);
  const x = (bucket) =>
    +(margin + within(place(bucket), bounds.left, bounds.right) * (width - 2 * margin)).toFixed(2);
  const y = (value) =>
    +(height - margin - within(value, bounds.low, bounds.high) * (height - 2 * margin)).toFixed(2);
  return { ...bounds, steps, real, place, x, y };
}

/** The path through the last value of each bucket; it breaks where a value is no number. */
function through(buckets, scale) {
  let pen = "M";
  return buckets
    .map((bucket) => {
      if (!Number.isFinite(bucket.last)) {
        pen = "M";
        return "";
      }
      const point = `${pen}${scale.x(bucket)} ${scale.y(bucket.last)}`;
      pen = "L";
      return point;
    })
    .join("");
}

/** The line beside a metric's name, drawn once it can be seen. */
function spark(run, key) {
  const image = drawn("svg", { class: "spark", viewBox: "0 0 96 20", "aria-hidden": "true" });
  new IntersectionObserver((seen, observer) => {
    if (!seen.some((each) => each.isIntersecting)) return;
    observer.disconnect();
    readLine(run, key).then(
      (buckets) => {
        const scale = buckets.length > 1 && scaled(buckets, 96, 20, 2);
        if (scale) image.append(drawn("path", { d: through(buckets, scale) }));
      },
      () => {},
    );
  }).observe(image);
  return image;
}

const WIDTH = 1000;
const HEIGHT = 200;

/** The chart of a metric. The arrow keys or the pointer read its values. */
function chart(run, key) {
  const said = h("figcaption", { "aria-live": "polite" }, h("b", {}, key));
  const figure = h("figure", { class: "chart" }, said);
  readLine(run, key).then(
    (buckets) => {
      const scale = buckets.length ? scaled(buckets, WIDTH, HEIGHT, 0) : null;
      if (scale) draw(figure, said, buckets, scale, key);
      else said.append(h("span", { class: "quiet" }, "No value of it is a finite number."));
    },
    (error) => said.append(h("span", { class: "wrong" }, error.message)),
  );
  return figure;
}

function draw(figure, said, buckets, scale, key) {
  const place = (bucket) => {
    if (!scale.steps) return new Date(bucket.last_time).toLocaleString();
    const range =
      bucket.first_step === bucket.last_step
        ? bucket.last_step
        : `${bucket.first_step} to ${bucket.last_step}`;
    return `step ${range}`;
  };
  const summary = `${counted(buckets.length, "point")} from ${number(scale.low)} to ${number(scale.high)}`;
  const cross = drawn("line", { class: "cross", y1: 0, y2: HEIGHT, hidden: true });
  const dot = h("i", { class: "dot", hidden: true });
  const plot = drawn(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    [0, 0.5, 1].map((at) =>
      drawn("line", { class: "grid", x1: 0, x2: WIDTH, y1: at * HEIGHT, y2: at * HEIGHT }),
    ),
    drawn("path", { class: "band", d: band(scale) }),
    drawn("path", { class: "line", d: through(buckets, scale) }),
    cross,
  );
  const box = h(
    "div",
    {
      class: "plot",
      tabindex: 0,
      role: "img",
      "data-key": "plot",
      "aria-label": `${key}: ${summary}. Arrow keys read single values.`,
    },
    h("span", { class: "high" }, number(scale.high)),
    h("span", { class: "low" }, number(scale.low)),
    h("div", { class: "field" }, plot, dot),
  );
  const word = h("span", { class: "quiet" }, summary);
  let at = -1;
  const point = (index) => {
    at = index;
    const bucket = buckets[at];
    word.textContent = bucket ? `${place(bucket)} · ${number(bucket.last)}` : summary;
    for (const mark of [cross, dot]) mark.toggleAttribute("hidden", !bucket || !Number.isFinite(bucket.last));
    if (!bucket || !Number.isFinite(bucket.last)) return;
    cross.setAttribute("x1", scale.x(bucket));
    cross.setAttribute("x2", scale.x(bucket));
    dot.style.left = `${(scale.x(bucket) / WIDTH) * 100}%`;
    dot.style.top = `${(scale.y(bucket.last) / HEIGHT) * 100}%`;
  };
  box.addEventListener("pointermove", (event) => {
    const x =
      ((event.clientX - plot.getBoundingClientRect().left) / plot.getBoundingClientRect().width) * WIDTH;
    const distance = (index) => Math.abs(scale.x(buckets[index]) - x);
    point(buckets.reduce((best, _, index) => (distance(index) < distance(best) ? index : best), 0));
  });
  box.addEventListener("pointerleave", () => point(-1));
  box.addEventListener("blur", () => point(-1));
  box.addEventListener("keydown", (event) => {
    const to = {
      ArrowLeft: Math.max(0, at - 1),
      ArrowRight: Math.min(buckets.length - 1, at + 1),
      Home: 0,
      End: buckets.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    point(to);
  });
  const ends = scale.steps
    ? [buckets[0].first_step, buckets.at(-1).last_step].map((step) => `step ${step}`)
    : [buckets[0], buckets.at(-1)].map(place);
  said.append(word);
  figure.append(
    box,
    h(
      "div",
      { class: "axis", "aria-hidden": "true" },
      ends[0] !== ends[1] && h("span", {}, ends[0]),
      h("span", {}, ends[1]),
    ),
  );
}

/** From the least to the greatest value of each bucket, where a bucket holds several. */
function band(scale) {
  if (!scale.real.some((bucket) => bucket.min !== bucket.max)) return "";
  const over = scale.real.map((bucket) => `${scale.x(bucket)} ${scale.y(bucket.max)}`);
  const under = scale.real.map((bucket) => `${scale.x(bucket)} ${scale.y(bucket.min)}`).reverse();
  return `M${over.join("L")}L${under.join("L")}Z`;
}
