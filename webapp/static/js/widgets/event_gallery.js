// Pictures of events, large: a click opens one over the page, arrow keys go to its neighbours. Without scripts, or with
// a modifier key, the link opens the picture by itself.

import { gettext } from "../words.js";

function made(name, className, text = "") {
  return Object.assign(document.createElement(name), { className, textContent: text });
}

function button(label, text, onclick) {
  const node = Object.assign(made("button", "btn btn-icon event-button", text), { type: "button", onclick });
  node.setAttribute("aria-label", label);
  return node;
}

export function start(gallery) {
  const dialog = made("dialog", "event-dialog");
  const picture = made("img", "");
  const caption = made("p", "event-caption");
  let shown = null; // the id of the event's figure: the list may be fetched again meanwhile

  const links = () => [...gallery.querySelectorAll("[data-event-picture]")];
  const idOf = (link) => link.closest("figure").id;

  function show(link) {
    shown = idOf(link);
    const figure = link.closest("figure");
    picture.src = link.href;
    picture.alt = link.querySelector("img").alt;
    caption.textContent = [...figure.querySelectorAll("strong, time")].map((part) => part.textContent).join(" · ");
    if (!dialog.open) dialog.showModal();
  }

  function step(by) {
    const all = links();
    const next = all[all.findIndex((link) => idOf(link) === shown) + by];
    if (next) show(next);
  }

  dialog.setAttribute("aria-label", gettext("Picture of an event"));
  const bar = made("div", "event-bar");
  bar.append(caption, button(gettext("Newer event"), "‹", () => step(-1)), button(gettext("Older event"), "›", () => step(1)), button(gettext("Close"), "×", () => dialog.close()));
  dialog.append(picture, bar);
  document.body.append(dialog);

  dialog.addEventListener("keydown", ({ key }) => {
    if (key === "ArrowLeft") step(-1);
    if (key === "ArrowRight") step(1);
  });
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  gallery.addEventListener("click", (event) => {
    const link = event.target.closest("[data-event-picture]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(link);
  });
}
