// What of CodeMirror goes into static/vendor/codemirror.js: `script/vendor` bundles it.
import { StyleModule } from "style-mod";

// The Content-Security-Policy forbids style elements that scripts add, as CodeMirror does. A
// constructed style sheet is none, and does the same.
const sheets = new WeakMap();
StyleModule.mount = (root, modules) => {
  const known = sheets.get(root) ?? { sheet: new CSSStyleSheet(), mounted: new Set() };
  if (!sheets.has(root)) {
    sheets.set(root, known);
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, known.sheet];
  }
  for (const module of [modules].flat()) {
    if (known.mounted.has(module)) continue;
    known.mounted.add(module);
    for (const rule of module.rules) known.sheet.insertRule(rule, known.sheet.cssRules.length);
  }
};

export { EditorState } from "@codemirror/state";
export { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
export { defaultKeymap, history, historyKeymap, indentLess, indentMore } from "@codemirror/commands";
export { bracketMatching, HighlightStyle, indentOnInput, indentService, indentUnit, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
export { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
export { lintGutter, setDiagnostics } from "@codemirror/lint";
export { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
export { tags } from "@lezer/highlight";
