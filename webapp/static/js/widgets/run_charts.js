// Charts of merge runs: memory saved as steps with what was accepted marked, and accuracy per query above its target.

import { cssColour, duration, percent, size } from "../format.js";
import uPlot from "../../../uplot/uPlot.esm.js";
import { gettext } from "../words.js";
import { BYTE_STEPS, TIME_STEPS, plot } from "./plot.js";

const LINES = 8;
const DASHES = [[], [7, 4]];

export const lineColour = (index) => `var(--line-${(index % LINES) + 1})`;
const lineStroke = (index) => () => cssColour(`--line-${(index % LINES) + 1}`);

const compact = Intl.NumberFormat("en", { notation: "compact" });
const AXES = { seconds: duration, samples: (count) => gettext("%(count)s pictures", { count: compact.format(count) }) };
const COUNT_STEPS = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();
const stepsOf = (axis) => (axis() === "seconds" ? TIME_STEPS : COUNT_STEPS);

/** A vertical or horizontal line with a word beside it, which stands below a horizontal one where `isBelow`. */
function rule(u, { x, y, words, isBelow = false, colour = cssColour("--ink") }) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  if (x == null) {
    const at = u.valToPos(y, "y", true);
    ctx.moveTo(bbox.left, at);
    ctx.lineTo(bbox.left + bbox.width, at);
    ctx.fillText(words, bbox.left + 4 * devicePixelRatio, at + (isBelow ? 13 : -4) * devicePixelRatio);
  } else {
    const at = u.valToPos(x, "x", true);
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.fillText(words, at + 4 * devicePixelRatio, bbox.top + 12 * devicePixelRatio);
  }
  ctx.stroke();
  ctx.restore();
}

/** Says under the chart, in place of its legend, what lies below the pointer; `words` makes a sentence of an index. */
function readout(element, words) {
  const [legend, line] = element.parentElement.querySelectorAll(".chart-readout > *");
  return [(u) => {
    const isIdle = u.cursor.idx == null || u.cursor.left < 0;
    legend.hidden = !isIdle;
    line.textContent = isIdle ? "" : words(u, u.cursor.idx);
  }];
}

/** Memory saved of one or two histories over each other; returns a function that draws them anew. `histories` is asked
 * again each time. `format` and `scale` turn bytes into what the axis shows; `extent()` gives {x, y} for charts with the same axes. */
export function savedChart(element, histories, { axis = () => "seconds", format = size, scale = () => 1, extent = () => ({}), labels = [gettext("saved")], isBytes = true }) {
  const columns = () => {
    const tables = histories().map((history, index) => {
      const [x, saved, accepted] = history.saved(axis());
      const scaled = (values) => values.map((value) => (value == null ? null : value * scale(index)));
      return [x, scaled(saved), scaled(accepted)];
    });
    return tables.length === 1 ? tables[0] : uPlot.join(tables.map(distinct));
  };
  const colour = (index) => () => cssColour(index ? "--band-private" : "--band-shared");
  const series = labels.flatMap((_, index) => [
    { label: labels[index], stroke: colour(index), dash: DASHES[index], spanGaps: true, width: 2, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false }, ...(labels.length === 1 && { fill: () => `${colour(index)()}33` }) },
    { label: "accepted", stroke: colour(index), paths: () => null, points: { show: true, size: 10, width: 2, stroke: colour(index), fill: () => cssColour("--tblr-bg-surface") } },
  ]);
  const chart = plot(element, columns(), {
    height: 220,
    format,
    formatX: (x) => AXES[axis()](x),
    incrsX: () => stepsOf(axis),
    ...(isBytes && { incrs: BYTE_STEPS }),
    cursor: { y: false, points: { show: false } }, // they would cover the rings
    series,
    scales: {
      x: { time: false, range: (_, __, max) => [0, extent().x ?? Math.max(max ?? 0, 1)] },
      y: { range: (_, __, max) => [0, extent().y ?? Math.max(isBytes ? 2 ** 20 : 0.1, (max ?? 0) * 1.15)] },
    },
    hooks: {
      draw: [(u) => histories().forEach((history) => history.resumes.forEach((place) => rule(u, { x: place[axis()], words: gettext("resumed") })))],
      setCursor: readout(element, (u, index) => {
        const found = labels.map((label, i) => [label, u.data[2 * i + 1][index]]).filter(([, value]) => value != null);
        return `${AXES[axis()](u.data[0][index])}: ${found.map(([label, value]) => `${format(value)} ${label}`).join(", ")}`;
      }),
    },
  });
  return () => chart.setData(columns());
}

/** uPlot joins tables by x, so every x may be there once only: the last one counts. */
function distinct(table) {
  const [xs] = table;
  return table.map((column) => column.filter((_, index) => xs[index + 1] !== xs[index]));
}

/** Accuracy of every query of one history as a line; dashed: the targets. `history` is asked again each time. */
export function accuracyChart(element, history, targets, { axis = () => "seconds", extent = () => ({}) } = {}) {
  const { names } = history();
  const columns = () => history().accuracies(axis());
  const distinctTargets = [...new Set(targets)].sort((a, b) => b - a);
  const isLowest = (target) => distinctTargets.length > 1 && target === distinctTargets.at(-1);
  const isNamed = (target) => target === distinctTargets[0] || isLowest(target); // more words would lie over each other
  const lowest = Math.min(0.9, ...targets) - 0.1;
  const chart = plot(element, columns(), {
    height: 220,
    format: percent,
    formatX: (x) => AXES[axis()](x),
    incrsX: () => stepsOf(axis),
    series: names.map((name, index) => ({ label: name, stroke: lineStroke(index), width: 2, spanGaps: true, points: { size: 6, fill: lineStroke(index) } })),
    scales: {
      x: { time: false, range: (_, __, max) => [0, extent().x ?? Math.max(max ?? 0, 1)] },
      y: { range: (_, min) => [extent().low ?? Math.max(0, Math.min(lowest, (min ?? 1) - 0.02)), 1.05] },
    },
    hooks: {
      draw: [(u) => distinctTargets.forEach((target) => rule(u, { y: target, words: isNamed(target) ? gettext("target %(share)s", { share: percent(target) }) : "", isBelow: isLowest(target) }))],
      setCursor: readout(element, (u, index) => `${AXES[axis()](u.data[0][index])}: ${names.map((name, i) => `${name} ${percent(u.data[i + 1][index])}`).join(", ")}`),
    },
  });
  return () => chart.setData(columns());
}
