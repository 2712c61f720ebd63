// The body template's editor. The text area stays the form's field: it is what is sent, and what
// there is without scripts. CodeMirror stands in for it once it has come, which only this page loads.
import { fresh, make, on } from "./dom.js";
import { format } from "./format.js";
import { say } from "./toasts.js";

/** Each editor's view, as a promise: what happens before it has come waits for it. */
const views = new WeakMap();
/** Whether Tab was the last that was done: who only passes through is not kept. */
let isTabbing = false;

const area = (editor) => editor.querySelector("textarea");

/** Shows what the preview found: marks on lines as JSON, and a status. */
export function mark(editor, { marks = "", status = "", ok = "" }) {
  const shown = editor.querySelector("[data-editor-status]");
  shown.textContent = status;
  shown.dataset.ok = ok;
  views.get(editor)?.then((view) => view.mark(marks ? JSON.parse(marks) : []));
}

/** Inserts a field of the schema where the cursor was last, as its place asks for. */
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
