// One camera's live picture, drawn from the box's preview frames. The newest still shows until one comes.
//
// With switches, what each query found is drawn here, so that it can be hidden; a box of an older version sends pictures
// on which everything is drawn already: then the switches stay disabled.

import { percent } from "../format.js";
import { draw } from "./drawing.js";

import { gettext } from "../words.js";

export function showPicture(element, blob) {
  const picture = element.querySelector("img");
  const address = URL.createObjectURL(blob);
  const old = picture.src;
  picture.src = address;
  if (old.startsWith("blob:")) URL.revokeObjectURL(old);
  element.classList.add("has-picture");
}

const STALE_AFTER_S = 5;
const SEEN_FOR_MS = 5000;
const COLOURS = 8;
const LINE = 18;
const colour = (index) => `var(--line-${(index % COLOURS) + 1})`;
const words = ({ label, score }) => `${label} ${percent(score).replace(/\.\d/, "")}`;

/** What queries found, over the picture. Its units are the picture's own pixels. */
class Overlay {
  constructor(element) {
    this.picture = element.querySelector("img");
    this.svg = draw("svg", { class: "live-overlay", preserveAspectRatio: "xMidYMid meet", "aria-hidden": "true" }, element);
  }

  paint(answers, indexOf, isOn) {
    const [width, height] = [this.picture.naturalWidth || 16, this.picture.naturalHeight || 9];
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren();
    let captions = 0;
    for (const answer of answers.filter(({ query }) => isOn(query))) {
      const group = draw("g", { style: `--query: ${colour(indexOf(answer.query))}` }, this.svg);
      const points = (answer.zone ?? []).map(([x, y]) => `${x * width},${y * height}`).join(" ");
      if (points) draw("polygon", { class: "live-zone", points }, group);
      for (const find of answer.finds ?? []) {
        if (find.box) this.box(group, find, width, height);
        else this.caption(group, `${answer.name}: ${words(find)}`, height - 8 - LINE * captions++);
      }
    }
  }

  box(group, find, width, height) {
    const [left, top, right, bottom] = find.box;
    draw("rect", { x: left * width, y: top * height, width: (right - left) * width, height: (bottom - top) * height }, group);
    this.text(group, words(find), left * width + 2, Math.max(11, top * height - 4));
  }

  caption(group, text, y) {
    this.text(group, text, 8, y);
  }

  text(group, text, x, y) {
    draw("text", { x, y }, group).textContent = text;
  }

  clear() {
    this.svg.replaceChildren();
  }
}

/** The switches beside the picture, one a query. */
class Switches {
  constructor(fieldset, onChange) {
    this.fieldset = fieldset;
    this.inputs = () => [...fieldset.querySelectorAll("[data-query-switch]")];
    this.colour();
    fieldset.addEventListener("change", onChange);
  }

  colour() {
    this.inputs().forEach((input, index) => (input.parentElement.querySelector("i").style.background = colour(index)));
  }

  indexOf = (query) => this.inputs().findIndex(({ dataset }) => dataset.querySwitch === query);

  isOn = (query) => this.inputs().find(({ dataset }) => dataset.querySwitch === query)?.checked ?? true;
}

export function start(element) {
  const badge = element.querySelector("[data-picture-badge]");
  const fieldset = document.querySelector(`[data-switches="${element.dataset.camera}"]`);
  const overlay = fieldset && new Overlay(element);
  let arrivedAt = null;
  let answered = null; // the newest answers that came beside a picture, and when
  let frames = 0;
  const switches = fieldset && new Switches(fieldset, () => paint());
  const paint = () => answered && overlay.paint(answered.answers, switches.indexOf, switches.isOn);
  element.querySelector("img").addEventListener("load", paint); // not before: what is found is where the new picture has it
  const isAnswered = () => answered && Date.now() - answered.at < SEEN_FOR_MS;

  element.addEventListener("live:preview", ({ detail }) => {
    if (!detail.answers && isAnswered()) return; // somebody else has it drawn by the box
    showPicture(element, detail.blob);
    if (overlay) {
      answered = detail.answers ? { answers: detail.answers, at: Date.now() } : null;
      fieldset.disabled = !answered;
      if (!answered) overlay.clear();
    }
    arrivedAt = Date.now();
    frames += 1;
    element.dataset.frames = frames;
    badge.hidden = false;
    badge.textContent = gettext("live · %(time)s", { time: new Date(detail.at * 1000).toTimeString().slice(0, 8) });
  });
  const timer = setInterval(() => {
    if (!element.isConnected) return clearInterval(timer);
    const age = arrivedAt && (Date.now() - arrivedAt) / 1000;
    if (age > STALE_AFTER_S) badge.textContent = gettext("last picture %(seconds)s s ago", { seconds: Math.round(age) });
  }, 1000);
}
