// The payload schema in the panel: a search while the user types, arrow keys to move, a click or Enter to insert a field.
// Inserting closes the panel and focuses the editor. On the schema's own page there is no editor, so a click copies.
import { copy } from "./copy.js";
import { on } from "./dom.js";
import { insert } from "./editor.js";
import { closePanel } from "./panel.js";
import { showToast } from "./toasts.js";

function visibleFields(page) {
  return [...page.querySelectorAll("li[data-search]:not([hidden]) [data-insert]")];
}

function search(input) {
  const page = input.closest(".panel-page");
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of page.querySelectorAll("li[data-search]")) {
    item.hidden = !words.every((word) => item.dataset.search.includes(word));
  }
  page.querySelector("[data-schema-none]").hidden = visibleFields(page).length > 0;
}

function moveFocus(event, page) {
  const list = visibleFields(page);
  const at = list.indexOf(document.activeElement);
  const input = page.querySelector("[data-schema-search]");
  if (event.key === "ArrowDown") (list[at + 1] ?? list.at(-1))?.focus();
  else if (event.key === "ArrowUp") (at > 0 ? list[at - 1] : input).focus();
  else return false;
  return true;
}

export function listen() {
  on("input", "[data-schema-search]", (_event, input) => search(input));
  on("keydown", '[data-panel-kind="schema"]', (event, page) => {
    if (moveFocus(event, page)) event.preventDefault();
    if (event.key !== "Enter" || !event.target.matches("[data-schema-search]") || !page.closest("dialog")) return;
    event.preventDefault();
    visibleFields(page)[0]?.click();
  });
  on("click", "[data-insert]", async (_event, button) => {
    const editor = document.querySelector("[data-editor]");
    if (!editor) {
      const done = await copy(button.dataset.insert, button);
      showToast(done ? `Copied ${button.dataset.insert}` : "The browser did not allow copying. Select the text and copy it.", { bad: !done });
      return;
    }
    await closePanel();
    await insert(editor, button.dataset.path);
  });
}
