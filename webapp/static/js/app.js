// Entry of every signed-in page, once it stands there (start.js): live updates, gentle refetching, and the widgets that
// the page's markup asks for.

import { ago, moment } from "./format.js";
import * as live from "./live.js";
import { gettext } from "./words.js";

const WIDGETS = {
  "box-filter": () => import("./widgets/box_filter.js"),
  "box-log": () => import("./widgets/box_log.js"),
  "camera-view": () => import("./widgets/camera_view.js"),
  "camera-wall": () => import("./widgets/camera_wall.js"),
  "count-chart": () => import("./widgets/count_chart.js"),
  "event-gallery": () => import("./widgets/event_gallery.js"),
  "memory-chart": () => import("./widgets/memory_chart.js"),
  "merge-compare": () => import("./widgets/merge_compare.js"),
  "merge-run": () => import("./widgets/merge_run.js"),
  palette: () => import("./widgets/palette.js"),
  "query-chart": () => import("./widgets/query_chart.js"),
  residency: () => import("./widgets/residency.js"),
  "query-sparks": () => import("./widgets/query_sparks.js"),
  "query-rows": () => import("./widgets/query_rows.js"),
  sharing: () => import("./widgets/sharing.js"),
  treemap: () => import("./widgets/treemap.js"),
  "zone-editor": () => import("./widgets/zone_editor.js"),
};
const REFETCH_AFTER_MS = 400;
const POLL_MS = 15_000;
const started = new WeakSet();

async function startWidgets() {
  for (const element of document.querySelectorAll("[data-widget]")) {
    if (started.has(element)) continue;
    started.add(element);
    const widget = await WIDGETS[element.dataset.widget]();
    widget.start(element);
  }
}

// Refetching: a part marked data-refresh loads its own page again (or what data-refresh-from names) and takes the part
// with its id out of it. Parts of one page that want it at about the same time share one request, and requests come one
// after the other, so that no older answer goes over a newer one.
//
// An answer is parsed into a document of its own and never moved into the page's: there its pictures would be loaded, and
// Chromium keeps a picture without an address, and with it the whole answer, for as long as the page is open.

const asked = new Map();
let answered = Promise.resolve();
const addressOf = (element) => element.dataset.refreshFrom ?? location.href;

function refetch(element) {
  const address = addressOf(element);
  if (asked.has(address)) return void asked.get(address).add(element.id);
  asked.set(address, new Set([element.id]));
  setTimeout(() => (answered = answered.then(() => ask(address)).catch(reportError)), REFETCH_AFTER_MS);
}

async function ask(address) {
  const ids = [...asked.get(address)];
  asked.delete(address);
  const elements = () => ids.map((id) => document.getElementById(id)).filter((element) => element && addressOf(element) === address);
  if (!elements().length || document.hidden) return;
  const page = await parsedPage(address);
  if (!page) return;
  for (const element of elements()) take(element, page.getElementById(element.id));
  followChanges();
}

/** Null where there is none: offline, an error, or a page to sign in at. The next message or poll asks again. */
async function parsedPage(address) {
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(POLL_MS) });
    if (!answer.ok || answer.redirected) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return null;
  }
}

function take(element, fresh) {
  if (!fresh) return;
  Idiomorph.morph(element, fresh);
  htmx.process(document.getElementById(element.id));
}

const refetchables = () => document.querySelectorAll("[data-refresh]");

function startRefetching() {
  for (const kind of ["changed", "connection", "event", "report", "state"]) {
    document.addEventListener(`live:${kind}`, ({ detail }) => {
      for (const element of refetchables()) {
        if ((element.dataset.live ?? "").split(/\s+/).includes(detail.topic)) refetch(element);
      }
    });
  }
  live.status.addEventListener("back", () => refetchables().forEach(refetch));
  document.addEventListener("visibilitychange", () => document.hidden || refetchables().forEach(refetch));
  setInterval(() => {
    for (const element of refetchables()) if (!live.isLive || element.dataset.refreshEvery) refetch(element);
  }, POLL_MS);
}

// Tables: one that is wider than the page can be scrolled by keyboard, too.

function reachWideTables() {
  for (const part of document.querySelectorAll(".table-responsive:not([role])")) {
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  }
}

function keepWhatIsLive() {
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (old, fresh) =>
    !(old.dataset?.preserve !== undefined && fresh.dataset?.preserve !== undefined);
}

function followChanges() {
  live.scan();
  startWidgets();
  showLocalTimes();
  window.gemelNameCells();
  reachWideTables();
}

document.addEventListener("htmx:afterSettle", followChanges);

// A part that does not come says so, rather than to look as if it were still on its way.

for (const failure of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(failure, ({ detail }) => {
    const skeleton = detail.target.querySelector("[data-skeleton]");
    if (!skeleton) return;
    skeleton.classList.remove("placeholder-glow");
    skeleton.querySelector(".card-body").textContent = skeleton.dataset.skeleton;
  });
}

// What depends on a choice hears of other options as of another choice: the first of them is chosen now.

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target instanceof HTMLSelectElement) detail.target.dispatchEvent(new Event("change", { bubbles: true }));
});

// The badge at the foot of the side bar. Only its first words are read out: its age changes every few seconds.

function showStatus() {
  const badge = document.querySelector("[data-live-status]");
  const words = badge.querySelector("[data-live-words]");
  const seconds = live.lastMessageAt && Math.round((Date.now() - live.lastMessageAt) / 1000);
  const state = live.isLive ? "live" : "lost";
  const age = seconds == null ? "" : seconds < 5 ? gettext(", updated just now") : gettext(", updated %(ago)s", { ago: ago(new Date(live.lastMessageAt)) });
  if (badge.dataset.state !== state) badge.closest(".navbar").dataset.liveState = badge.dataset.state = state;
  const text = live.isLive ? gettext("Live") : gettext("Connection lost, asking every 15 s");
  if (words.textContent !== text) words.textContent = text;
  badge.querySelector("[data-live-age]").textContent = age;
}

function showAges() {
  for (const element of document.querySelectorAll("time[data-ago]")) {
    const text = ago(new Date(element.dateTime));
    if (element.textContent !== text) element.textContent = text;
  }
}

function showLocalTimes() {
  for (const element of document.querySelectorAll("time[data-local]")) {
    const text = moment(new Date(element.dateTime));
    if (element.textContent !== text) element.textContent = text;
  }
}

async function copy(button) {
  const text = document.querySelector(button.dataset.copy).textContent;
  await navigator.clipboard.writeText(text);
  button.title = gettext("Copied");
  button.setAttribute("aria-label", button.title);
}

function toggleControlled(button) {
  const isShown = document.getElementById(button.getAttribute("aria-controls")).classList.toggle("show");
  button.setAttribute("aria-expanded", isShown);
}

document.addEventListener("click", (event) => {
  const copyButton = event.target.closest("[data-copy]");
  if (copyButton) copy(copyButton);
  if (event.target.closest("[data-theme-switch]")) window.gemelSwitchTheme();
  const toggle = event.target.closest("[data-toggle]");
  if (toggle) toggleControlled(toggle);
  event.target.closest("[data-dismiss]")?.parentElement.remove();
});

document.addEventListener("change", ({ target }) => {
  if (target instanceof HTMLSelectElement) target.closest("form[data-submit-on-change]")?.requestSubmit();
});

keepWhatIsLive();
startRefetching();
followChanges();
window.addEventListener("resize", reachWideTables);
live.start();
setInterval(showStatus, 1000);
setInterval(showAges, 1000);
live.status.addEventListener("live", showStatus);
live.status.addEventListener("lost", showStatus);
