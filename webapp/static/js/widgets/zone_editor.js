// Drawing a query's zone on the camera's last picture. The text field beside it is the truth: the editor reads it,
// writes it, and follows when somebody types there. Corners are [x, y] in percent of the picture.

import { draw } from "./drawing.js";
import { gettext } from "../words.js";

const MOST = 20;
const FEWEST = 3;
const STEP = 1;
const LARGE_STEP = 5;
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const FIRST_CORNERS = [[25, 40], [75, 40], [75, 90], [25, 90]];

const bounded = (value) => Math.min(100, Math.max(0, Math.round(value * 10) / 10));
const following = (corners, index) => corners[(index + 1) % corners.length];

/** What a text says, or null where it says no corners. */
export function readCorners(text) {
  const corners = text.replaceAll(/\s*,\s*/g, ",").split(/[\s;]+/).filter(Boolean).map((part) => part.split(",").map(Number));
  return corners.every((corner) => corner.length === 2 && corner.every(Number.isFinite)) ? corners : null;
}

export const writeCorners = (corners) => corners.map((corner) => corner.join(",")).join(" ");

export function area(corners) {
  return Math.abs(corners.reduce((sum, [x, y], index) => {
    const [nextX, nextY] = following(corners, index);
    return sum + x * nextY - nextX * y;
  }, 0)) / 2 / 100;
}

const side = ([ax, ay], [bx, by], [x, y]) => Math.sign((bx - ax) * (y - ay) - (by - ay) * (x - ax));

/** Whether two edges cross. Whether they only touch, the server says. */
export function isCrossed(corners) {
  const edges = corners.map((corner, index) => [corner, following(corners, index)]);
  return edges.some(([a, b], first) => edges.slice(first + 1).some(([c, d]) =>
    side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0));
}

function distanceToEdge([x, y], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const along = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}

/** Where a new corner belongs: into the edge that is nearest to it. */
export function placeFor(corner, corners) {
  if (corners.length < FEWEST) return corners.length;
  const distances = corners.map((start, index) => distanceToEdge(corner, start, following(corners, index)));
  return distances.indexOf(Math.min(...distances)) + 1;
}

function words(corners) {
  if (corners === null) return gettext("The corners below cannot be read.");
  if (!corners.length) return gettext("No zone: the whole picture counts.");
  if (corners.length < FEWEST) return gettext("A zone has at least %(least)s corners: %(missing)s more to go.", { least: FEWEST, missing: FEWEST - corners.length });
  if (isCrossed(corners)) return gettext("The zone’s edges cross: move its corners apart.");
  const figures = { corners: corners.length, share: Math.round(area(corners)) };
  if (corners.length >= MOST) return gettext("Zone of %(corners)s corners, %(share)s % of the picture; more corners are not possible.", figures);
  return gettext("Zone of %(corners)s corners, %(share)s % of the picture.", figures);
}

class ZoneEditor {
  constructor(element, field) {
    this.field = field;
    this.stage = element.querySelector("[data-stage]");
    this.said = element.querySelector("[data-zone-words]");
    this.removeButton = element.querySelector("[data-zone-remove]");
    this.addButton = element.querySelector("[data-zone-add]");
    this.chosen = null;
    const svg = draw("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" }, this.stage);
    this.outline = draw("polygon", { class: "zone-outline" }, svg);
    this.handles = this.stage.appendChild(Object.assign(document.createElement("div"), { className: "zone-handles" }));
    this.handles.setAttribute("role", "group");
    this.handles.setAttribute("aria-label", gettext("Corners of the zone"));
    this.stage.addEventListener("click", (event) => this.press(event));
    this.handles.addEventListener("pointerdown", (event) => this.grab(event));
    this.handles.addEventListener("keydown", (event) => this.key(event));
    this.handles.addEventListener("focusin", (event) => this.choose(Number(event.target.dataset.corner)));
    this.addButton.addEventListener("click", () => this.addAnywhere());
    this.removeButton.addEventListener("click", () => this.remove(this.chosen));
    element.querySelector("[data-zone-clear]").addEventListener("click", () => this.set([], null));
    field.addEventListener("input", () => this.set(readCorners(field.value), null, { isTyped: true }));
    element.querySelector("[data-tools]").hidden = false;
    this.stage.classList.add("is-active");
    this.set(readCorners(field.value), null, { isTyped: true });
  }

  /** Shows `corners`; `chosen` gets the focus. What is typed stays as it was typed. */
  set(corners, chosen, { isTyped = false } = {}) {
    this.corners = corners ?? [];
    if (!isTyped) this.field.value = writeCorners(this.corners);
    this.outline.setAttribute("points", writeCorners(this.corners));
    this.outline.classList.toggle("is-wrong", isCrossed(this.corners));
    while (this.handles.childElementCount > this.corners.length) this.handles.lastElementChild.remove();
    while (this.handles.childElementCount < this.corners.length) {
      this.handles.append(Object.assign(document.createElement("button"), { type: "button", className: "zone-corner" }));
    }
    this.corners.forEach(([x, y], index) => {
      const handle = this.handles.children[index];
      handle.dataset.corner = index;
      handle.style.left = `${x}%`;
      handle.style.top = `${y}%`;
      handle.setAttribute("aria-label", gettext("Corner %(number)s at %(x)s, %(y)s percent", { number: index + 1, x, y }));
    });
    this.said.textContent = words(corners);
    this.addButton.disabled = this.corners.length >= MOST;
    this.choose(chosen);
    if (chosen !== null) this.handles.children[chosen].focus({ preventScroll: true });
  }

  choose(index) {
    this.chosen = index;
    this.removeButton.disabled = index === null;
    [...this.handles.children].forEach((handle, at) => handle.classList.toggle("is-chosen", at === index));
  }

  at({ clientX, clientY }) {
    const { left, top, width, height } = this.stage.getBoundingClientRect();
    return [bounded((100 * (clientX - left)) / width), bounded((100 * (clientY - top)) / height)];
  }

  add(corner, index) {
    if (this.corners.length >= MOST) return;
    this.set(this.corners.toSpliced(index, 0, corner), index);
  }

  move(index, corner) {
    this.set(this.corners.with(index, corner), index);
  }

  remove(index) {
    if (index === null) return;
    const left = this.corners.toSpliced(index, 1);
    this.set(left, left.length ? Math.min(index, left.length - 1) : null);
  }

  /** For the keyboard: first a zone to change, then a corner in the middle of the longest edge. */
  addAnywhere() {
    if (this.corners.length < FEWEST) return this.set(FIRST_CORNERS, 0);
    const lengths = this.corners.map(([x, y], index) => {
      const [nextX, nextY] = following(this.corners, index);
      return Math.hypot(nextX - x, nextY - y);
    });
    const index = lengths.indexOf(Math.max(...lengths));
    const [[x, y], [nextX, nextY]] = [this.corners[index], following(this.corners, index)];
    this.add([bounded((x + nextX) / 2), bounded((y + nextY) / 2)], index + 1);
  }

  press(event) {
    if (event.target.closest(".zone-corner")) return;
    const corner = this.at(event);
    this.add(corner, placeFor(corner, this.corners));
  }

  grab(event) {
    const handle = event.target.closest(".zone-corner");
    if (!handle) return;
    event.preventDefault();
    const index = Number(handle.dataset.corner);
    handle.focus({ preventScroll: true });
    handle.setPointerCapture(event.pointerId);
    const follow = (moved) => this.move(index, this.at(moved));
    handle.addEventListener("pointermove", follow);
    for (const end of ["pointerup", "pointercancel"]) {
      handle.addEventListener(end, () => handle.removeEventListener("pointermove", follow), { once: true });
    }
  }

  key(event) {
    const handle = event.target.closest(".zone-corner");
    if (!handle) return;
    const index = Number(handle.dataset.corner);
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.remove(index);
    } else if (event.key in STEPS) {
      event.preventDefault();
      const size = event.shiftKey ? LARGE_STEP : STEP;
      this.move(index, this.corners[index].map((value, axis) => bounded(value + size * STEPS[event.key][axis])));
    }
  }
}

export function start(element) {
  new ZoneEditor(element, element.closest("fieldset").querySelector("[name=zone]"));
}
