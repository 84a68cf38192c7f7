// Light or dark before the first paint: the person's choice, else the system's. A plain script, so that it blocks.
(() => {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem("gemel-theme");
  const apply = () => {
    const theme = chosen() ?? (system.matches ? "dark" : "light");
    document.documentElement.dataset.bsTheme = theme;
    document.dispatchEvent(new CustomEvent("gemel:theme", { detail: theme }));
  };
  window.gemelSwitchTheme = () => {
    localStorage.setItem("gemel-theme", document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark");
    apply();
  };
  system.addEventListener("change", apply);
  apply();
})();

// On a phone every row of a table is a list (table-stacked), whose entries are named as their columns. The element stands at
// the end of a page and is connected as soon as it is parsed: before the first paint, which waits for what comes after it.
(() => {
  const words = (header) => {
    const copy = header.cloneNode(true);
    copy.querySelectorAll(".term").forEach((term) => term.remove());
    return [...copy.childNodes].map((node) => node.textContent.trim()).filter(Boolean).join(", ");
  };
  window.gemelNameCells = () => {
    for (const table of document.querySelectorAll(".table-stacked")) {
      const names = [...(table.tHead?.rows[0].cells ?? [])].map(words);
      for (const row of table.tBodies[0]?.rows ?? []) {
        [...row.cells].forEach((cell, column) => {
          if (column && names[column] && !cell.dataset.label) cell.dataset.label = names[column];
        });
      }
    }
  };
  class PageEnd extends HTMLElement {
    connectedCallback() {
      if (window.matchMedia("(max-width: 1100px)").matches) window.gemelNameCells();
    }
  }
  customElements.define("page-end", PageEnd);
})();

// All other scripts once the page stands there: asked for earlier, they share the processor and the connections with it.
// In a page that is in the background, and is not painted, at once. htmx finds its elements by itself in a page that is
// loaded, or that is not parsed yet: never between the two.
window.addEventListener("load", () => {
  const scripts = document.querySelector("template[data-scripts]")?.content.children ?? [];
  const add = () => {
    for (const script of scripts) {
      const copy = document.importNode(script);
      copy.async = false; // one after the other, in their order
      document.head.append(copy);
    }
  };
  if (document.hidden) add();
  else requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(add)));
});
