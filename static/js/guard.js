// Asks before unsaved changes are lost.
import { allOnce, on } from "./dom.js";

/** Fields that are not saved. */
const IGNORED = ["preview_event", "test_event", "csrf"];

const saved = new WeakMap();
let leaving = false;

function serialize(form) {
  const pairs = [...new FormData(form)].filter(([name]) => !IGNORED.includes(name));
  return JSON.stringify(pairs);
}

function isDirty() {
  const form = document.querySelector("form[data-guard]");
  return Boolean(form) && (form.hasAttribute("data-dirty") || saved.get(form) !== serialize(form));
}

export function enhance(root) {
  for (const form of allOnce(root, "form[data-guard]", "Guard")) saved.set(form, serialize(form));
}

export function listen() {
  addEventListener("beforeunload", (event) => {
    if (!leaving && isDirty()) event.preventDefault();
  });
  // Saving leads to the next page without a question. A page from the browser's cache is guarded again.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const { elt, xhr } = event.detail;
    if (elt.matches("form[data-guard]") && xhr.getResponseHeader("HX-Redirect")) leaving = true;
  });
  addEventListener("pageshow", () => { leaving = false; });
  on("click", "a[data-leave]", (event) => {
    const opensNewTab = event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0;
    if (opensNewTab || !isDirty()) return;
    if (confirm("Leave without saving? Your changes will be lost.")) leaving = true;
    else event.preventDefault();
  });
}
