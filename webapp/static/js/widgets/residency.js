// Which models of a box were resident when, and how long execution waited for them: a row of steps per query.

import { duration, moment, percent } from "../format.js";
import { gettext } from "../words.js";
import { draw, readJson } from "./drawing.js";

const HEIGHT = 20;
const known = (values) => values.filter((value) => value != null);
const mean = (values) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null);

class Row {
  #steps;
  #figures;
  #image;

  constructor(query, parent) {
    this.query = query;
    parent.append(Object.assign(document.createElement("span"), { className: "residency-name", textContent: query.name, title: query.name }));
    this.#image = draw("svg", { viewBox: `0 0 ${query.resident.length} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" }, parent);
    this.#figures = parent.appendChild(Object.assign(document.createElement("span"), { className: "num text-secondary" }));
    this.#steps = query.resident.map((_, place) => {
      const group = draw("g", {}, this.#image, " ");
      const resident = draw("rect", { class: "is-resident", x: place, width: 1, height: HEIGHT }, group);
      const stalled = draw("rect", { class: "is-stalled", x: place, width: 1 }, group);
      return { title: group.firstChild, resident, stalled };
    });
  }

  paint(from, step_s) {
    const { resident, stalled, name } = this.query;
    this.#steps.forEach((step, place) => {
      const waited = HEIGHT * Math.min(1, stalled[place] ?? 0);
      step.resident.setAttribute("opacity", resident[place] ?? 0);
      step.stalled.setAttribute("height", waited);
      step.stalled.setAttribute("y", HEIGHT - waited);
      const at = moment(new Date(1000 * (from + place * step_s)));
      step.title.textContent = resident[place] == null
        ? gettext("%(at)s: nothing measured", { at })
        : gettext("%(at)s: resident %(resident)s of %(step)s, execution waited for it %(stalled)s", { at, resident: percent(resident[place]), step: duration(step_s), stalled: percent(stalled[place]) });
    });
    const shares = { name, resident: percent(mean(known(resident))), stalled: percent(mean(known(stalled))) };
    this.#figures.textContent = gettext("resident %(resident)s, waited for %(stalled)s", shares);
    this.#image.setAttribute("aria-label", gettext("%(name)s: resident %(resident)s, waited for %(stalled)s of the time", shares));
  }
}

/** The means of what came within the step that is going on. */
class Step {
  #samples = new Map();

  add(sample, interval_s) {
    const sums = this.#samples.get(sample.query) ?? { seconds: 0, resident: 0, stalled: 0 };
    sums.seconds += interval_s;
    sums.resident += (sample.resident ?? 0) * interval_s;
    sums.stalled += sample.swap_ms / 1000;
    this.#samples.set(sample.query, sums);
    return { resident: sample.resident == null ? null : sums.resident / sums.seconds, stalled: sums.stalled / sums.seconds };
  }
}

export function start(element) {
  const { at, step_s, queries } = readJson(element.dataset.source);
  const parent = element.querySelector("[data-rows]");
  const rows = queries.map((query) => new Row(query, parent));
  const ends = Object.assign(document.createElement("div"), { className: "residency-ends" });
  const length_s = step_s * (queries[0]?.resident.length ?? 0);
  for (const words of [gettext("%(time)s ago", { time: duration(length_s) }), gettext("now")]) ends.append(Object.assign(document.createElement("span"), { textContent: words }));
  parent.append(ends);

  let until = at; // end of the last step
  let step = new Step();
  const paint = () => rows.forEach((row) => row.paint(until - length_s, step_s));
  paint();

  element.addEventListener("live:stats", ({ detail: { stats } }) => {
    while (stats.at > until && length_s) {
      until += step_s;
      step = new Step();
      for (const values of rows.flatMap(({ query }) => [query.resident, query.stalled])) {
        values.shift();
        values.push(null);
      }
    }
    for (const sample of stats.queries) {
      const query = rows.find((row) => row.query.id === sample.query)?.query;
      if (!query) continue;
      const { resident, stalled } = step.add(sample, stats.interval_s);
      query.resident[query.resident.length - 1] = resident;
      query.stalled[query.stalled.length - 1] = stalled;
    }
    paint();
  });
}
