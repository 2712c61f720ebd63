// The body template's editor: colours, line numbers, marked mistakes, Tab and Enter that indent, and
// a Format button. The text area stays what is typed in and sent, with the browser's own undo.
import { fresh, make, on } from "./dom.js";
import { format } from "./format.js";
import { paint } from "./highlight.js";
import { say } from "./toasts.js";

/** The next Tab leaves: after Escape, and for somebody who only passes through with Tab. */
let tabLeaves = false;
/** Whether Tab was the last that was done. */
let isTabbing = false;

const area = (editor) => editor.querySelector("textarea");

/** Puts text in place of what is selected, so that undo takes it back. */
function type(field, text) {
  field.focus();
  const done = text === "" ? document.execCommand("delete") : document.execCommand("insertText", false, text);
  if (done) return;
  field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function repaint(editor) {
  const wrong = new Set((editor.dataset.errorLines ?? "").split(",").filter(Boolean).map(Number));
  const lines = paint(area(editor).value, wrong);
  editor.querySelector(".editor-paint").replaceChildren(...lines);
  const numbers = lines.map((line, index) => {
    const number = make("span", {}, String(index + 1));
    if (line.classList.contains("wrong")) number.className = "wrong";
    return number;
  });
  editor.querySelector(".editor-gutter").replaceChildren(...numbers);
}

/** Shows what the preview found: lines to mark (from 1, with commas), and a status. */
export function mark(editor, { lines = "", status = "", ok = "" }) {
  const changed = editor.dataset.errorLines !== lines;
  editor.dataset.errorLines = lines;
  const shown = editor.querySelector("[data-editor-status]");
  shown.textContent = status;
  shown.dataset.ok = ok;
  shown.removeAttribute("title");
  if (changed) repaint(editor);
}

/** Inserts a placeholder where the cursor was last; within braces already, only what is in it. */
export function insert(editor, placeholder) {
  const field = area(editor);
  if (!editor.dataset.touched) field.setSelectionRange(field.value.length, field.value.length);
  const before = field.value.slice(0, field.selectionStart);
  const after = field.value.slice(field.selectionEnd);
  const isWithin = before.lastIndexOf("{{") > before.lastIndexOf("}}");
  const bare = placeholder.replace(/^\{\{|\}\}$/g, "");
  type(field, isWithin ? bare + (/^[^{\n]*\}\}/.test(after) ? "" : "}}") : placeholder);
}

function indent(field, outward) {
  const { selectionStart: start, selectionEnd: end, value } = field;
  const first = value.lastIndexOf("\n", start - 1) + 1;
  const block = value.slice(first, end);
  if (!outward && start === end) {
    type(field, "  ");
    return true;
  }
  const lines = block.split("\n");
  const shifted = lines.map((line) => (outward ? line.replace(/^ {1,2}/, "") : `  ${line}`)).join("\n");
  if (shifted === block) return false;
  field.setSelectionRange(first, end);
  type(field, shifted);
  const moved = shifted.split("\n")[0].length - lines[0].length;
  field.setSelectionRange(Math.max(first, start + moved), first + shifted.length);
  return true;
}

/** A new line as far in as the last one, and further after an opening bracket. */
function newLine(field) {
  const { selectionStart: start, selectionEnd: end, value } = field;
  const line = value.slice(value.lastIndexOf("\n", start - 1) + 1, start);
  const depth = line.match(/^ */)[0];
  const opens = /[{[]\s*$/.test(line) && !/\{\{\s*$/.test(line);
  const closes = opens && /^\s*[}\]]/.test(value.slice(end));
  type(field, `\n${depth}${opens ? "  " : ""}`);
  if (!closes) return;
  const caret = field.selectionStart;
  type(field, `\n${depth}`);
  field.setSelectionRange(caret, caret);
}

/** A closing bracket that begins its line goes two out, where nobody has moved it out yet. */
function closeBracket(field, bracket) {
  const { selectionStart: start, selectionEnd: end, value } = field;
  const first = value.lastIndexOf("\n", start - 1) + 1;
  const before = value.slice(first, start);
  const above = value.slice(0, first).trimEnd().split("\n").at(-1);
  const depth = above.match(/^ */)[0].length + (/[{[]$/.test(above) ? 2 : 0);
  if (start !== end || !/^ {2,}$/.test(before) || before.length < depth) return false;
  field.setSelectionRange(start - 2, start);
  type(field, bracket);
  return true;
}

function key(event, field) {
  if (event.key === "Escape") {
    tabLeaves = true;
    return;
  }
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing;
  if (event.key === "Tab" && plain && !tabLeaves) {
    if (indent(field, event.shiftKey)) event.preventDefault();
  } else if (event.key === "Enter" && plain && !event.shiftKey) {
    event.preventDefault();
    newLine(field);
  } else if ((event.key === "}" || event.key === "]") && !event.isComposing && closeBracket(field, event.key)) {
    event.preventDefault();
  }
  if (event.key !== "Shift") tabLeaves = false;
}

function tidy(editor) {
  const field = area(editor);
  const { text, problem } = format(field.value);
  if (problem) {
    say(problem, { bad: true });
    field.focus();
  } else if (text !== field.value) {
    field.setSelectionRange(0, field.value.length);
    type(field, text);
    field.setSelectionRange(0, 0);
  }
}

export function enhance(root) {
  for (const editor of fresh(root, "[data-editor]", "Editor")) {
    const field = area(editor);
    const tip = make("span", { class: "editor-tip", id: "editor-tip" }, "Esc, then Tab leaves");
    editor.querySelector("[data-format]")?.before(tip);
    field.setAttribute("aria-describedby", `${field.getAttribute("aria-describedby") ?? ""} editor-tip`.trim());
    field.addEventListener("input", () => {
      // Lines have moved: the next preview marks them anew.
      editor.dataset.errorLines = "";
      repaint(editor);
    });
    field.addEventListener("focus", () => { editor.dataset.touched = "true"; tabLeaves = isTabbing; });
    field.addEventListener("keydown", (event) => key(event, field));
    repaint(editor);
  }
}

export function listen() {
  document.addEventListener("keydown", (event) => { isTabbing = event.key === "Tab" || (isTabbing && event.key === "Shift"); }, true);
  document.addEventListener("pointerdown", () => { isTabbing = false; }, true);
  on("click", "[data-format]", (_event, button) => tidy(button.closest("[data-editor]")));
  // What is around the text (the gutter, what is below) belongs to the text.
  on("mousedown", ".editor-scroll", (event, scroll) => {
    if (event.target.matches("textarea") || event.offsetX > scroll.clientWidth || event.offsetY > scroll.clientHeight) return;
    event.preventDefault();
    scroll.querySelector("textarea").focus();
  });
}
