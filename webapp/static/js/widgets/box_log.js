// The newest lines of a box's log, from the box itself and only while somebody looks.

import { moment } from "../format.js";
import { subscribe, unsubscribe } from "../live.js";
import { gettext } from "../words.js";

const LINES_MAX = 500;
const SILENCE_MS = 10_000;

export function start(element) {
  const topic = `box-log:${element.dataset.box}`;
  const parts = Object.fromEntries(["show", "hide", "note", "lines"].map((part) => [part, element.querySelector(`[data-${part}]`)]));
  const known = new Set(); // boot and number of each line that is shown
  let silence = 0;

  function look(isLooking) {
    parts.show.hidden = isLooking;
    parts.hide.hidden = parts.lines.hidden = !isLooking;
    parts.note.hidden = !isLooking || known.size > 0;
    parts.note.textContent = gettext("Asking the box …");
    clearTimeout(silence);
    (isLooking ? subscribe : unsubscribe)(topic);
    if (isLooking) silence = setTimeout(() => (parts.note.textContent = gettext("The box says nothing: it is not connected, or too old to send its log. The log is on its disk, too: log/gemel-edge.jsonl in its state folder.")), SILENCE_MS);
  }

  function add(boot, { number, at, level, text }) {
    if (known.has(`${boot} ${number}`)) return;
    known.add(`${boot} ${number}`);
    const line = document.createElement("div");
    line.className = `log-line is-${level}`;
    for (const [className, words] of [["log-at", moment(new Date(1000 * at))], ["log-level", level], ["log-text", text]]) {
      line.append(Object.assign(document.createElement("span"), { className, textContent: words }));
    }
    parts.lines.append(line);
    while (parts.lines.childElementCount > LINES_MAX) parts.lines.firstChild.remove();
  }

  parts.show.addEventListener("click", () => look(true));
  parts.hide.addEventListener("click", () => look(false));
  document.addEventListener("live:log", ({ detail }) => {
    if (detail.topic !== topic || parts.lines.hidden) return;
    clearTimeout(silence);
    parts.note.hidden = true;
    const { scrollTop, scrollHeight, clientHeight } = parts.lines;
    const isAtEnd = scrollTop + clientHeight > scrollHeight - 8;
    for (const line of detail.lines) add(detail.boot, line);
    if (isAtEnd) parts.lines.scrollTop = parts.lines.scrollHeight;
  });
}
