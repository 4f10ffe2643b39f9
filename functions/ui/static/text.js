// How values are written: numbers with five significant digits, times as a person says them.

/** A metric's value. NaN and the infinities come as words. */
function number(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(4).replace(/\.?0+e/, "e");
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)));
}

/** Milliseconds as a length of time. */
function duration(milliseconds) {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** A time as its distance from now, the exact one as its title. */
function when(milliseconds) {
  const moment = new Date(milliseconds);
  if (Number.isNaN(moment.getTime())) return "–"; // beyond what a Date can hold
  const exact = { datetime: moment.toISOString(), title: moment.toLocaleString() };
  return aging("time", exact, () => distance(milliseconds) ?? exact.datetime.slice(0, 10));
}

function distance(milliseconds) {
  const past = milliseconds - Date.now();
  if (Math.abs(past) > 30 * 86_400_000) return null;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(past) >= length) ?? [];
  return unit ? RELATIVE.format(Math.round(past / size), unit) : "just now";
}

/** The beginning of a long text. */
const short = (text) => (text.length > 90 ? `${text.slice(0, 88)}…` : text);

/** "1 run", "2 runs". */
const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/** A name as a string literal that Python and JSON share. */
const quoted = (text) => JSON.stringify(text);
