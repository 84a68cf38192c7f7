// The picture of sharing: each model a column of its layers drawn by bytes, ribbons between layers that became one.

import { size } from "../format.js";
import { gettext } from "../words.js";
import { draw, readJson } from "./drawing.js";

const HEIGHT = 440;
const TOP = 80;
const THINNEST = 0.6;
const OUTLINED_FROM = 4;
const GAP = { least: 76, most: 230 };
const BAR_SHARE = 0.42;
const LETTER = 7;

/** Places of all layers, `gap` pixels from column to column: one scale for all, so that equal heights are equal bytes. */
function places(columns, gap) {
  const width = gap * BAR_SHARE;
  const total = (column) => column.layers.reduce((sum, layer) => sum + layer.size_bytes, 0);
  const scale = (HEIGHT - TOP - 10) / Math.max(1, ...columns.map(total));
  return columns.map((column, index) => {
    let y = TOP;
    const x = gap * index + (gap - width) / 2;
    const layers = column.layers.map((layer) => {
      const height = Math.max(THINNEST, layer.size_bytes * scale);
      const place = { ...layer, x, y, width, height };
      y += height;
      return place;
    });
    return { ...column, x, width, total: total(column), layers };
  });
}

/** At most two lines of at most `letters` each. */
function lines(words, letters) {
  const short = (text) => (text.length > letters ? `${text.slice(0, letters - 1)}…` : text);
  const space = words.slice(0, letters + 1).lastIndexOf(" ");
  if (words.length <= letters || space < 1) return [short(words)];
  return [words.slice(0, space), short(words.slice(space + 1))];
}

function heading(svg, column, gap) {
  const middle = column.x + column.width / 2;
  const letters = Math.floor((gap - 4) / LETTER);
  const text = (y, words, css) => {
    draw("text", { x: middle, y, "text-anchor": "middle", class: css }, svg, css && column.model).prepend(words);
  };
  lines(column.query, letters).forEach((line, index, all) => text(34 - 15 * (all.length - 1 - index), line, ""));
  text(51, lines(column.model, letters + 1)[0], "sub");
  text(68, size(column.total), "sub");
}

function ribbon(svg, from, to) {
  const [x1, x2] = [from.x + from.width, to.x];
  const bend = (x2 - x1) / 2;
  const d = `M${x1} ${from.y} C${x1 + bend} ${from.y} ${x2 - bend} ${to.y} ${x2} ${to.y}
    L${x2} ${to.y + to.height} C${x2 - bend} ${to.y + to.height} ${x1 + bend} ${from.y + from.height} ${x1} ${from.y + from.height} Z`;
  draw("path", { d, class: "ribbon", "data-group": from.shared }, svg, gettext("%(one)s and %(other)s are one: %(size)s", { one: from.name, other: to.name, size: size(from.size_bytes) }));
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

function picture(element, columns) {
  const gap = Math.max(GAP.least, Math.min(GAP.most, element.clientWidth / columns.length));
  const width = gap * columns.length;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": element.dataset.label }, element);
  const placed = places(columns, gap);
  ribbons(svg, placed);
  for (const column of placed) {
    heading(svg, column, gap);
    for (const layer of column.layers) {
      const isShared = layer.shared != null;
      const { x, y, width: wide, height } = layer;
      const css = `${isShared ? "layer-shared" : "layer-private"}${height < OUTLINED_FROM ? " is-thin" : ""}`;
      const words = isShared
        ? gettext("%(layer)s: %(size)s, shared", { layer: layer.name, size: size(layer.size_bytes) })
        : gettext("%(layer)s: %(size)s, private", { layer: layer.name, size: size(layer.size_bytes) });
      draw("rect", { x, y, width: wide, height, class: css, ...(isShared && { "data-group": layer.shared }) }, svg, words);
    }
  }
  svg.addEventListener("pointerover", ({ target }) => light(svg, target.dataset?.group));
}

export function start(element) {
  const { columns } = readJson(element.dataset.source);
  let drawn = 0;
  new ResizeObserver(() => {
    if (element.clientWidth === drawn) return;
    drawn = element.clientWidth;
    element.replaceChildren();
    picture(element, columns);
  }).observe(element);
}
