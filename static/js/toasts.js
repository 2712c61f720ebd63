// Short messages in the corner. Good news goes away by itself, but not from under the pointer or
// the focus; bad news stays until it is dismissed.
import { fresh, make, on } from "./dom.js";

const STAYS_MS = 6000;
const MOST = 4;

/** Says something. */
export function say(text, { bad = false } = {}) {
  const region = document.getElementById("toasts");
  if (!region) return;
  const close = make("button", { type: "button", class: "icon-button", "data-close-toast": "", "aria-label": "Dismiss" }, "×");
  const toast = make("div", { class: bad ? "toast bad" : "toast" }, make("p", {}, text), close);
  for (const old of [...region.children].filter((other) => other.textContent === toast.textContent)) old.remove();
  while (region.children.length >= MOST) region.firstElementChild.remove();
  region.append(toast);
  enhance(region);
}

function dismiss(toast) {
  toast.classList.add("leaving");
  setTimeout(() => toast.remove(), 200);
}

/** Starts the clock of each toast that may leave. */
export function enhance(root) {
  for (const toast of fresh(root, ".toast:not(.bad)", "Toast")) {
    const tick = () => {
      if (!toast.isConnected) return;
      const held = toast.matches(":hover") || toast.contains(document.activeElement);
      if (held || document.hidden) setTimeout(tick, 1500);
      else dismiss(toast);
    };
    setTimeout(tick, STAYS_MS);
  }
}

export function listen() {
  on("click", "[data-close-toast]", (_event, button) => dismiss(button.closest(".toast")));
}
