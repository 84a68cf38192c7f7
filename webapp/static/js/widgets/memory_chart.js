// A box's memory: bands stacked up to the budget line, from stored samples and then live, or of the past.

import { cssColour, size, zone } from "../format.js";
import { gettext } from "../words.js";
import { readJson } from "./drawing.js";
import { BYTE_STEPS, append, keepFresh, plot, timeOptions } from "./plot.js";

const BANDS = ["overhead", "activations", "private", "shared"];
const SPAN_S = 600;

/** Columns for uPlot: time, budget, then the running sums of the bands, highest first, so that each covers the next. */
function stacked(samples) {
  const [at, budget, ...bands] = samples;
  const sums = [];
  bands.forEach((band, index) => sums.push(band.map((value, i) => (value == null ? null : value + (index ? sums[index - 1][i] : 0)))));
  return [at, budget, ...sums.reverse()];
}

const colourOf = (band) => () => cssColour(`--band-${band}`);

function showFigures(element, memory) {
  for (const [band, bytes] of Object.entries(memory)) {
    const target = element.querySelector(`[data-band="${band}"]`);
    if (target && bytes != null) target.textContent = size(bytes);
  }
}

const columnsOf = (points) => [points.at, points.budget, ...BANDS.map((band) => points[band])];

export function start(element) {
  const points = readJson(element.dataset.source);
  const columns = columnsOf(points);
  const { x, ...bottom } = timeOptions(points);
  const top = () => Math.max(1, ...columns[1]) * 1.08;
  const chart = plot(element, stacked(columns), {
    ...bottom,
    format: (bytes) => size(bytes),
    height: 260,
    incrs: BYTE_STEPS,
    scales: { x, y: { range: () => [0, top()] } },
    series: [
      { stroke: () => cssColour("--ink"), width: 2, dash: [6, 4], points: { show: false }, label: "budget" },
      ...[...BANDS].reverse().map((band) => ({ stroke: colourOf(band), fill: colourOf(band), width: 0, points: { show: false }, label: band })),
    ],
    hooks: { setCursor: [(u) => u.cursor.idx != null && showFigures(element, at(columns, u.cursor.idx))] },
  });
  const showNewest = () => columns[0].length && showFigures(element, at(columns, columns[0].length - 1));
  showNewest();
  const zoneName = element.querySelector("[data-zone]");
  if (zoneName) zoneName.textContent = gettext(", %(zone)s time", { zone: zone() });
  keepFresh(element, (fresh) => {
    Object.assign(points, fresh);
    columns.splice(0, columns.length, ...columnsOf(points));
    chart.setData(stacked(columns));
    showNewest();
  });
  element.addEventListener("live:stats", ({ detail: { stats } }) => {
    const { memory } = stats;
    append(columns, [stats.at, memory.budget, ...BANDS.map((band) => memory[band])], SPAN_S);
    chart.setData(stacked(columns));
    if (chart.cursor.idx == null || chart.cursor.left < 0) showFigures(element, memory);
  });
}

function at(columns, index) {
  const [, budget, ...bands] = columns.map((column) => column[index]);
  const memory = Object.fromEntries(BANDS.map((band, i) => [band, bands[i]]));
  return { ...memory, budget, free: budget == null ? null : budget - bands.reduce((sum, bytes) => sum + bytes, 0) };
}
