// CodeMirror in place of the text area.
import * as cm from "../vendor/codemirror.js";
import { completion } from "./editor-completion.js";
import { language } from "./editor-language.js";
import { written } from "./editor-scopes.js";

const { EditorView, keymap } = cm;

/** The attributes by which a screen reader knows the field. */
function naming(field) {
  const label = field.labels?.[0];
  const kept = ["aria-invalid", "aria-describedby"].filter((name) => field.hasAttribute(name));
  const attributes = Object.fromEntries(kept.map((name) => [name, field.getAttribute(name)]));
  if (label) label.id ||= `${field.id}-label`;
  attributes["aria-describedby"] = `${attributes["aria-describedby"] ?? ""} editor-tip`.trim();
  return { ...attributes, tabindex: "0", "aria-labelledby": label?.id ?? "", spellcheck: "false", autocapitalize: "off" };
}

/** The search panel's words, as the other buttons' are. */
const WORDS = { next: "Next", previous: "Previous", all: "All", replace: "Replace", "replace all": "Replace all", "match case": "Match case", regexp: "Pattern", "by word": "Whole word", close: "Close" };

function extensions(field) {
  const changed = EditorView.updateListener.of((update) => {
    if (!update.docChanged) return;
    field.value = update.state.doc.toString();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  return [
    cm.EditorState.phrases.of(WORDS), EditorView.lineWrapping,
    cm.lineNumbers(), cm.history(), cm.drawSelection(), cm.bracketMatching(), cm.closeBrackets(),
    cm.highlightActiveLine(), cm.highlightSelectionMatches(), cm.lintGutter(), cm.indentUnit.of("  "),
    language, completion, changed, EditorView.contentAttributes.of(naming(field)),
    keymap.of([
      { key: "Tab", run: cm.acceptCompletion },
      { key: "Tab", run: indent, shift: cm.indentLess },
      ...cm.closeBracketsKeymap, ...cm.completionKeymap, ...cm.searchKeymap, ...cm.historyKeymap, ...cm.defaultKeymap,
    ]),
  ];
}

/** Two spaces at the cursor, or the chosen lines further in. */
function indent(view) {
  if (view.state.readOnly) return false;
  if (view.state.selection.ranges.some((range) => !range.empty)) return cm.indentMore(view);
  view.dispatch(view.state.replaceSelection("  "), { scrollIntoView: true, userEvent: "input" });
  return true;
}

/** Marks with their lines, from 1, as diagnostics of the text within the line. */
function diagnostics(state, marks) {
  return marks.filter((one) => one.line >= 1 && one.line <= state.doc.lines).map(({ line, message, severity }) => {
    const { from, to, text } = state.doc.line(line);
    return { from: from + text.search(/\S|$/), to, message, severity };
  });
}

/** Opens the editor. `isTabbing` tells whether somebody only passes through with Tab. */
export function open(editor, field, isTabbing) {
  // Where somebody has begun to type before it came, they go on.
  const { value: doc, selectionStart: anchor, selectionEnd: head } = field;
  const isBegun = document.activeElement === field;
  const selection = isBegun ? { anchor, head } : undefined;
  const state = cm.EditorState.create({ doc, selection, extensions: extensions(field) });
  const view = new EditorView({ state, parent: editor.querySelector(".editor-area") });
  let touched = isBegun;
  view.contentDOM.addEventListener("focus", () => view.setTabFocusMode(isTabbing()));
  view.contentDOM.addEventListener("pointerdown", () => { touched = true; });
  view.contentDOM.addEventListener("keydown", (event) => {
    if (event.key === "Tab" || event.key === "Shift") return;
    touched = true;
    // From now on Tab indents; Escape lets the next one leave.
    view.setTabFocusMode(event.key === "Escape" ? 2000 : false);
  });
  const replace = (text, from = 0, to = view.state.doc.length) => {
    if (view.state.sliceDoc(from, to) === text) return;
    view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + (from === 0 ? 0 : text.length) }, scrollIntoView: true, userEvent: "input" });
  };
  const stand = {
    focus: () => view.focus(),
    mark: (marks) => view.dispatch(cm.setDiagnostics(view.state, diagnostics(view.state, marks))),
    replace: (text) => replace(text),
    insert(path) {
      const { from, to } = touched ? view.state.selection.main : { from: view.state.doc.length, to: view.state.doc.length };
      const { text, cursor } = written(path, view.state.sliceDoc(0, from), view.state.sliceDoc(to));
      view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + cursor }, scrollIntoView: true, userEvent: "input.complete" });
      view.focus();
    },
  };
  // What is done to the field is done to what stands in for it.
  field.hidden = true;
  field.focus = stand.focus;
  field.select = () => { view.dispatch({ selection: { anchor: 0, head: view.state.doc.length } }); view.focus(); };
  field.setSelectionRange = (anchor, head) => { touched = true; view.dispatch({ selection: { anchor, head } }); };
  field.labels?.[0]?.addEventListener("click", stand.focus);
  return stand;
}
