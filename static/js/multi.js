// Dropdowns with several choices (details.multi). The closed box shows the checked ones as chips. A chip's cross
// unchecks it; Backspace on the box unchecks the last one. menus.js handles opening, closing and the arrow keys.
import { changed, fresh, make, on } from "./dom.js";

function ticked(multi) {
  return [...multi.querySelectorAll("input:checked")];
}

function paint(multi) {
  const chips = ticked(multi).map((box) => {
    const cross = make("span", { class: "chip-remove", "data-untick": box.value, "aria-hidden": "true" });
    const label = box.closest("label").textContent.trim();
    return make("span", { class: "chip accent" }, make("span", {}, label), cross);
  });
  const none = make("span", { class: "quiet" }, multi.dataset.multi);
  multi.querySelector("[data-chosen]").replaceChildren(...(chips.length ? chips : [none]));
}

function untick(multi, box) {
  box.checked = false;
  changed(box);
}

export function enhance(root) {
  for (const multi of fresh(root, "[data-multi]", "Multi")) {
    multi.addEventListener("change", () => paint(multi));
    paint(multi);
  }
}

export function listen() {
  on("click", "[data-untick]", (event, cross) => {
    event.preventDefault();
    const multi = cross.closest("[data-multi]");
    const box = ticked(multi).find((one) => one.value === cross.dataset.untick);
    if (box) untick(multi, box);
  });
  on("keydown", "[data-multi] > summary", (event, summary) => {
    if (event.key !== "Backspace" && event.key !== "Delete") return;
    const multi = summary.parentElement;
    const last = ticked(multi).at(-1);
    if (!last) return;
    event.preventDefault();
    untick(multi, last);
  });
}
