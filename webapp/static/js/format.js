// Numbers as people read them; the same words as the server's template filters.

import { gettext } from "./words.js";

const UNITS = ["B", "KiB", "MiB", "GiB"];

export function size(bytes) {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

export const percent = (fraction) => (fraction == null ? "–" : `${(100 * fraction).toFixed(1)} %`);

export const number = (value, decimals = 1) => (value == null ? "–" : value.toFixed(decimals));

const STEPS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

export function duration(seconds) {
  let rest = Math.round(seconds);
  const parts = [];
  for (const [step, unit] of STEPS) {
    if (rest >= step && parts.length < 2) {
      parts.push(`${Math.floor(rest / step)} ${unit}`);
      rest %= step;
    }
  }
  return parts.join(" ") || "0 s";
}

export function ago(at) {
  const passed = (Date.now() - at.getTime()) / 1000;
  if (Math.abs(passed) < 5) return gettext("just now");
  // to the nearest whole unit, so that two hours from now are not one
  const [step, unit] = STEPS.find(([candidate], index) => Math.abs(passed) >= candidate - (STEPS[index + 1]?.[0] ?? 0) / 2);
  const words = `${Math.round(Math.abs(passed) / step)} ${unit}`;
  return passed > 0 ? gettext("%(time)s ago", { time: words }) : gettext("in %(time)s", { time: words });
}

/** A moment in the reader's own time zone, to the second. */
export function moment(at) {
  const day = at.toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" });
  return `${day} ${at.toTimeString().slice(0, 8)}`;
}

export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

export const cssColour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
