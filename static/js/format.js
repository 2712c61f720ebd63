// Pretty-prints JSON that has {{placeholders}} in it, without reading a single value: numbers keep
// their digits, strings and placeholders every character.

const TOKEN = /\s+|"(?:\{\{[\s\S]*?\}\}|\\.|[^"\\\n])*"|\{\{[\s\S]*?\}\}|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/y;
const WIDEST_LIST = 72;

function cut(text) {
  const found = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) return undefined;
    if (token.trim()) found.push(token);
  }
  return found;
}

/** Whether it would be JSON with something harmless in place of each placeholder. */
function isJson(list) {
  const stand = list.map((token) => {
    if (token.startsWith("{{")) return "0";
    return token.startsWith('"') ? token.replace(/\{\{[\s\S]*?\}\}/g, "") : token;
  });
  try {
    JSON.parse(stand.join(" "));
    return true;
  } catch {
    return false;
  }
}

/** The end of a list that is short and holds no list or object; undefined for others. */
function shortList(list, from) {
  let width = 0;
  for (let index = from + 1; index < list.length; index += 1) {
    if (list[index] === "]") return width <= WIDEST_LIST || index - from <= 2 ? index : undefined;
    if (list[index] === "[" || list[index] === "{") return undefined;
    width += list[index].length + 1;
  }
  return undefined;
}

function write(list) {
  let out = "";
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  for (let index = 0; index < list.length; index += 1) {
    const token = list[index];
    const after = list[index + 1];
    if ((token === "{" && after === "}") || (token === "[" && after === "]")) {
      out += token + after;
      index += 1;
    } else if (token === "[" && shortList(list, index) !== undefined) {
      const end = shortList(list, index);
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

/** `{ text }`, or `{ problem }` in words where it stays as it is. */
export function format(text) {
  const list = cut(text);
  if (list?.some((token) => /^\{\{\s*[#/^]|^\{\{\s*else\b/.test(token))) {
    return { problem: "Nothing was changed: a template with blocks such as {{#each}} between its JSON is not formatted." };
  }
  if (!list || !isJson(list)) return { problem: "Nothing was changed: this is not valid JSON yet." };
  return { text: write(list) };
}
