// A merge run as it goes: memory saved as steps, accuracy per query against its target, what is tried, time left.

import { cssColour, duration, percent, size } from "../format.js";
import uPlot from "../../../uplot/uPlot.esm.js";
import { readJson } from "./drawing.js";
import { BYTE_STEPS, plot } from "./plot.js";

const LINES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a939f", "#b8a400"];
// Other events repeat the figures of the last evaluation.
const DECISIVE = new Set(["evaluated", "accepted", "rejected"]);

const colour = (index) => LINES[index % LINES.length];

function timeLeft({ seconds_left_low: low, seconds_left_high: high }) {
  if (low == null && high == null) return "–";
  if (low == null || high == null || Math.round(low) === Math.round(high)) return `about ${duration(high ?? low)}`;
  return `${duration(low)} to ${duration(high)}`;
}

function showFigures(element, event) {
  const cell = (name) => element.querySelector(`[data-field="${name}"]`);
  if (event.type !== "evaluated") { // whose bytes are those of a trial, not of what is accepted
    cell("saved").textContent = size(event.saved_bytes);
    cell("saved-share").textContent = event.bytes_before ? percent(event.saved_bytes / event.bytes_before) : "";
    cell("before").textContent = size(event.bytes_before);
    cell("after").textContent = size(event.bytes_after);
  }
  cell("elapsed").textContent = duration(event.seconds);
  cell("left").textContent = timeLeft(event);
  cell("samples").textContent = event.samples_seen.toLocaleString("en");
  if (event.trying) cell("trying").textContent = event.trying;
  const progress = cell("progress");
  progress.hidden = !event.steps_planned;
  progress.max = event.steps_planned || 1;
  progress.value = event.step;
  cell("steps").textContent = event.steps_planned ? `step ${event.step} of ${event.steps_planned}` : "";
}

function showQueries(element, event) {
  for (const figures of event.queries) {
    const row = [...element.querySelectorAll("[data-query-name]")].find((found) => found.dataset.queryName === figures.name);
    if (!row) continue;
    row.querySelector('[data-field="accuracy"]').textContent = percent(figures.relative_accuracy);
    row.querySelector('[data-field="interval"]').textContent = `${percent(figures.lower_bound)} to ${percent(figures.upper_bound)}`;
    row.querySelector('[data-field="basis"]').textContent = figures.basis;
    const verdict = row.querySelector('[data-field="verdict"]');
    verdict.textContent = figures.target_met ? "at target" : "below target";
    verdict.className = `text-nowrap ${figures.target_met ? "text-good" : "text-bad"}`;
  }
}

function log(element, event) {
  if (event.type === "progress") return;
  const list = element.querySelector("[data-log]");
  const item = document.createElement("li");
  const at = document.createElement("span");
  at.className = "num text-secondary";
  at.textContent = duration(event.seconds);
  const words = document.createElement("span");
  words.textContent = sentence(event);
  item.append(at, words);
  list.prepend(item);
}

function sentence(event) {
  const saved = `${size(event.saved_bytes)} saved`;
  const met = event.queries.filter((figures) => figures.target_met).length;
  const targets = event.queries.length ? `, ${met} of ${event.queries.length} queries at target` : "";
  switch (event.type) {
    case "started": return `Started: ${size(event.bytes_before)} of weights before merging.`;
    case "evaluated": return `Evaluated${targets}.`;
    case "accepted": return `Accepted: ${saved}${targets}.`;
    case "rejected": return `Not accepted${targets}. ${event.trying}`;
    case "finished": return `Finished: ${saved}.`;
    case "cancelled": return `Cancelled. What was accepted is kept: ${saved}.`;
    default: return event.trying || event.type;
  }
}

/** Columns of both charts, extended event by event. */
class Progress {
  constructor(names) {
    this.names = names;
    this.saved = [[0], [0]];
    this.accuracy = [[], ...names.map(() => [])];
  }

  add(event) {
    this.saved[0].push(event.seconds);
    this.saved[1].push(event.type === "evaluated" ? this.saved[1].at(-1) : event.saved_bytes);
    if (!event.queries.length || !DECISIVE.has(event.type)) return;
    if (this.accuracy[0].at(-1) === event.seconds) return;
    this.accuracy[0].push(event.seconds);
    this.names.forEach((name, index) => {
      const figures = event.queries.find((found) => found.name === name);
      this.accuracy[index + 1].push(figures ? figures.relative_accuracy : null);
    });
  }
}

function charts(element, progress, targets) {
  const common = { height: 220, formatX: duration };
  const saved = plot(element.querySelector("[data-chart-saved]"), progress.saved, {
    ...common,
    format: (bytes) => size(bytes),
    incrs: BYTE_STEPS,
    scales: { x: { time: false }, y: { range: (_, __, max) => [0, Math.max(2 ** 20, max * 1.15)] } },
    series: [{ label: "saved", stroke: () => cssColour("--band-shared"), fill: () => `${cssColour("--band-shared")}33`, width: 2, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } }],
  });
  const lowest = Math.min(0.9, ...targets) - 0.1;
  const accuracy = plot(element.querySelector("[data-chart-accuracy]"), progress.accuracy, {
    ...common,
    format: (value) => percent(value),
    scales: { x: { time: false }, y: { range: (_, min) => [Math.max(0, Math.min(lowest, min - 0.02)), 1.05] } },
    series: progress.names.map((name, index) => ({ label: name, stroke: colour(index), width: 2, spanGaps: true, points: { size: 6 } })),
    hooks: { draw: [(u) => targets.forEach((target) => drawTarget(u, target))] },
  });
  return () => {
    saved.setData(progress.saved);
    accuracy.setData(progress.accuracy);
  };
}


function drawTarget(u, target) {
  const y = u.valToPos(target, "y", true);
  u.ctx.save();
  u.ctx.strokeStyle = cssColour("--ink");
  u.ctx.setLineDash([6, 4]);
  u.ctx.beginPath();
  u.ctx.moveTo(u.bbox.left, y);
  u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
  u.ctx.stroke();
  u.ctx.restore();
}

export function start(element) {
  const stored = readJson(element.dataset.source);
  const rows = [...element.querySelectorAll("[data-query-name]")];
  rows.forEach((row, index) => { row.querySelector("[data-mark]").style.background = colour(index); });
  const progress = new Progress(rows.map((row) => row.dataset.queryName));
  const targets = [...new Set(rows.map((row) => Number(row.dataset.target)))];
  const take = (event) => {
    progress.add(event);
    showFigures(element, event);
    showQueries(element, event);
    log(element, event);
  };
  let last = stored.length - 1;
  stored.forEach(take);
  const redraw = charts(element, progress, targets);
  element.addEventListener("live:event", ({ detail }) => {
    if (detail.seq <= last) return;
    last = detail.seq;
    if (element.dataset.state === "queued") return location.reload(); // it started before this page listened
    take(detail.event);
    redraw();
  });
  element.addEventListener("live:state", () => location.reload());
}
