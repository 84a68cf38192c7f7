// The picture of sharing: each model a column of its layers drawn by bytes, ribbons between layers that became one.

import { size } from "../format.js";
import { draw, readJson } from "./drawing.js";

const HEIGHT = 420;
const TOP = 64;
const BAR = 74;
const THINNEST = 0.6;
const OUTLINED_FROM = 4;
const GAP = 190;

/** Places of all layers: one scale for all columns, so that equal heights are equal bytes. */
function places(columns) {
  const total = (column) => column.layers.reduce((sum, layer) => sum + layer.size_bytes, 0);
  const scale = (HEIGHT - TOP - 10) / Math.max(1, ...columns.map(total));
  return columns.map((column, index) => {
    let y = TOP;
    const x = GAP * index + (GAP - BAR) / 2;
    const layers = column.layers.map((layer) => {
      const height = Math.max(THINNEST, layer.size_bytes * scale);
      const place = { ...layer, x, y, height };
      y += height;
      return place;
    });
    return { ...column, x, total: total(column), layers };
  });
}

function heading(svg, column) {
  const middle = column.x + BAR / 2;
  const text = (y, words, css) => {
    draw("text", { x: middle, y, "text-anchor": "middle", class: css }, svg).textContent = words;
  };
  const short = (words) => (words.length > 22 ? `${words.slice(0, 21)}…` : words);
  text(18, short(column.query), "");
  text(35, short(column.model), "sub");
  text(52, size(column.total), "sub");
}

function ribbon(svg, from, to) {
  const [x1, x2] = [from.x + BAR, to.x];
  const bend = (x2 - x1) / 2;
  const d = `M${x1} ${from.y} C${x1 + bend} ${from.y} ${x2 - bend} ${to.y} ${x2} ${to.y}
    L${x2} ${to.y + to.height} C${x2 - bend} ${to.y + to.height} ${x1 + bend} ${from.y + from.height} ${x1} ${from.y + from.height} Z`;
  draw("path", { d, class: "ribbon", "data-group": from.shared }, svg, `${from.name} and ${to.name} are one: ${size(from.size_bytes)}`);
}

/** Each shared group is tied from column to next column that has it; a column may hold several of its places. */
function ribbons(svg, columns) {
  const groups = new Set(columns.flatMap((column) => column.layers.map((layer) => layer.shared)).filter((shared) => shared != null));
  for (const group of groups) {
    const firsts = columns.map((column) => column.layers.find((layer) => layer.shared === group)).filter(Boolean);
    firsts.slice(1).forEach((to, index) => ribbon(svg, firsts[index], to));
  }
}

function light(svg, group) {
  for (const path of svg.querySelectorAll(".ribbon")) path.classList.toggle("is-lit", path.dataset.group === group);
}

export function start(element) {
  const { columns } = readJson(element.dataset.source);
  const width = GAP * columns.length;
  const style = `max-width: ${1.25 * width}px; min-width: ${0.62 * width}px`;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, style, role: "img", "aria-label": element.dataset.label }, element);
  const placed = places(columns);
  ribbons(svg, placed);
  for (const column of placed) {
    heading(svg, column);
    for (const layer of column.layers) {
      const isShared = layer.shared != null;
      const { x, y, height } = layer;
      const css = `${isShared ? "layer-shared" : "layer-private"}${height < OUTLINED_FROM ? " is-thin" : ""}`;
      const words = `${layer.name}: ${size(layer.size_bytes)}, ${isShared ? "shared" : "private"}`;
      const box = { x, y, width: BAR, height, class: css, ...(isShared && { "data-group": layer.shared }) };
      draw("rect", box, svg, words);
    }
  }
  svg.addEventListener("pointerover", ({ target }) => light(svg, target.dataset?.group));
}
