// Pretty-prints JSON with {{placeholders}}. It changes only white space, so numbers, strings and placeholders keep every
// character.

const TOKEN = /\s+|"(?:\{\{[\s\S]*?\}\}|\\.|[^"\\\n])*"|\{\{[\s\S]*?\}\}|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/y;
/** Maximum length of a list on one line, in characters. */
const MAX_INLINE_LIST_CHARS = 72;

/** Returns the tokens without white space, or undefined if the text has other tokens than JSON. */
function tokenize(text) {
  const found = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) return undefined;
    if (token.trim()) found.push(token);
  }
  return found;
}

/** Whether the tokens are valid JSON if each placeholder is replaced with a value. */
function isJson(list) {
  const filled = list.map((token) => {
    if (token.startsWith("{{")) return "0";
    return token.startsWith('"') ? token.replace(/\{\{[\s\S]*?\}\}/g, "") : token;
  });
  try {
    JSON.parse(filled.join(" "));
    return true;
  } catch {
    return false;
  }
}

/** Returns the end of a short list without nested lists or objects, or undefined for any other list. */
function inlineListEnd(list, from) {
  let width = 0;
  for (let index = from + 1; index < list.length; index += 1) {
    if (list[index] === "]") return width <= MAX_INLINE_LIST_CHARS || index - from <= 2 ? index : undefined;
    if (list[index] === "[" || list[index] === "{") return undefined;
    width += list[index].length + 1;
  }
  return undefined;
}

function print(list) {
  let out = "";
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  for (let index = 0; index < list.length; index += 1) {
    const token = list[index];
    const after = list[index + 1];
    if ((token === "{" && after === "}") || (token === "[" && after === "]")) {
      out += token + after;
      index += 1;
    } else if (token === "[" && inlineListEnd(list, index) !== undefined) {
      const end = inlineListEnd(list, index);
      out += `[${list.slice(index + 1, end).join(" ").replaceAll(" , ", ", ")}]`;
      index = end;
    } else if (token === "{" || token === "[") {
      depth += 1;
      out += token + line();
    } else if (token === "}" || token === "]") {
      depth -= 1;
      out += line() + token;
    } else if (token === ",") {
      out += token + line();
    } else {
      out += token === ":" ? ": " : token;
    }
  }
  return out;
}

/** Returns `{ text }`, or `{ problem }` if the text cannot be formatted. */
export function format(text) {
  const list = tokenize(text);
  if (list?.some((token) => /^\{\{~?\s*[#/^]|^\{\{~?\s*else\b/.test(token))) {
    return { problem: "Nothing was changed: a template with blocks such as {{#each}} between its JSON is not formatted." };
  }
  if (!list || !isJson(list)) return { problem: "Nothing was changed: this is not valid JSON yet." };
  return { text: print(list) };
}
