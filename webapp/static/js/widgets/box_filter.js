// A long list of boxes to choose from: shows those whose name has the entered text, and chooses all shown or none.

import { gettext } from "../words.js";

export function start(element) {
  const filter = element.querySelector("[data-filter]");
  const words = element.querySelector("[data-chosen]");
  const choices = [...element.querySelectorAll("[data-choice]")];
  const input = (choice) => choice.querySelector("input");

  function show() {
    const text = filter.value.trim().toLowerCase();
    for (const choice of choices) choice.hidden = !choice.textContent.toLowerCase().includes(text);
    const shown = choices.filter(({ hidden }) => !hidden).length;
    const chosen = choices.filter((choice) => input(choice).checked).length;
    words.textContent = gettext("%(chosen)s of %(all)s chosen, %(shown)s shown.", { chosen, all: choices.length, shown });
  }

  filter.addEventListener("input", show);
  filter.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  element.addEventListener("change", show);
  for (const button of element.querySelectorAll("[data-choose]")) {
    button.addEventListener("click", () => {
      const isAll = button.dataset.choose === "all";
      for (const choice of choices) if (!isAll || !choice.hidden) input(choice).checked = isAll;
      show();
    });
  }
  show();
}
