// The editor of the body template. CodeMirror replaces the text area when it is loaded. The text area remains the field of
// the form, and is used without scripts.
import { allOnce, createElement, on } from "./dom.js";
import { format } from "./format.js";
import { showToast } from "./toasts.js";

/** Each editor's view, as a promise, because CodeMirror loads later than the page. */
const views = new WeakMap();
/** Whether the last key was Tab, so that tabbing through the page does not stop in the editor. */
let isTabbing = false;

const area = (editor) => editor.querySelector("textarea");

/** Shows the result of the preview: annotations of lines, as JSON, and a status. */
export function annotate(editor, { annotations = "", status = "", ok = "" }) {
  const shown = editor.querySelector("[data-editor-status]");
  shown.textContent = status;
  shown.dataset.ok = ok;
  views.get(editor)?.then((view) => view.annotate(annotations ? JSON.parse(annotations) : []));
}

/** Inserts a field of the schema at the cursor, with the blocks that it needs there. */
export async function insert(editor, path) {
  const view = await views.get(editor);
  view.insert(path);
}

function once(target, type) {
  return new Promise((done) => target.addEventListener(type, done, { once: true }));
}

/** Resolves when the page and everything it needs have loaded. */
function loaded() {
  return document.readyState === "complete" ? Promise.resolve() : once(window, "load");
}

async function load(editor) {
  const field = area(editor);
  const hasFocus = () => document.activeElement === field;
  // The page comes first, unless the user already wants to type here.
  if (!hasFocus()) await Promise.race([loaded(), once(field, "focus")]);
  const { open } = await import("./editor-view.js");
  const takesFocus = hasFocus() || field.autofocus;
  const view = open(editor, field, () => isTabbing);
  if (takesFocus) view.focus();
  view.annotate(JSON.parse(editor.dataset.annotations || "[]"));
  return view;
}

async function formatTemplate(editor) {
  const view = await views.get(editor);
  const { text, problem } = format(area(editor).value);
  if (problem) showToast(problem, { bad: true });
  else view.replace(text);
  view.focus();
}

export function enhance(root) {
  for (const editor of allOnce(root, "[data-editor]", "Editor")) {
    const tip = createElement("span", { class: "editor-tip", id: "editor-tip" }, "Press Esc, then Tab to leave");
    editor.querySelector("[data-format]")?.before(tip);
    views.set(editor, load(editor));
  }
}

export function listen() {
  document.addEventListener("keydown", (event) => { isTabbing = event.key === "Tab" || (isTabbing && event.key === "Shift"); }, true);
  document.addEventListener("pointerdown", () => { isTabbing = false; }, true);
  on("click", "[data-format]", (_event, button) => formatTemplate(button.closest("[data-editor]")));
}
