// Counts of one query as stacked bars per minute or hour, one colour per class. While statistics of its box arrive, the
// card is fetched again every now and then: it is the server that adds up.

import uPlot from "../../../uplot/uPlot.esm.js";
import { cssColour, zone } from "../format.js";
import { gettext } from "../words.js";
import { readJson } from "./drawing.js";
import { day, minute as clock, pastAxis, plot } from "./plot.js";

const HOUR_S = 3600;
const COUNT_STEPS = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();
const colour = (index) => `--line-${index + 1}`;

/** Columns as uPlot draws them: the largest sum first, so that each smaller one stands before it. */
export function stacked({ at, step, classes }) {
  const sums = [];
  let below = at.map(() => 0);
  for (const { bars } of classes) {
    below = bars.map((value, index) => (value == null ? null : value + (below[index] ?? 0)));
    sums.unshift(below);
  }
  return [at.map((start) => start + step / 2), ...sums];
}

const series = ({ classes }) =>
  classes
    .map(({ label }, index) => ({
      label,
      width: 0,
      fill: () => cssColour(colour(index)),
      paths: uPlot.paths.bars({ size: [0.82, 60] }),
      points: { show: false },
    }))
    .reverse();

/** Grey where nothing was measured: a time without counts is no time without objects. */
function shadeUnmeasured(u, { at, step, classes }) {
  if (!classes.length) return;
  const { ctx, bbox } = u;
  ctx.save();
  ctx.fillStyle = cssColour("--grid");
  ctx.globalAlpha = 0.55;
  const now = Date.now() / 1000;
  at.forEach((start, index) => {
    if (classes[0].bars[index] != null || start >= now) return;
    const [left, right] = [start, start + step].map((x) => u.valToPos(x, "x", true));
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
  });
  ctx.restore();
}

function words({ at, step, classes }, index) {
  const from = step >= HOUR_S ? `${day(at[index])} ${clock(at[index])}` : clock(at[index]);
  const counted = classes.filter(({ bars }) => bars[index]).map(({ label, bars }) => `${label} ${bars[index]}`);
  const isMeasured = classes.some(({ bars }) => bars[index] != null);
  return `${from}–${clock(at[index] + step)}: ${isMeasured ? counted.join(", ") || gettext("nothing") : gettext("not measured")}`;
}

function markClasses(element, { classes }) {
  const names = classes.map(({ label }) => label);
  for (const mark of element.querySelectorAll("i[data-label]")) {
    const index = names.indexOf(mark.dataset.label);
    mark.style.background = `var(${colour(index < 0 ? names.length - 1 : index)})`;
  }
}

function drawChart(element, state) {
  const [legend, line] = element.querySelectorAll(".chart-readout > *");
  const span = state.data.at.length * state.data.step;
  return plot(element, stacked(state.data), {
    height: 180,
    format: (value) => String(value),
    incrs: COUNT_STEPS,
    ...pastAxis(span),
    series: series(state.data),
    cursor: { y: false, points: { show: false } },
    scales: {
      x: { range: () => [state.data.at[0], state.data.at.at(-1) + state.data.step] },
      y: { range: (_, __, max) => [0, Math.max(4, Math.ceil((max ?? 0) * 1.1))] },
    },
    hooks: {
      drawClear: [(u) => shadeUnmeasured(u, state.data)],
      setCursor: [(u) => {
        const isIdle = u.cursor.idx == null || u.cursor.left < 0;
        legend.hidden = !isIdle;
        line.textContent = isIdle ? "" : words(state.data, u.cursor.idx);
      }],
    },
  });
}

const labels = ({ classes }) => classes.map(({ label }) => label).join("\n");

export function start(element) {
  const state = { data: readJson(element.dataset.source) };
  let chart = drawChart(element, state);
  let isDue = false;
  const showMarks = () => markClasses(element, state.data);
  element.querySelector("[data-zone]").textContent = gettext(", %(zone)s time", { zone: zone() });
  showMarks();

  async function refetch() {
    const answer = await fetch(element.dataset.from);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const data = JSON.parse(fresh.getElementById(element.dataset.source).textContent);
    element.querySelector("[data-totals]").replaceWith(fresh.querySelector("[data-totals]"));
    const words = fresh.querySelector("[data-chart]").getAttribute("aria-label");
    element.querySelector("[data-chart]").setAttribute("aria-label", words);
    const isSame = labels(data) === labels(state.data);
    state.data = data;
    if (isSame) chart.setData(stacked(data));
    else {
      chart.destroy();
      chart = drawChart(element, state);
    }
    showMarks();
  }

  element.addEventListener("live:stats", () => (isDue = true));
  const timer = setInterval(() => {
    if (!element.isConnected) return clearInterval(timer);
    if (!isDue || document.hidden || !element.dataset.from) return;
    isDue = false;
    refetch().catch(() => (isDue = true)); // the server is away: next time
  }, 1000 * Number(element.dataset.everyS ?? 60));
}
