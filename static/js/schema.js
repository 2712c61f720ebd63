// The payload schema in the panel: search as you type, walk with the arrow keys, insert with a
// click or Enter. Inserting closes the panel: the eye goes back to the text, and so does the focus.
// On a page of its own there is nothing to insert into: a click copies.
import { copy } from "./copy.js";
import { on } from "./dom.js";
import { insert } from "./editor.js";
import { closePanel } from "./panel.js";
import { say } from "./toasts.js";

function shown(page) {
  return [...page.querySelectorAll("li[data-search]:not([hidden]) [data-insert]")];
}

function search(input) {
  const page = input.closest(".panel-page");
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of page.querySelectorAll("li[data-search]")) {
    item.hidden = !words.every((word) => item.dataset.search.includes(word));
  }
  page.querySelector("[data-schema-none]").hidden = shown(page).length > 0;
}

function walk(event, page) {
  const list = shown(page);
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
    if (walk(event, page)) event.preventDefault();
    if (event.key !== "Enter" || !event.target.matches("[data-schema-search]") || !page.closest("dialog")) return;
    event.preventDefault();
    shown(page)[0]?.click();
  });
  on("click", "[data-insert]", async (_event, button) => {
    const editor = document.querySelector("[data-editor]");
    if (!editor) {
      const done = await copy(button.dataset.insert, button);
      say(done ? `Copied ${button.dataset.insert}` : "The browser did not allow copying. Select the text and copy it.", { bad: !done });
      return;
    }
    await closePanel();
    await insert(editor, button.dataset.path);
  });
}
