// The command palette: a dialog whose combobox finds everything. The server finds; this moves through its options.

import { gettext } from "../words.js";

export function start(dialog) {
  const input = dialog.querySelector("[role=combobox]");
  const list = dialog.querySelector("[role=listbox]");
  const words = dialog.querySelector("[data-palette-status]");
  const options = () => [...list.querySelectorAll("a[role=option]")];
  const active = () => list.querySelector("[aria-selected=true]");

  function choose(option) {
    active()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  }

  function step(by) {
    const all = options();
    if (all.length) choose(all[(all.indexOf(active()) + by + all.length) % all.length]);
  }

  function open() {
    if (dialog.open) return;
    dialog.showModal();
    input.setAttribute("aria-expanded", "true");
    input.select();
    input.dispatchEvent(new Event("palette:open"));
  }

  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") step(1);
    else if (event.key === "ArrowUp") step(active() ? -1 : 0);
    else if (event.key === "Enter" && active() && !input.classList.contains("htmx-request")) active().click();
    else return;
    event.preventDefault();
  });
  list.addEventListener("htmx:afterSwap", () => {
    const count = options().length;
    choose(options()[0]);
    words.textContent = count ? gettext("%(count)s found", { count }) : list.textContent.trim();
  });
  list.addEventListener("htmx:responseError", () => list.replaceChildren());
  list.addEventListener("pointermove", (event) => {
    const option = event.target.closest("a[role=option]");
    if (option && option !== active()) choose(option);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-palette-close]")) dialog.close();
  });
  dialog.addEventListener("close", () => input.setAttribute("aria-expanded", "false"));
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-palette-open]") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    open();
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
    const isShortcut = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k";
    const isSlash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping;
    if (!isShortcut && !isSlash) return;
    event.preventDefault();
    open();
  });
  dialog.dataset.started = "";  // from now on by keyboard, too
}
