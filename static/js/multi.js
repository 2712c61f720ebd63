// Several of a list (details.multi): what is ticked shows as chips in the closed box. A chip's
// cross takes it away; on the box itself, Backspace takes the last one. Opening, closing and the
// arrow keys are the menus' business.
import { changed, fresh, make, on } from "./dom.js";

function ticked(multi) {
  return [...multi.querySelectorAll("input:checked")];
}

function paint(multi) {
  const chips = ticked(multi).map((box) => {
    const cross = make("span", { class: "chip-remove", "data-untick": box.value, "aria-hidden": "true" });
    return make("span", { class: "chip accent" }, make("span", {}, box.value), cross);
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
