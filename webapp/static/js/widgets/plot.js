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

/** `format` turns a value of the left axis into words, `formatX` one of the bottom axis where that is no time of day.
 * `options` are uPlot's, laid over the common ones. */
export function plot(element, data, { format, formatX, series, height = 240, ...options }) {
  const target = element.querySelector("[data-chart]") ?? element;
  const chart = new uPlot(
    {
      width: target.clientWidth,
      height,
      legend: { show: false },
      cursor: { y: false },
      padding: [8, 12, 0, 0],
      axes: [axis(formatX && { values: (_, values) => values.map(formatX) }), axis({ size: 76, values: (_, values) => values.map(format) })],
      series: [{}, ...series],
      ...options,
    },
    data,
    target,
  );
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
