// The editor of the body template. The text area stays the form's field, and is all there is without scripts. CodeMirror
// replaces it once it is loaded.
import { fresh, make, on } from "./dom.js";
import { format } from "./format.js";
import { say } from "./toasts.js";

/** Each editor's view, as a promise, because CodeMirror loads later than the page. */
const views = new WeakMap();
/** Whether the last key was Tab, so that tabbing through the page does not stop in the editor. */
let isTabbing = false;

const area = (editor) => editor.querySelector("textarea");

/** Shows the preview's result: marks on lines, as JSON, and a status. */
export function mark(editor, { marks = "", status = "", ok = "" }) {
  const shown = editor.querySelector("[data-editor-status]");
  shown.textContent = status;
  shown.dataset.ok = ok;
  views.get(editor)?.then((view) => view.mark(marks ? JSON.parse(marks) : []));
}

/** Inserts a field of the schema at the cursor, with the blocks that it needs there. */
export async function insert(editor, path) {
  const view = await views.get(editor);
  view.insert(path);
}

async function load(editor) {
  const field = area(editor);
  const hadFocus = document.activeElement === field;
  const { open } = await import("./editor-view.js");
  const view = open(editor, field, () => isTabbing);
  if (hadFocus || field.autofocus) view.focus();
  view.mark(JSON.parse(editor.dataset.marks || "[]"));
  return view;
}

async function tidy(editor) {
  const view = await views.get(editor);
  const { text, problem } = format(area(editor).value);
  if (problem) say(problem, { bad: true });
  else view.replace(text);
  view.focus();
}

export function enhance(root) {
  for (const editor of fresh(root, "[data-editor]", "Editor")) {
    const tip = make("span", { class: "editor-tip", id: "editor-tip" }, "Esc, then Tab leaves");
    editor.querySelector("[data-format]")?.before(tip);
    views.set(editor, load(editor));
  }
}

export function listen() {
  document.addEventListener("keydown", (event) => { isTabbing = event.key === "Tab" || (isTabbing && event.key === "Shift"); }, true);
  document.addEventListener("pointerdown", () => { isTabbing = false; }, true);
  on("click", "[data-format]", (_event, button) => tidy(button.closest("[data-editor]")));
}
