// The layers of a model as areas by bytes: a squarified treemap (Bruls, Huizing, van Wijk 2000) in plain SVG.

import { size } from "../format.js";
import { gettext } from "../words.js";
import { draw, readJson } from "./drawing.js";

const WIDTH = 900;
const HEIGHT = 380;
const LABEL_MIN = { width: 84, height: 26 };

const worst = (row, side) => {
  const sum = row.reduce((total, { area }) => total + area, 0);
  return Math.max(...row.map(({ area }) => Math.max((side * side * area) / (sum * sum), (sum * sum) / (side * side * area))));
};

/** Lays `row` along the shorter side of `free` and returns what is left of it. */
function place(row, free, placed) {
  const sum = row.reduce((total, { area }) => total + area, 0);
  const isWide = free.width >= free.height;
  const depth = sum / (isWide ? free.height : free.width);
  let offset = 0;
  for (const item of row) {
    const length = item.area / depth;
    placed.push(isWide
      ? { ...item, x: free.x, y: free.y + offset, width: depth, height: length }
      : { ...item, x: free.x + offset, y: free.y, width: length, height: depth });
    offset += length;
  }
  return isWide
    ? { x: free.x + depth, y: free.y, width: free.width - depth, height: free.height }
    : { x: free.x, y: free.y + depth, width: free.width, height: free.height - depth };
}

/** Rectangles for `layers` (name, kind, value in bytes), largest first, that fill WIDTH x HEIGHT. */
function squarify(layers) {
  const total = layers.reduce((sum, { value }) => sum + value, 0);
  const items = layers.map((layer) => ({ ...layer, area: (layer.value / total) * WIDTH * HEIGHT }));
  items.sort((a, b) => b.area - a.area);
  const placed = [];
  let free = { x: 0, y: 0, width: WIDTH, height: HEIGHT };
  let row = [];
  for (const item of items) {
    const side = Math.min(free.width, free.height);
    if (row.length && worst([...row, item], side) > worst(row, side)) {
      free = place(row, free, placed);
      row = [];
    }
    row.push(item);
  }
  if (row.length) place(row, free, placed);
  return placed;
}

function label(svg, { name, value, x, y, width, height }) {
  if (width < LABEL_MIN.width || height < LABEL_MIN.height) return;
  const letters = Math.floor((width - 12) / 7);
  const short = name.length > letters ? `…${name.slice(1 - letters)}` : name;
  draw("text", { x: x + 6, y: y + 17, class: "tile-label" }, svg).textContent = short;
  if (height > 44) draw("text", { x: x + 6, y: y + 33, class: "tile-label tile-label-sub" }, svg).textContent = size(value);
}

export function start(element) {
  const layers = readJson(element.dataset.source);
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" }, element);
  const all = Number(element.dataset.others);
  for (const tile of squarify(layers)) {
    const { x, y, width, height, name, kind, value, others } = tile;
    draw("rect", { x, y, width, height, rx: 2, class: "tile tile-private" }, svg);
    const who = all ? gettext("; %(others)s of %(all)s other models could share it", { others, all }) : "";
    const strength = others ? 0.35 + (0.65 * others) / all : 0;
    draw("rect", { x, y, width, height, rx: 2, class: "tile tile-shareable", "fill-opacity": strength }, svg, `${name} (${kind}): ${size(value)}${who}`);
    label(svg, tile);
  }
}
