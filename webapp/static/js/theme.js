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
