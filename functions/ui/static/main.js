// What is drawn when: the address decides; while something runs, the house is asked again every five seconds.

const main = document.getElementById("main");
const SOON = 5_000;
const LATER = 30_000;
let current = null; // the view, its arguments, and what it read last
let turn = 0; // the last question; answers to older ones are dropped
let timer = 0;

/** The view that the address names, with what it needs. */
function chosenView() {
  const {
    parts: [place, id, kind, inner],
    query,
  } = route();
  if (place === "experiments" && id) {
    if (kind === "runs" && inner) return { view: views.run, given: [inner] };
    if (kind === "models" && inner) return { view: views.model, given: [inner] };
    return { view: views.experiment, given: [id, query] };
  }
  const stranger = place && place !== "experiments" ? `This page has no view of “${place}”.` : null;
  return { view: views.home, given: [], stranger };
}

/** Read what the address names and draw it. */
async function visit({ moved = true } = {}) {
  const mine = ++turn;
  clearTimeout(timer);
  main.setAttribute("aria-busy", "true");
  const next = chosenView();
  try {
    if (!house.me) await enter();
    next.read = await next.view.read(...next.given);
  } catch (error) {
    if (mine === turn) refused(error, moved);
    return;
  }
  if (mine !== turn) return;
  const same = !moved && current && JSON.stringify(current.read) === JSON.stringify(next.read);
  current = next;
  if (same) refresh();
  else redraw();
  main.removeAttribute("aria-busy");
  if (moved) arrived();
  again(next.view.live(next.read) ? SOON : LATER);
}

function again(pause) {
  clearTimeout(timer);
  timer = setTimeout(() => (document.hidden ? again(pause) : visit({ moved: false })), pause);
}

/** Draw what was read; the focus stays where it was. */
function redraw() {
  const [title, ...content] = current.view.draw(current.read);
  put(title, current.stranger && h("p", { class: "wrong", role: "alert" }, current.stranger), content);
}

function put(title, ...content) {
  const focus = document.activeElement?.dataset?.key;
  const caret = document.activeElement?.selectionStart;
  const scrolled = new Map(
    [...main.querySelectorAll(".scroll")].map((box) => [box.dataset.key, box.scrollLeft]),
  );
  document.title = title === "Runhaven" ? title : `${title} · Runhaven`;
  main.replaceChildren(...content.flat(Infinity).filter(Boolean));
  drawWho();
  for (const box of main.querySelectorAll(".scroll")) box.scrollLeft = scrolled.get(box.dataset.key) ?? 0;
  const held =
    focus && [...document.querySelectorAll("[data-key]")].find((each) => each.dataset.key === focus);
  if (held) {
    held.focus({ preventScroll: true });
    if (typeof caret === "number" && held.setSelectionRange) held.setSelectionRange(caret, caret);
  }
}

/** After a step to another view: begin at its top, and say where. */
function arrived() {
  scrollTo(0, 0);
  announce(document.title);
  if (visits++) main.querySelector("h1")?.focus({ preventScroll: true });
}
let visits = 0;

/** The team, and the way to another one. */
function drawWho() {
  const { me } = house;
  const teams = [...new Set([...(me?.teams ?? []), me?.team])].filter(Boolean).sort();
  const choose = (event) => {
    moveTo(event.target.value, "pushState");
    visit();
  };
  const choice = h(
    "select",
    { id: "team", "data-key": "team", onchange: choose },
    teams.map((team) => h("option", { value: team, selected: team === me.team }, team)),
  );
  const one = me?.team && h("span", {}, h("span", { class: "quiet" }, "Team "), h("b", {}, me.team));
  const several = [h("label", { for: "team", class: "quiet" }, "Team"), choice];
  const forget = h(
    "button",
    {
      type: "button",
      class: "plain",
      "data-key": "forget",
      onclick: () => {
        house.token = house.me = null;
        lines.clear();
        visit();
      },
    },
    "Forget token",
  );
  document
    .getElementById("who")
    .replaceChildren(...[teams.length > 1 ? several : one, house.token && forget].flat().filter(Boolean));
}

/** An answer that is no success: ask for a token, or say what is wrong and what may be done. */
function refused(error, moved) {
  main.removeAttribute("aria-busy");
  if (!moved && error.status !== 401) {
    announce(error.message); // what was read before stays
    again(LATER);
    return;
  }
  current = null;
  if (!(error instanceof Refused)) throw error;
  if (error.status === 401) {
    put("Runhaven", tokenForm());
    main.querySelector("input").focus();
    return;
  }
  const heading =
    error.status === 404 ? "Not found" : error.status === 403 ? "Not allowed" : "That did not work";
  put(
    heading,
    h("h1", { tabindex: -1 }, heading),
    h("p", { role: "alert" }, error.message),
    h(
      "p",
      {},
      link([], "What is here"),
      " · ",
      h(
        "button",
        { type: "button", class: "plain", "data-key": "retry", onclick: () => visit() },
        "Try again",
      ),
    ),
  );
  arrived();
}

function tokenForm() {
  const tried = house.token !== null;
  const field = h("input", {
    id: "token",
    type: "password",
    autocomplete: "current-password",
    spellcheck: "false",
    required: true,
    "aria-describedby": "kept",
    "data-key": "token",
  });
  const open = (event) => {
    event.preventDefault();
    house.token = field.value.replace(/[^\x21-\x7e]/g, "");
    house.me = null;
    visit();
  };
  house.token = null;
  return h(
    "form",
    { class: "card door", onsubmit: open },
    h("h1", { tabindex: -1 }, "Open with a token"),
    h(
      "p",
      {},
      "This house asks who you are. Paste an access token; it begins with ",
      h("code", {}, "rh_"),
      ".",
    ),
    tried && h("p", { class: "wrong", role: "alert" }, "That token is not valid, or no longer."),
    h("label", { for: "token" }, "Access token"),
    field,
    h("button", {}, "Open"),
    h(
      "p",
      { class: "quiet", id: "kept" },
      "It stays in the memory of this tab, goes to this address only, and is gone when you reload.",
    ),
    h("h2", {}, "Point a client here"),
    paste(
      [
        `export MLFLOW_TRACKING_URI=${trackingUri(house.team)}`,
        "export MLFLOW_TRACKING_TOKEN=rh_…",
        "python3 train.py",
      ],
      "lines for your shell",
    ),
  );
}

document.getElementById("skip").addEventListener("click", () => main.focus());
addEventListener("hashchange", () => visit());
addEventListener("popstate", () => {
  const before = house.team;
  readAddress();
  if (house.team === before) return; // only the part after the # changed: hashchange says so
  house.me = null;
  visit();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && current) visit({ moved: false });
});
readAddress();
visit();
