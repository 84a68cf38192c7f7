// What all uPlot charts here share: colours of the theme, size of the card, time along the bottom.

import uPlot from "../../../uplot/uPlot.esm.js";
import { cssColour } from "../format.js";

const axis = (extra = {}) => ({
  stroke: () => cssColour("--axis"),
  grid: { stroke: () => cssColour("--grid"), width: 1 },
  ticks: { stroke: () => cssColour("--grid"), width: 1 },
  font: "12px system-ui, sans-serif",
  ...extra,
});

const clock = (at) => new Date(at * 1000).toTimeString().slice(0, 8);

/** Steps of an axis of bytes: powers of two, so that its labels are round. */
export const BYTE_STEPS = Array.from({ length: 40 }, (_, power) => 2 ** power);

const showEmptiness = (target, data) => target.classList.toggle("is-empty", data[0].length === 0);

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

/** Appends one value per column and forgets what is older than `span_s` seconds before the newest. */
export function append(columns, values, span_s) {
  columns.forEach((column, index) => column.push(values[index]));
  let old = 0;
  while (columns[0][old] < values[0] - span_s) old += 1;
  if (old) columns.forEach((column) => column.splice(0, old));
}
