// Where the focus goes after htmx has put something in place of something else: to the field that
// needs mending, else back to where it was.
import { all } from "./dom.js";

/** The field that a person types in, where a script has put another in its place. */
function seen(field) {
  const stand = document.getElementById(`${field.id}-entry`);
  return stand ?? field;
}

export function enhance(root) {
  const field = root === document ? document.querySelector("[autofocus]") : all(root, "[autofocus]")[0];
  if (field) {
    for (let fold = field.closest("details:not([open])"); fold; fold = fold.parentElement.closest("details:not([open])")) {
      if (field.closest("summary")?.parentElement !== fold) fold.open = true;
    }
    seen(field).focus();
    return;
  }
  // A row that was changed from its own menu.
  const isLost = !document.activeElement || document.activeElement === document.body;
  if (isLost && root.matches?.("tr[id]")) root.querySelector("summary")?.focus();
}
