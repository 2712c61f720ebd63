// Where in a template the cursor is: which blocks are open there, and how a field is written then.

const BLOCK = /\{\{~?(?:#(each|with)\s+([^\s}|]+)(?:\s+as\s+\|\s*(\w+)[^|]*\|)?|\/(each|with))\s*~?\}\}/g;

/** The blocks that are open at the end of a text, the innermost last: { path, name }. */
export function scopes(before) {
  const open = [];
  for (const [, kind, argument, name, closes] of before.matchAll(BLOCK)) {
    if (closes) open.pop();
    else open.push({ path: absolute(argument, open) + (kind === "each" ? "[]" : ""), name });
  }
  return open;
}

/** The whole path of what stands in a template at this place. */
function absolute(argument, open) {
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

/** What of a path is left within the innermost open block that holds it; it begins at the root with
 *  `@root.` where none does. A list's first entry stands for all. */
export function relative(path, open) {
  const first = (text) => text.replaceAll("[]", ".[0]");
  for (let index = open.length - 1; index >= 0; index -= 1) {
    const prefix = `${open[index].path}.`;
    if (path.startsWith(prefix)) return first("../".repeat(open.length - 1 - index) + path.slice(prefix.length));
  }
  return first(open.length ? `@root.${path}` : path);
}

/** The open placeholder at the end of a text: what stands in it so far; undefined outside of one. */
export function within(before) {
  const from = before.lastIndexOf("{{");
  return from > before.lastIndexOf("}}") ? before.slice(from + 2) : undefined;
}

/** Whether the end of a text lies in a JSON string of its line. */
function inString(before) {
  const line = before.slice(before.lastIndexOf("\n") + 1).replace(/\{\{.*?\}\}/g, "").replace(/\\./g, "");
  return (line.split('"').length - 1) % 2 === 1;
}

/** How a field is inserted between two texts, and where the cursor goes: within braces only what is
 *  missing, else with an {{#each}} around every list on its way. */
export function written(path, before, after) {
  const open = scopes(before);
  if (within(before) !== undefined) {
    const text = relative(path, open) + (/^[^{\n]*\}\}/.test(after) ? "" : "}}");
    return { text, cursor: text.length };
  }
  const left = open.findLast((scope) => path.startsWith(`${scope.path}.`));
  const parts = (left ? path.slice(left.path.length + 1) : path).split("[].");
  const field = parts.pop();
  const root = open.length && !left ? "@root." : "";
  const text = parts.reduceRight(
    (inner, list, index) => `{{#each ${index === 0 ? root : ""}${list}}}${inner}{{#unless @last}}, {{/unless}}{{/each}}`,
    `{{${parts.length ? "" : root}${field}}}`,
  );
  const isValue = parts.length > 0 && /:\s*$/.test(before) && !inString(before);
  const whole = isValue ? `[${text}]` : text;
  return { text: whole, cursor: whole.length };
}
