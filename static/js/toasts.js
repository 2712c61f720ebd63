// Short messages in the corner. Messages disappear after a while, but not under the pointer or with the focus inside.
// Errors and messages with a link stay until they are dismissed.
import { allOnce, createElement, on } from "./dom.js";

const TOAST_DURATION_MS = 6000;
const MAX_TOASTS = 4;

/** Shows a message. */
export function showToast(text, { bad = false } = {}) {
  const region = document.getElementById("toasts");
  if (!region) return;
  const close = createElement("button", { type: "button", class: "icon-button", "data-close-toast": "", "aria-label": "Dismiss" }, "×");
  const toast = createElement("div", { class: bad ? "toast bad" : "toast" }, createElement("p", {}, text), close);
  for (const old of [...region.children].filter((other) => other.textContent === toast.textContent)) old.remove();
  while (region.children.length >= MAX_TOASTS) region.firstElementChild.remove();
  region.append(toast);
  enhance(region);
}

function dismiss(toast) {
  toast.classList.add("leaving");
  setTimeout(() => toast.remove(), 200);
}

/** Starts the timers of messages that disappear. */
export function enhance(root) {
  for (const toast of allOnce(root, ".toast:not(.bad, .warn)", "Toast")) {
    const expire = () => {
      if (!toast.isConnected) return;
      const isInUse = toast.matches(":hover") || toast.contains(document.activeElement);
      if (isInUse || document.hidden) setTimeout(expire, 1500);
      else dismiss(toast);
    };
    setTimeout(expire, TOAST_DURATION_MS);
  }
}

export function listen() {
  on("click", "[data-close-toast]", (_event, button) => dismiss(button.closest(".toast")));
}
