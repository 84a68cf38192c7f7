// What all uPlot charts here share: colours of the theme, size of the card, time along the bottom.

import uPlot from "../../../uplot/uPlot.esm.js";
import { cssColour } from "../format.js";
import { gettext } from "../words.js";

const axis = (extra = {}) => ({
  stroke: () => cssColour("--axis"),
  grid: { stroke: () => cssColour("--grid"), width: 1 },
  ticks: { stroke: () => cssColour("--grid"), width: 1 },
  font: "12px system-ui, sans-serif",
  ...extra,
});

const clock = (at) => new Date(at * 1000).toTimeString().slice(0, 8);
export const minute = (at) => clock(at).slice(0, 5);
const date = (at) => new Date(at * 1000).toLocaleDateString(undefined, { day: "numeric", month: "short" });
export const day = (at) => new Date(at * 1000).toLocaleDateString(undefined, { weekday: "short", day: "numeric" });

const DAY_S = 86_400;
const FRESH_MS = 60_000;
const MOMENT_STEPS = [300, 600, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, DAY_S, 2 * DAY_S, 7 * DAY_S, 14 * DAY_S];

/** Labels of a bottom axis that spans `span_s` seconds of past time: dates, days of the week, or minutes. */
export function pastAxis(span_s) {
  const isLong = span_s > 2 * DAY_S;
  const formatX = span_s > 8 * DAY_S ? date : isLong ? day : minute;
  return { formatX, incrsX: MOMENT_STEPS.filter((step) => (isLong ? step >= DAY_S : step < DAY_S)) };
}

/** Bottom axis and scale of a chart whose `points` have edges: all that was asked for, also where nothing was measured.
 * Without edges the axis follows the data. `points` may be filled anew later. */
export function timeOptions(points) {
  if (!points.edges) return { x: {} };
  return { ...pastAxis(points.edges[1] - points.edges[0]), x: { range: () => points.edges } };
}

/** Points of a chart of the past, fetched anew every minute while it is looked at. */
export function keepFresh(element, take) {
  if (!element.dataset.from) return;
  const timer = setInterval(async () => {
    if (!element.isConnected) return clearInterval(timer);
    if (document.hidden) return;
    const answer = await fetch(element.dataset.from).catch(() => null); // the server is away: next time
    if (answer?.ok) take(await answer.json());
  }, FRESH_MS);
}

/** Steps of an axis of bytes: powers of two, so that its labels are round. */
export const BYTE_STEPS = Array.from({ length: 40 }, (_, power) => 2 ** power);

function showEmptiness(target, data) {
  target.dataset.empty ??= gettext("Nothing measured in this time.");
  target.classList.toggle("is-empty", data[0].length === 0);
}

/** Steps of an axis of seconds since a start: such that its labels are round minutes, hours and days. */
export const TIME_STEPS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 604_800];

/** `format` turns a value of the left axis into words, `formatX` one of the bottom axis where that is no time of day.
 * `options` are uPlot's, laid over the common ones. */
export function plot(element, data, { format, formatX = clock, series, height = 240, incrs, incrsX, ...options }) {
  const target = element.querySelector("[data-chart]") ?? element;
  const chart = new uPlot(
    {
      width: target.clientWidth,
      height,
      legend: { show: false },
      cursor: { y: false },
      padding: [8, 28, 0, 0],
      axes: [axis({ space: 84, ...(incrsX && { incrs: incrsX }), values: (_, values) => values.map(formatX) }), axis({ size: 76, ...(incrs && { incrs }), values: (_, values) => values.map(format) })],
      series: [{}, ...series],
      ...options,
    },
    data,
    target,
  );
  showEmptiness(target, data);
  const setData = chart.setData.bind(chart);
  chart.setData = (fresh) => {
    setData(fresh);
    showEmptiness(target, fresh);
  };
  new ResizeObserver(() => chart.setSize({ width: target.clientWidth, height })).observe(target);
  document.addEventListener("gemel:theme", () => chart.redraw(false));
  return chart;
}

const SILENT_S = 10; // as the server draws it: no sample for longer is a gap, not a slope

/** Appends one value per column and forgets what is older than `span_s` seconds before the newest. */
export function append(columns, values, span_s) {
  const last = columns[0].at(-1);
  if (values[0] > last + SILENT_S) columns.forEach((column, index) => column.push(index ? null : last + 1));
  columns.forEach((column, index) => column.push(values[index]));
  let old = 0;
  while (columns[0][old] < values[0] - span_s) old += 1;
  if (old) columns.forEach((column) => column.splice(0, old));
}
