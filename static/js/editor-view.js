// Replaces the text area with CodeMirror.
import * as cm from "../vendor/codemirror.js";
import { completion } from "./editor-completion.js";
import { language } from "./editor-language.js";
import { insertion } from "./editor-scopes.js";

const { EditorView, keymap } = cm;

/** Returns the attributes that describe the editor to screen readers, like the text area. */
function accessibleAttributes(field) {
  const label = field.labels?.[0];
  const kept = ["aria-invalid", "aria-describedby"].filter((name) => field.hasAttribute(name));
  const attributes = Object.fromEntries(kept.map((name) => [name, field.getAttribute(name)]));
  if (label) label.id ||= `${field.id}-label`;
  attributes["aria-describedby"] = `${attributes["aria-describedby"] ?? ""} editor-tip`.trim();
  return { ...attributes, tabindex: "0", "aria-labelledby": label?.id ?? "", spellcheck: "false", autocapitalize: "off" };
}

/** Labels of the search panel, in sentence case like all other buttons. */
const PHRASES = { next: "Next", previous: "Previous", all: "All", replace: "Replace", "replace all": "Replace all", "match case": "Match case", regexp: "Pattern", "by word": "Whole word", close: "Close" };

function extensions(field) {
  const changed = EditorView.updateListener.of((update) => {
    if (!update.docChanged) return;
    field.value = update.state.doc.toString();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  return [
    cm.EditorState.phrases.of(PHRASES), EditorView.lineWrapping,
    cm.lineNumbers(), cm.history(), cm.drawSelection(), cm.bracketMatching(), cm.closeBrackets(),
    cm.highlightActiveLine(), cm.highlightSelectionMatches(), cm.lintGutter(), cm.indentUnit.of("  "),
    language, completion, changed, EditorView.contentAttributes.of(accessibleAttributes(field)),
    keymap.of([
      { key: "Tab", run: cm.acceptCompletion },
      { key: "Tab", run: indent, shift: cm.indentLess },
      ...cm.closeBracketsKeymap, ...cm.completionKeymap, ...cm.searchKeymap, ...cm.historyKeymap, ...cm.defaultKeymap,
    ]),
  ];
}

/** Inserts two spaces at the cursor, or indents the selected lines. */
function indent(view) {
  if (view.state.readOnly) return false;
  if (view.state.selection.ranges.some((range) => !range.empty)) return cm.indentMore(view);
  view.dispatch(view.state.replaceSelection("  "), { scrollIntoView: true, userEvent: "input" });
  return true;
}

/** Converts annotations, whose lines count from 1, to diagnostics of the text in their lines. */
function diagnostics(state, annotations) {
  return annotations.filter(({ line }) => line >= 1 && line <= state.doc.lines).map(({ line, message, severity }) => {
    const { from, to, text } = state.doc.line(line);
    return { from: from + text.search(/\S|$/), to, message, severity };
  });
}

/** Opens the editor. `isTabbing` returns whether the user is moving through the page with Tab. */
export function open(editor, field, isTabbing) {
  // If the user has started to type in the text area, the editor keeps the cursor.
  const { value: doc, selectionStart: anchor, selectionEnd: head } = field;
  const hasStarted = document.activeElement === field;
  const selection = hasStarted ? { anchor, head } : undefined;
  const state = cm.EditorState.create({ doc, selection, extensions: extensions(field) });
  const view = new EditorView({ state, parent: editor.querySelector(".editor-area") });
  let touched = hasStarted;
  view.contentDOM.addEventListener("focus", () => view.setTabFocusMode(isTabbing()));
  view.contentDOM.addEventListener("pointerdown", () => { touched = true; });
  view.contentDOM.addEventListener("keydown", (event) => {
    if (event.key === "Tab" || event.key === "Shift") return;
    touched = true;
    // From now on Tab indents. After Escape, the next Tab leaves the editor.
    view.setTabFocusMode(event.key === "Escape" ? 2000 : false);
  });
  const replace = (text, from = 0, to = view.state.doc.length) => {
    if (view.state.sliceDoc(from, to) === text) return;
    view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + (from === 0 ? 0 : text.length) }, scrollIntoView: true, userEvent: "input" });
  };
  const editorView = {
    focus: () => view.focus(),
    annotate: (annotations) => view.dispatch(cm.setDiagnostics(view.state, diagnostics(view.state, annotations))),
    replace: (text) => replace(text),
    insert(path) {
      const { from, to } = touched ? view.state.selection.main : { from: view.state.doc.length, to: view.state.doc.length };
      const { text, cursor } = insertion(path, view.state.sliceDoc(0, from), view.state.sliceDoc(to));
      view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + cursor }, scrollIntoView: true, userEvent: "input.complete" });
      view.focus();
    },
  };
  // Scripts that use the hidden text area use the editor instead.
  field.hidden = true;
  field.focus = editorView.focus;
  field.select = () => { view.dispatch({ selection: { anchor: 0, head: view.state.doc.length } }); view.focus(); };
  field.setSelectionRange = (anchor, head) => { touched = true; view.dispatch({ selection: { anchor, head } }); };
  field.labels?.[0]?.addEventListener("click", editorView.focus);
  return editorView;
}
