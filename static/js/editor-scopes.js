// The scope at the cursor in a template: which blocks are open, and how a field is referred to inside them.

const BLOCK = /\{\{~?(?:#(each|with)\s+([^\s}|]+)(?:\s+as\s+\|\s*(\w+)[^|]*\|)?|\/(each|with))\s*~?\}\}/g;

/** Returns the blocks that are open at the end of a text, the innermost last: { path, name }. */
export function openBlocks(before) {
  const open = [];
  for (const [, kind, argument, name, closes] of before.matchAll(BLOCK)) {
    if (closes) open.pop();
    else open.push({ path: absolutePath(argument, open) + (kind === "each" ? "[]" : ""), name });
  }
  return open;
}

/** Resolves a path in a template to a path from the root of the event. */
function absolutePath(argument, open) {
  const parts = argument.replace(/\.?\[(\d+)\]/g, "[]").replace(/^this\.?|^\.\//, "");
  if (parts.startsWith("@root.")) return parts.slice("@root.".length);
  const named = open.findLast((scope) => scope.name && (parts === scope.name || parts.startsWith(`${scope.name}.`)));
  if (named) return named.path + parts.slice(named.name.length);
  let outer = open.length;
  let rest = parts;
  while (rest.startsWith("../")) {
    outer -= 1;
    rest = rest.slice("../".length);
  }
  const around = outer > 0 ? open[outer - 1].path : "";
  return around && rest ? `${around}.${rest}` : around || rest;
}

/** Returns a path relative to the innermost open block that contains it, or with `@root.` if no open block does. In a
 *  list, it selects the first entry. */
export function relativePath(path, open) {
  const first = (text) => text.replaceAll("[]", ".[0]");
  for (let index = open.length - 1; index >= 0; index -= 1) {
    const prefix = `${open[index].path}.`;
    if (path.startsWith(prefix)) return first("../".repeat(open.length - 1 - index) + path.slice(prefix.length));
  }
  return first(open.length ? `@root.${path}` : path);
}

/** Returns the content of the placeholder that is open at the end of a text, or undefined if none is. */
export function openPlaceholder(before) {
  const from = before.lastIndexOf("{{");
  return from > before.lastIndexOf("}}") ? before.slice(from + 2) : undefined;
}

/** Whether the end of a text is inside a JSON string. */
function isInString(before) {
  const line = before.slice(before.lastIndexOf("\n") + 1).replace(/\{\{.*?\}\}/g, "").replace(/\\./g, "");
  return (line.split('"').length - 1) % 2 === 1;
}

/** Returns the text that inserts a field between two texts, and the cursor's offset in it. Inside a placeholder, it is the
 *  path; elsewhere, a placeholder within an {{#each}} for every list on the path. */
export function insertion(path, before, after) {
  const open = openBlocks(before);
  if (openPlaceholder(before) !== undefined) {
    const text = relativePath(path, open) + (/^[^{\n]*\}\}/.test(after) ? "" : "}}");
    return { text, cursor: text.length };
  }
  const enclosing = open.findLast((scope) => path.startsWith(`${scope.path}.`));
  const parts = (enclosing ? path.slice(enclosing.path.length + 1) : path).split("[].");
  const field = parts.pop();
  const root = open.length && !enclosing ? "@root." : "";
  const text = parts.reduceRight(
    (inner, list, index) => `{{#each ${index === 0 ? root : ""}${list}}}${inner}{{#unless @last}}, {{/unless}}{{/each}}`,
    `{{${parts.length ? "" : root}${field}}}`,
  );
  const isValue = parts.length > 0 && /:\s*$/.test(before) && !isInString(before);
  const whole = isValue ? `[${text}]` : text;
  return { text: whole, cursor: whole.length };
}
