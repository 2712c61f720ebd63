// Syntax highlighting for JSON with Handlebars. It accepts invalid text.
import { HighlightStyle, indentOnInput, indentService, StreamLanguage, syntaxHighlighting, tags } from "../vendor/codemirror.js";

const COMMENT = /^\{\{~?!--.*?--~?\}\}/;
/** A placeholder up to its closing braces. An unclosed one ends before the next. */
const PLACEHOLDER = /^\{\{\{?(?:(?!\{\{).)*?\}\}\}?/;
const NUMBER = /^-?\d[\d.eE+-]*/;
/** The rest of a string after its opening quote, if a colon follows it. */
const KEY = /^(?:\{\{.*?\}\}|\\.|[^"\\])*"\s*:/;

function placeholder(stream) {
  if (stream.match(COMMENT)) return "comment";
  return stream.match(PLACEHOLDER) ? "placeholder" : null;
}

/** Reads a part of a string: up to its end, the end of the line, or a placeholder. */
function string(stream, state) {
  const found = placeholder(stream);
  if (found) return found;
  while (!stream.eol()) {
    if (stream.match("{{", false) && stream.string.slice(stream.pos).match(PLACEHOLDER)) break;
    const char = stream.next();
    if (char === "\\") stream.next();
    else if (char === '"') {
      const kind = state.string;
      state.string = null;
      return kind;
    }
  }
  const kind = state.string;
  // A string ends at the end of its line.
  if (stream.eol()) state.string = null;
  return kind;
}

const parser = {
  name: "template",
  startState: () => ({ string: null }),
  token(stream, state) {
    if (state.string) return string(stream, state);
    if (stream.eatSpace()) return null;
    const found = placeholder(stream);
    if (found) return found;
    if (stream.match('"')) {
      state.string = KEY.test(stream.string.slice(stream.pos)) ? "key" : "text";
      return stream.eol() ? ((state.string = null), "text") : state.string;
    }
    if (stream.match(NUMBER)) return "number";
    if (stream.match(/^(?:true|false|null)\b/)) return "literal";
    if (stream.match(/^[{}[\]]/)) return "bracket";
    if (stream.match(/^\w+/)) return null;
    stream.next();
    return null;
  },
  blankLine(state) { state.string = null; },
  languageData: {
    closeBrackets: { brackets: ["{", "[", '"'], before: ")]}:;>,\"" },
    indentOnInput: /^\s*[}\]]$/,
  },
  tokenTable: {
    key: tags.propertyName, text: tags.string, number: tags.number, literal: tags.bool,
    bracket: tags.bracket, placeholder: tags.special(tags.string), comment: tags.comment,
  },
};

const colors = HighlightStyle.define([
  { tag: tags.propertyName, class: "t-key" },
  { tag: tags.string, class: "t-str" },
  { tag: tags.number, class: "t-num" },
  { tag: tags.bool, class: "t-lit" },
  { tag: tags.special(tags.string), class: "t-hbs" },
  { tag: tags.comment, class: "t-hbs" },
]);

/** Indents a line like the one above: further after an opening bracket, and less before a closing one. */
const indentation = indentService.of((context, pos) => {
  const { doc } = context.state;
  const line = doc.lineAt(pos);
  const isBreak = context.simulatedBreak === pos;
  const above = isBreak ? line.text.slice(0, pos - line.from) : line.number > 1 ? doc.line(line.number - 1).text : "";
  const depth = above.match(/^ */)[0].length;
  const opens = /[{[]\s*$/.test(above) && !/\{\{\s*$/.test(above);
  const closes = /^\s*[}\]](?!\})/.test(context.textAfterPos(pos));
  return Math.max(0, depth + (opens ? 2 : 0) - (closes ? 2 : 0));
});

export const language = [indentation, indentOnInput(), StreamLanguage.define(parser), syntaxHighlighting(colors)];
