// One query over time: frames, latency against its deadline, or agreement against its target; live, or of the past.

import { cssColour, number, percent } from "../format.js";
import { gettext } from "../words.js";
import { readJson } from "./drawing.js";
import { append, keepFresh, plot, timeOptions } from "./plot.js";

const SPAN_S = 600;
const NAMES = ["at", "processed", "dropped", "late", "latency_p50_ms", "latency_p95_ms", "agreement"];

const line = (label, colour, extra = {}) => ({ label, stroke: () => cssColour(colour), width: 2, points: { show: false }, ...extra });
const limit = (label) => line(label, "--ink", { dash: [6, 4], width: 1.5 });
const constant = (at, value) => at.map(() => value);

const KINDS = {
  frames: {
    data: (c) => [c.at, c.processed, c.dropped, c.late],
    series: [line(gettext("in time"), "--good"), line(gettext("lost: not run"), "--bad"), line(gettext("lost: finished late"), "--band-shared")],
    hasTotals: true,
    format: (value) => number(value, 0),
    range: (_, __, max) => [0, Math.max(2, max * 1.1)],
  },
  latency: {
    data: (c, element) => [c.at, c.latency_p50_ms, c.latency_p95_ms, constant(c.at, Number(element.dataset.deadline))],
    series: [line(gettext("median"), "--band-private"), line(gettext("95th percentile"), "--band-shared"), limit(gettext("deadline"))],
    format: (value) => `${number(value, 0)} ms`,
    range: (_, __, max) => [0, max * 1.1],
  },
  agreement: {
    data: (c, element) => [c.at, c.agreement, constant(c.at, Number(element.dataset.target))],
    series: [line(gettext("agreement"), "--good", { spanGaps: true }), limit(gettext("target"))],
    format: (value) => percent(value),
    range: (_, min) => [Math.max(0, Math.min(0.8, min - 0.05)), 1.02],
  },
};

/** Returns what writes the sums of the drawn columns beside their names, where those are counts. */
function legend(element, { series, hasTotals }) {
  const list = document.createElement("ul");
  list.className = "legend mt-1";
  const sums = series.map(({ label, stroke }) => {
    const item = document.createElement("li");
    const [mark, sum] = [document.createElement("i"), document.createElement("b")];
    mark.style.background = stroke();
    item.append(mark, label, " ", sum);
    list.append(item);
    return sum;
  });
  element.querySelector("[data-chart]").after(list);
  return ([, ...columns]) => {
    if (hasTotals) columns.forEach((column, index) => { sums[index].textContent = column.reduce((sum, value) => sum + (value ?? 0), 0).toLocaleString("en"); });
  };
}

export function start(element) {
  const columns = readJson(element.dataset.source);
  const { x, ...bottom } = timeOptions(columns);
  const kind = KINDS[element.dataset.kind];
  const points = kind.data(columns, element);
  const chart = plot(element, points, {
    ...bottom,
    format: kind.format,
    series: kind.series,
    height: 180,
    scales: { x, y: { range: kind.range } },
  });
  const showTotals = legend(element, kind);
  const show = (data) => {
    chart.setData(data);
    showTotals(data);
  };
  showTotals(points);
  keepFresh(element, (fresh) => show(kind.data(Object.assign(columns, fresh), element)));
  element.addEventListener("live:stats", ({ detail: { stats } }) => {
    const sample = stats.queries.find(({ query }) => query === element.dataset.query);
    if (!sample) return;
    const values = { ...sample, at: stats.at };
    append(NAMES.map((name) => columns[name]), NAMES.map((name) => values[name] ?? null), SPAN_S);
    show(kind.data(columns, element));
  });
}
