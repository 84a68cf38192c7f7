// The page of one merge run: its charts and figures as they come, and what was missed while the connection was lost.

import { duration, percent, size } from "../format.js";
import { status } from "../live.js";
import { gettext, ngettext } from "../words.js";
import { readJson } from "./drawing.js";
import { accuracyChart, lineColour, savedChart } from "./run_charts.js";
import { RunHistory, isResume } from "./run_history.js";

const LOG_LINES = 200;
const SILENT_AFTER_S = 90;
const POLL_MS = 15_000;
const BASES = { agreement: gettext("agreement"), "relative accuracy": gettext("relative accuracy") };
const ENDED = new Set(["finished", "cancelled", "failed"]);

function timeLeft({ seconds_left_low: low, seconds_left_high: high }) {
  if (low == null && high == null) return "–";
  if (low == null || high == null || Math.round(low) === Math.round(high)) return gettext("about %(time)s", { time: duration(high ?? low) });
  return gettext("%(low)s to %(high)s", { low: duration(low), high: duration(high) });
}

const atTarget = (queries) => gettext("%(met)s of %(all)s queries at target", { met: queries.filter((figures) => figures.target_met).length, all: queries.length });

function sentence(event, history) {
  const figures = { saved: size(event.saved_bytes), targets: event.queries?.length ? `, ${atTarget(event.queries)}` : "", trying: event.trying };
  if (isResume(event, history)) return gettext("Went on from its last checkpoint, after its worker had stopped.");
  switch (event.type) {
    case "started": return gettext("Started: %(size)s of weights before merging.", { size: size(event.bytes_before) });
    case "evaluated": return gettext("Evaluated%(targets)s.", figures);
    case "accepted": return gettext("Accepted: %(saved)s saved%(targets)s.", figures);
    case "rejected": return gettext("Not accepted%(targets)s. %(trying)s", figures);
    case "finished": return event.saved_bytes ? gettext("Finished: %(saved)s saved.", figures) : gettext("Finished: nothing found that keeps every target.");
    case "cancelled": return gettext("Cancelled. What was accepted is kept: %(saved)s saved.", figures);
    default: return event.trying || event.type;
  }
}

export function start(element) {
  const page = new RunPage(element);
  page.restart(readJson(element.dataset.source));
  page.showCharts();
  element.addEventListener("live:event", ({ detail }) => page.hear(detail));
  element.addEventListener("live:state", () => location.reload());
  if (element.dataset.going === undefined) return;
  const catchUp = () => page.catchUp();
  const timer = setInterval(() => {
    if (!element.isConnected) return void clearInterval(timer);
    page.showSilence();
  }, 1000);
  status.addEventListener("back", catchUp);
  setInterval(() => document.querySelector('[data-live-status][data-state="lost"]') && catchUp(), POLL_MS);
}

class RunPage {
  constructor(element) {
    this.element = element;
    this.rows = [...element.querySelectorAll("[data-query-name]")];
    this.rows.forEach((row, index) => { row.querySelector("[data-mark]").style.background = lineColour(index); });
    this.heardAt = Date.parse(element.dataset.heardAt) || Date.now();
    this.redraw = () => {};
  }

  cell(name) {
    return this.element.querySelector(`[data-field="${name}"]`);
  }

  restart({ last, events }) {
    this.last = last;
    this.history = new RunHistory(this.rows.map((row) => row.dataset.queryName));
    this.element.querySelector("[data-log]").replaceChildren();
    events.forEach((event) => this.take(event));
  }

  showCharts() {
    const targets = this.rows.map((row) => Number(row.dataset.target));
    const charts = [
      savedChart(this.element.querySelector("[data-chart-saved]"), () => [this.history], {}),
      accuracyChart(this.element.querySelector("[data-chart-accuracy]"), () => this.history, targets),
    ];
    this.redraw = () => charts.forEach((draw) => draw());
  }

  hear({ seq, event }) {
    if (seq <= this.last) return;
    if (this.element.dataset.state === "queued") return location.reload(); // it started before this page listened
    this.last = seq;
    this.heardAt = Date.now();
    this.take(event);
    this.redraw();
    this.showSilence();
  }

  take(event) {
    this.showFigures(event);
    this.showQueries(event);
    this.log(event);
    this.history.add(event);
    const times = this.history.resumes.length;
    this.cell("resumed").textContent = times ? ` · ${ngettext("resumed once after its worker had stopped", "resumed %(times)s times after its worker had stopped", times, { times })}` : "";
  }

  /** After a lost connection: what the page would say if it were opened now. */
  async catchUp() {
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const same = fresh.querySelector(`[data-widget="merge-run"]`);
    if (same?.dataset.state !== this.element.dataset.state) return location.reload();
    const history = JSON.parse(fresh.getElementById(this.element.dataset.source).textContent);
    if (history.last === this.last) return;
    this.heardAt = Date.parse(same.dataset.heardAt) || this.heardAt;
    this.restart(history);
    this.redraw();
  }

  showFigures(event) {
    if (event.type !== "evaluated") { // whose bytes are those of a trial, not of what is accepted
      this.cell("saved").textContent = size(event.saved_bytes);
      this.cell("saved-share").textContent = event.bytes_before ? percent(event.saved_bytes / event.bytes_before) : "";
      this.cell("before").textContent = size(event.bytes_before);
      this.cell("after").textContent = size(event.bytes_after);
    }
    this.cell("elapsed").textContent = duration(event.seconds);
    this.cell("samples").textContent = (event.samples_seen ?? 0).toLocaleString("en");
    const isGoing = this.element.dataset.going !== undefined;
    if (isGoing) this.showTimeLeft(event);
    const words = ENDED.has(event.type) ? sentence(event, this.history) : event.trying;
    if (words) this.cell("trying").textContent = words;
    const progress = this.cell("progress");
    progress.hidden = !isGoing || !event.steps_planned || ENDED.has(event.type);
    progress.max = event.steps_planned || 1;
    progress.value = event.step;
    this.cell("steps").textContent = progress.hidden ? "" : gettext("step %(step)s of %(planned)s", { step: event.step, planned: event.steps_planned });
  }

  showTimeLeft(event) {
    const limit = Number(this.element.dataset.limit);
    this.cell("left").textContent = timeLeft(event);
    this.cell("limit").textContent = limit ? gettext("for this training; %(left)s until the limit", { left: duration(Math.max(0, limit - event.seconds)) }) : gettext("for this training");
  }

  showQueries(event) {
    for (const figures of event.queries ?? []) {
      const row = this.rows.find((found) => found.dataset.queryName === figures.name);
      if (!row) continue;
      row.querySelector('[data-field="accuracy"]').textContent = percent(figures.relative_accuracy);
      row.querySelector('[data-field="interval"]').textContent = gettext("%(low)s to %(high)s", { low: percent(figures.lower_bound), high: percent(figures.upper_bound) });
      row.querySelector('[data-field="basis"]').textContent = BASES[figures.basis] ?? figures.basis;
      const verdict = row.querySelector('[data-field="verdict"]');
      verdict.textContent = figures.target_met ? gettext("at target") : gettext("below target");
      verdict.className = `text-nowrap ${figures.target_met ? "text-good" : "text-bad"}`;
    }
  }

  log(event) {
    if (event.type === "progress") return;
    const list = this.element.querySelector("[data-log]");
    const item = document.createElement("li");
    const at = Object.assign(document.createElement("span"), { className: "num text-secondary", textContent: duration(event.seconds) });
    item.append(at, Object.assign(document.createElement("span"), { textContent: sentence(event, this.history) }));
    list.prepend(item);
    while (list.childElementCount > LOG_LINES) list.lastElementChild.remove();
  }

  showSilence() {
    const silent = (Date.now() - this.heardAt) / 1000;
    const note = this.cell("silence");
    note.hidden = this.element.dataset.state !== "running" || silent < SILENT_AFTER_S;
    if (!note.hidden) note.textContent = gettext("Nothing heard for %(time)s: its machine is busy, or its worker was stopped and another one will go on from the last checkpoint.", { time: duration(silent) });
  }
}
