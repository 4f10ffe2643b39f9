// Builds what is shown. Text goes in as text nodes only, so a name that looks like markup stays a name.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element; attributes that begin with "on" are listeners, false and null leave an attribute out. */
function h(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** An SVG element. */
function drawn(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

const ages = new WeakMap(); // of an element whose words depend on the time: how to say them now

/** An element whose text grows old. */
function aging(tag, attributes, say) {
  const element = h(tag, { ...attributes, "data-ages": true }, say());
  ages.set(element, say);
  return element;
}

/** Say anew what has grown old. */
function refresh() {
  for (const element of document.querySelectorAll("[data-ages]")) element.textContent = ages.get(element)();
}

/** A JSON object's own value: a param may be called `constructor`. */
const own = (object, key) => (Object.hasOwn(object, key) ? object[key] : undefined);

/** A link inside this page: parts of a path, and what follows the question mark. */
function link(parts, text, query, attributes) {
  const cut = typeof text === "string" && short(text) !== text;
  return h("a", { href: address(parts, query), title: cut && text, ...attributes }, cut ? short(text) : text);
}

function address(parts, query) {
  const asked = new URLSearchParams(Object.entries(query ?? {}).filter(([, value]) => value));
  return `#/${parts.map(encodeURIComponent).join("/")}${asked.size ? `?${asked}` : ""}`;
}

/** Lines to paste, with a button that copies them. */
function paste(lines, label) {
  const text = lines.join("\n");
  const button = h(
    "button",
    { type: "button", class: "copy", "aria-label": `Copy ${label}`, "data-key": `copy ${label}` },
    "Copy",
  );
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(button.previousElementSibling); // without TLS there is no clipboard
      button.textContent = "Ctrl+C";
    }
    announce(button.textContent);
    setTimeout(() => {
      button.textContent = "Copy";
    }, 2000);
  });
  return h("div", { class: "paste" }, h("pre", {}, h("code", {}, text)), button);
}

/** A table in a box of its own, which scrolls sideways where the window is narrow. */
function table(label, heads, rows) {
  const head = h(
    "tr",
    {},
    heads.map((each) => (each.nodeType ? each : h("th", { scope: "col" }, each))),
  );
  return h(
    "div",
    { class: "scroll", role: "region", "aria-label": label, tabindex: 0, "data-key": `table ${label}` },
    h("table", {}, h("thead", {}, head), h("tbody", {}, rows)),
  );
}

/** A part of the page under a heading of its own. */
function section(title, note, ...content) {
  return h(
    "section",
    {},
    h("div", { class: "head" }, h("h2", {}, title), note && h("p", { class: "quiet" }, note)),
    content,
  );
}

/** Something that may be opened, and stays open when the page is drawn again. */
const opened = new Set();
function folded(key, title, ...content) {
  const box = h("details", { open: opened.has(key) }, h("summary", { "data-key": key }, title), content);
  box.addEventListener("toggle", () => (box.open ? opened.add(key) : opened.delete(key)));
  return box;
}

/** Say something to a screen reader. */
function announce(text) {
  document.getElementById("status").textContent = text;
}
