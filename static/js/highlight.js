// JSON with Handlebars in it, cut into coloured tokens. It never judges: whatever is typed gets
// some colour, and every character comes out as it went in.

/** Longer texts stay without colour: painting them on every key would be felt. */
const LONGEST = 60_000;

const PLAIN = /[^"{}\d\s\-a-z]+|[a-z_]\w*|\s+|./iy;
const NUMBER = /-?\d[\d.eE+-]*/y;
/** Up to the closing braces; one that is never closed does not swallow the next. */
const HANDLEBARS = /\{\{!--[\s\S]*?--\}\}|\{\{\{?(?:(?!\{\{)[\s\S])*?\}\}\}?/y;

function at(pattern, text, from) {
  pattern.lastIndex = from;
  return pattern.exec(text)?.[0];
}

/** The pieces of a string from its opening quote: [class, text]. Strings end with their line. */
function string(text, from) {
  const pieces = [];
  let plain = "";
  let index = from;
  const flush = () => { if (plain) pieces.push(["t-str", plain]); plain = ""; };
  while (index < text.length && text[index] !== "\n") {
    const placeholder = text[index] === "{" && at(HANDLEBARS, text, index);
    if (placeholder) {
      flush();
      pieces.push(["t-hbs", placeholder]);
      index += placeholder.length;
      continue;
    }
    const length = text[index] === "\\" && index + 1 < text.length && text[index + 1] !== "\n" ? 2 : 1;
    plain += text.slice(index, index + length);
    const ends = text[index] === '"' && index > from;
    index += length;
    if (ends) break;
  }
  flush();
  return { pieces, end: index };
}

/** All tokens of a text. */
export function tokens(text) {
  if (text.length > LONGEST) return [["", text]];
  const found = [];
  let index = 0;
  while (index < text.length) {
    const char = text[index];
    if (char === '"') {
      const { pieces, end } = string(text, index);
      const isKey = /^\s*:/.test(text.slice(end, end + 40));
      for (const [kind, piece] of pieces) found.push([kind === "t-str" && isKey ? "t-key" : kind, piece]);
      index = end;
      continue;
    }
    const placeholder = char === "{" ? at(HANDLEBARS, text, index) : undefined;
    const number = placeholder ? undefined : at(NUMBER, text, index);
    const piece = placeholder ?? number ?? at(PLAIN, text, index) ?? char;
    const literal = ["true", "false", "null"].includes(piece);
    found.push([placeholder ? "t-hbs" : number ? "t-num" : literal ? "t-lit" : "", piece]);
    index += piece.length;
  }
  return found;
}

/** Elements to show, one a line; the lines in `wrong` (from 1) are marked. */
export function paint(text, wrong) {
  const lines = [];
  let line;
  const next = () => {
    line = document.createElement("span");
    line.className = wrong.has(lines.length + 1) ? "line wrong" : "line";
    lines.push(line);
  };
  next();
  for (const [kind, token] of tokens(text)) {
    token.split("\n").forEach((part, index) => {
      if (index > 0) next();
      if (!part) return;
      if (!kind) {
        line.append(part);
        return;
      }
      const span = document.createElement("span");
      span.className = kind;
      span.textContent = part;
      line.append(span);
    });
  }
  return lines;
}
