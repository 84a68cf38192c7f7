// Two merge runs beside each other, on the same axes: memory saved over time or over pictures seen, accuracy per query.

import { percent } from "../format.js";
import { readJson } from "./drawing.js";
import { accuracyChart, lineColour, savedChart } from "./run_charts.js";
import { RunHistory } from "./run_history.js";

export function start(element) {
  const { names, runs } = readJson(element.dataset.source);
  let axis = "seconds";
  const histories = runs.map(({ events }) => {
    const history = new RunHistory(names);
    events.forEach((event) => history.add(event));
    return history;
  });
  element.querySelectorAll("[data-mark]").forEach((mark) => { mark.style.background = lineColour(Number(mark.dataset.mark)); });

  const furthest = (key) => Math.max(1, ...histories.map((history) => history.now?.[key] ?? 0));
  const lowest = () => Math.min(0.8, ...histories.flatMap((history) => history.evaluations.flatMap(({ values }) => values.filter((value) => value != null))));
  const charts = [
    savedChart(element.querySelector("[data-chart-saved]"), () => histories, {
      axis: () => axis,
      format: percent,
      isBytes: false,
      scale: (index) => 1 / Math.max(1, runs[index].bytes_before),
      labels: runs.map(({ label }) => label),
      extent: () => ({ x: furthest(axis) }),
    }),
    ...histories.map((history, index) => accuracyChart(element.querySelector(`[data-chart-accuracy="${index}"]`), () => history, runs[index].targets, {
      axis: () => axis,
      extent: () => ({ x: furthest(axis), low: Math.max(0, lowest() - 0.02) }),
    })),
  ];
  const redraw = () => charts.forEach((draw) => draw());

  for (const choice of element.querySelectorAll("[name=axis]")) {
    choice.addEventListener("change", () => {
      axis = choice.value;
      redraw();
    });
  }
  element.addEventListener("live:event", ({ detail }) => {
    const index = runs.findIndex(({ topic }) => topic === detail.topic);
    if (index < 0 || detail.seq <= runs[index].last) return;
    runs[index].last = detail.seq;
    histories[index].add(detail.event);
    redraw();
  });
  element.addEventListener("live:state", () => location.reload());
}
