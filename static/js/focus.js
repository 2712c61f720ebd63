// Moves the focus after htmx has swapped a part of the page: to the first invalid field, or back to where it was.
import { all } from "./dom.js";

/** Returns the visible field if a script has replaced this one. */
function visible(field) {
  return document.getElementById(`${field.id}-entry`) ?? field;
}

/** The id of the field that has the focus before a swap, and the end of its selection. */
let selected;

// htmx keeps the selection of a field that it replaces, unless the selection starts with the first character.
export function listen() {
  document.addEventListener("htmx:beforeSwap", () => {
    const { id, selectionStart: start, selectionEnd: end } = document.activeElement ?? {};
    selected = start === 0 && end > 0 ? { id, end } : undefined;
  });
  document.addEventListener("htmx:afterSwap", () => {
    const field = document.activeElement;
    if (selected?.id && field?.id === selected.id) field.setSelectionRange(0, selected.end);
  });
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
