// The house's native API, asked in the name of one team. A token lives in this variable and nowhere else.

const house = { root: "", team: null, token: null, me: null };

/** An answer that is no success. */
class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Where the page was opened: below a team's prefix, or at the root. */
function readAddress() {
  const [, root, team] = location.pathname.match(/^(.*?)(?:\/t\/([^/]+))?\/*$/);
  const workspace = new URLSearchParams(location.search).get("workspace") ?? route().query.get("workspace");
  house.root = root;
  house.team = team ? decoded(team) : null;
  if (!team && workspace) moveTo(workspace); // as MLflow's clients write the links to a workspace's runs
}

/** Go on in another team; the address says so. */
function moveTo(team, step = "replaceState") {
  house.team = team;
  house.me = null;
  history[step](
    null,
    "",
    `${house.root}/t/${encodeURIComponent(team)}/${step === "replaceState" ? location.hash : ""}`,
  );
}

/** The address that a client is pointed at: the team's own, or the one that leaves the team to the house. */
function trackingUri(team) {
  return location.origin + house.root + (team ? `/t/${encodeURIComponent(team)}` : "");
}

/** Ask the house; the answer is what its JSON says. */
async function ask(path, body) {
  const headers = { Accept: "application/json" };
  if (house.token) headers.Authorization = `Bearer ${house.token}`;
  if (body) headers["Content-Type"] = "application/json";
  let answer;
  try {
    const method = body ? "POST" : "GET";
    const options = { method, headers, cache: "no-store", credentials: "omit", redirect: "error" };
    answer = await fetch(trackingUri(house.team) + path, { ...options, body: body && JSON.stringify(body) });
  } catch {
    throw new Refused(0, "The house does not answer. Is it running?");
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, said.message ?? `The house answered ${answer.status}.`);
  return said;
}

/** Who is asking, and in which team; with several teams and none chosen, the first. */
async function enter() {
  house.me = await ask("/v1/me");
  if (!house.me.team && house.me.teams.length) {
    moveTo(house.me.teams[0]);
    house.me = await ask("/v1/me");
  }
}

/** A part of an address without its percent signs; as it is where they mean nothing. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What the address asks for after the `#`. */
function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { parts: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query ?? "") };
}

const path = (...parts) => `/v1/${parts.map(encodeURIComponent).join("/")}`;
