// Dropdowns with checkboxes (details.multi). The closed box shows the checked ones as chips. The cross of a chip unchecks
// it; Backspace on the box unchecks the last one. menus.js handles opening, closing and the arrow keys.
import { allOnce, createElement, dispatchChange, on } from "./dom.js";

function checkedBoxes(multi) {
  return [...multi.querySelectorAll("input:checked")];
}

function render(multi) {
  const chips = checkedBoxes(multi).map((box) => {
    const cross = createElement("span", { class: "chip-remove", "data-uncheck": box.value, "aria-hidden": "true" });
    const label = box.closest("label").textContent.trim();
    return createElement("span", { class: "chip accent" }, createElement("span", {}, label), cross);
  });
  const none = createElement("span", { class: "quiet" }, multi.dataset.multi);
  multi.querySelector("[data-chosen]").replaceChildren(...(chips.length ? chips : [none]));
}

function uncheck(multi, box) {
  box.checked = false;
  dispatchChange(box);
}

export function enhance(root) {
  for (const multi of allOnce(root, "[data-multi]", "Multi")) {
    multi.addEventListener("change", () => render(multi));
    render(multi);
  }
}

export function listen() {
  on("click", "[data-uncheck]", (event, cross) => {
    event.preventDefault();
    const multi = cross.closest("[data-multi]");
    const box = checkedBoxes(multi).find((one) => one.value === cross.dataset.uncheck);
    if (box) uncheck(multi, box);
  });
  on("keydown", "[data-multi] > summary", (event, summary) => {
    if (event.key !== "Backspace" && event.key !== "Delete") return;
    const multi = summary.parentElement;
    const last = checkedBoxes(multi).at(-1);
    if (!last) return;
    event.preventDefault();
    uncheck(multi, last);
  });
}
