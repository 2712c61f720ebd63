// Moves the focus after htmx has swapped a part of the page: to the first invalid field, or back to where it was.
import { all } from "./dom.js";

/** Returns the visible field if a script has replaced this one. */
function visible(field) {
  return document.getElementById(`${field.id}-entry`) ?? field;
}

export function enhance(root) {
  const field = root === document ? document.querySelector("[autofocus]") : all(root, "[autofocus]")[0];
  if (field) {
    for (let fold = field.closest("details:not([open])"); fold; fold = fold.parentElement.closest("details:not([open])")) {
      if (field.closest("summary")?.parentElement !== fold) fold.open = true;
    }
    visible(field).focus();
    return;
  }
  // A row that was replaced after an action in its menu.
  const isLost = !document.activeElement || document.activeElement === document.body;
  if (isLost && root.matches?.("tr")) root.querySelector("summary")?.focus();
}
