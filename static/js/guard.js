// Asks before unsaved changes are lost.
import { fresh, on } from "./dom.js";

/** Menus that are no part of what is saved. */
const ASIDE = ["preview_event", "test_event"];

const saved = new WeakMap();
let leaving = false;

function content(form) {
  const pairs = [...new FormData(form)].filter(([name]) => !ASIDE.includes(name));
  return JSON.stringify(pairs);
}

function isDirty() {
  const form = document.querySelector("form[data-guard]");
  return Boolean(form) && (form.hasAttribute("data-dirty") || saved.get(form) !== content(form));
}

export function enhance(root) {
  for (const form of fresh(root, "form[data-guard]", "Guard")) saved.set(form, content(form));
}

export function listen() {
  addEventListener("beforeunload", (event) => {
    if (!leaving && isDirty()) event.preventDefault();
  });
  // Saving does not ask; coming back by the browser's cache asks again.
  on("submit", "form[data-guard]", (event) => { if (!event.defaultPrevented) leaving = true; });
  addEventListener("pageshow", () => { leaving = false; });
  on("click", "a[data-leave]", (event) => {
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0;
    if (elsewhere || !isDirty()) return;
    if (confirm("Leave without saving? What you changed here is lost.")) leaving = true;
    else event.preventDefault();
  });
}
