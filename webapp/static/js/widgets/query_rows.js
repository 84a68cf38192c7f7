// The live cells of a table of queries, from the statistics of their boxes.

import { number, percent } from "../format.js";
import { gettext } from "../words.js";

const FRAMES_SPAN_S = 10;
const SWAPS_SPAN_S = 60;
const SHOWN_COUNTS = 3;

/** Samples of one query of the last minute, each with its time and interval. */
class Window {
  samples = [];

  add(at, interval, sample) {
    this.samples.push({ at, interval, ...sample });
    while (this.samples[0].at < at - SWAPS_SPAN_S) this.samples.shift();
  }

  within(span) {
    const newest = this.samples.at(-1).at;
    return this.samples.filter((sample) => sample.at > newest - span);
  }

  total(span, value) {
    return this.within(span).reduce((sum, sample) => sum + value(sample), 0);
  }
}

function seen(counts, task) {
  const words = task === "classification" ? (n) => percent(n).replace(".0", "") : (n) => number(n);
  return Object.entries(counts)
    .filter(([, count]) => count >= 0.05)
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN_COUNTS)
    .map(([name, count]) => `${name} ${words(count)}`)
    .join(" · ");
}

function show(row, window, sample) {
  const cell = (name) => row.querySelector(`[data-field="${name}"]`);
  const captured = window.total(FRAMES_SPAN_S, (s) => s.captured);
  const lost = window.total(FRAMES_SPAN_S, (s) => s.dropped + s.late);
  const seconds = window.total(FRAMES_SPAN_S, (s) => s.interval);
  const swapSeconds = window.total(SWAPS_SPAN_S, (s) => s.interval);
  cell("fps").textContent = number(window.total(FRAMES_SPAN_S, (s) => s.processed) / seconds);
  cell("lost").textContent = captured ? percent(lost / captured) : "–";
  cell("lost").classList.toggle("text-bad", captured > 0 && lost / captured > 0.1);
  cell("p50").textContent = number(sample.latency_p50_ms, 0);
  cell("p95").textContent = number(sample.latency_p95_ms, 0);
  cell("swaps").textContent = number((60 * window.total(SWAPS_SPAN_S, (s) => s.swaps)) / swapSeconds, 0);
  const isMeasured = sample.agreement != null;
  cell("agreement").textContent = isMeasured ? percent(sample.agreement) : gettext("original");
  cell("agreement").classList.toggle("text-bad", isMeasured && sample.agreement < Number(row.dataset.target));
  cell("counts").textContent = seen(sample.counts ?? {}, row.dataset.task);
}

export function start(table) {
  const windows = new Map();
  table.addEventListener("live:stats", ({ detail: { stats } }) => {
    for (const sample of stats.queries) {
      const row = table.querySelector(`[data-query="${sample.query}"]`);
      if (!row) continue;
      if (!windows.has(sample.query)) windows.set(sample.query, new Window());
      const window = windows.get(sample.query);
      window.add(stats.at, stats.interval_s, sample);
      show(row, window, sample);
    }
  });
}
