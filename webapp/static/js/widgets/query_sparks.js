// Small lines in a table of queries: frame rate, latency and agreement of the last hour by the minute, each against
// what was asked (dashed). The minute that is going on comes from the live statistics of the box.

import { number, percent } from "../format.js";
import { gettext } from "../words.js";
import { draw, readJson } from "./drawing.js";

const MINUTE_S = 60;
const SHOWN_S = 3600;
const [WIDTH, HEIGHT, MARGIN] = [84, 20, 2];
const BREAK_S = 2 * MINUTE_S; // statistics are added up a minute late: one that is missing breaks no line

const known = (values) => values.filter((value) => value != null);
const ms = (value) => `${number(value, 0)} ms`;

/** `lines`: names of the columns; `asked`: the attribute of the row with what was asked of them. */
const KINDS = {
  fps: {
    lines: ["fps"],
    asked: "rate",
    words: (value) => gettext("%(rate)s frames/s", { rate: number(value) }),
    sentence: (values) => gettext("Processed in the last hour: %(measured)s; asked %(asked)s", values),
    floor: 0,
  },
  latency: {
    lines: ["p95", "p50"],
    asked: "deadline",
    words: ms,
    sentence: (values) => gettext("Latency, median and 95th percentile in the last hour: %(measured)s; deadline %(asked)s", values),
    floor: 0,
  },
  agreement: {
    lines: ["agreement"],
    asked: "asked",
    words: percent,
    sentence: (values) => gettext("Agreement with its original in the last hour: %(measured)s; target %(asked)s", values),
  },
};

class Spark {
  constructor(image, asked) {
    this.kind = KINDS[image.dataset.spark];
    this.asked = asked;
    this.image = image;
    image.replaceChildren();
    this.title = draw("title", {}, image);
    this.limit = draw("line", { class: "spark-limit", x1: 0, x2: WIDTH }, image);
    this.paths = this.kind.lines.map((name) => draw("path", { class: `spark-${name}` }, image));
  }

  paint(minutes, until) {
    const columns = this.kind.lines.map((name) => minutes.map((minute) => minute[name]));
    const values = known(columns.flat());
    const top = Math.max(this.asked, ...values);
    const bottom = this.kind.floor ?? Math.min(this.asked, ...values) - 0.02;
    const y = (value) => HEIGHT - MARGIN - ((value - bottom) / (top - bottom)) * (HEIGHT - 2 * MARGIN);
    this.limit.setAttribute("y1", y(this.asked));
    this.limit.setAttribute("y2", y(this.asked));
    this.paths.forEach((path, index) => path.setAttribute("d", pathOf(minutes, columns[index], until, y)));
    const words = this.words(values);
    this.title.textContent = words;
    this.image.setAttribute("aria-label", words);
  }

  words(values) {
    const { words, sentence } = this.kind;
    const [low, high] = values.length ? [words(Math.min(...values)), words(Math.max(...values))] : [];
    const range = low === high ? low : gettext("%(low)s to %(high)s", { low, high });
    return sentence({ measured: range ?? gettext("nothing measured"), asked: words(this.asked) });
  }
}

function pathOf(minutes, column, until, y) {
  let before = -Infinity;
  let path = "";
  minutes.forEach(({ at }, index) => {
    if (column[index] == null) return;
    const x = (WIDTH * (at - (until - SHOWN_S))) / SHOWN_S;
    path += `${at - before > BREAK_S ? "M" : "L"}${x.toFixed(1)},${y(column[index]).toFixed(1)}`;
    if (at - before > BREAK_S) path += "h.01"; // a minute alone is a dot
    before = at;
  });
  return path;
}

/** The last hour of one query, oldest minute first; the newest is added up while it lasts. */
class Hour {
  #sums = null;

  constructor(minutes) {
    this.minutes = minutes;
  }

  add(at, interval_s, sample) {
    const start = at - (at % MINUTE_S);
    if (this.#sums?.at !== start) {
      this.#sums = { at: start, seconds: 0, processed: 0, weighted: 0, agreed: [] };
      this.minutes = this.minutes.filter((minute) => minute.at < start && minute.at >= start - SHOWN_S);
      this.minutes.push({ at: start, p95: null });
    }
    const sums = this.#sums;
    const newest = this.minutes.at(-1);
    sums.seconds += interval_s;
    sums.processed += sample.processed;
    sums.weighted += (sample.latency_p50_ms ?? 0) * sample.processed;
    if (sample.agreement != null) sums.agreed.push(sample.agreement);
    newest.fps = sums.processed / sums.seconds;
    newest.p50 = sums.processed ? sums.weighted / sums.processed : null;
    newest.p95 = Math.max(...known([newest.p95, sample.latency_p95_ms]));
    if (!Number.isFinite(newest.p95)) newest.p95 = null;
    newest.agreement = sums.agreed.length ? sums.agreed.reduce((sum, value) => sum + value, 0) / sums.agreed.length : null;
  }
}

export function start(table) {
  const { at, queries } = readJson(table.dataset.source);
  const hours = new Map(Object.entries(queries).map(([id, minutes]) => [id, new Hour(minutes)]));
  const sparks = new WeakMap(); // by image: the table is fetched again now and then

  function paint(row, until) {
    const hour = hours.get(row.dataset.query) ?? new Hour([]);
    hours.set(row.dataset.query, hour);
    for (const image of row.querySelectorAll("[data-spark]")) {
      const asked = Number(row.dataset[KINDS[image.dataset.spark].asked]);
      if (sparks.get(image)?.asked !== asked) sparks.set(image, new Spark(image, asked));
      sparks.get(image).paint(hour.minutes, until);
    }
  }

  for (const row of table.querySelectorAll("tr[data-query]")) paint(row, at);
  table.addEventListener("live:stats", ({ detail: { stats } }) => {
    for (const sample of stats.queries) {
      const row = table.querySelector(`tr[data-query="${CSS.escape(sample.query)}"]`);
      if (!row) continue;
      if (!hours.has(sample.query)) hours.set(sample.query, new Hour([]));
      hours.get(sample.query).add(stats.at, stats.interval_s, sample);
      paint(row, stats.at);
    }
  });
}
