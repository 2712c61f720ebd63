// The scope at the cursor in a template: which blocks are open, and how a field is referred to inside them.

const BLOCK = /\{\{~?\s*(?:([#^])\s*([^\s}|~]+)\s*([^\s}|~]*)(?:[^}|]*?\bas\s*\|\s*([^\s|]+)[^|]*\|)?|\/\s*([^\s}~]+)|(?:else\b|\^)\s*([^\s}|~]*)\s*([^\s}|~]*))[^}]*\}\}/g;
/** Blocks that do not change `this`. */
const CONDITIONS = ["if", "unless"];

/** Returns the scope that a block opens: { path, name, isLoose }. In a section, {{#x}}, x may be a list or an object. */
function scopeOf(block, argument, name, open) {
  if (!block || CONDITIONS.includes(block)) return undefined;
  const isSection = block !== "each" && block !== "with";
  const path = absolutePath(isSection ? block : argument, open) + (block === "each" ? "[]" : "");
  return { path, name, isLoose: isSection || (open.at(-1)?.isLoose ?? false) };
}

/** Returns the scopes of the blocks that are open at the end of a text, the innermost last: { path, name, isLoose }. */
export function openBlocks(before) {
  const blocks = [];
  const scopes = () => blocks.map((block) => block.scope).filter(Boolean);
  for (const [, sign, block, argument, name, closes, chained, chainedArgument] of before.matchAll(BLOCK)) {
    if (closes) blocks.pop();
    else if (sign) {
      const scope = scopeOf(block, argument, name, scopes());
      // An inverted block has its scope after {{else}}.
      blocks.push(sign === "#" ? { scope } : { other: scope });
    } else if (blocks.length) {
      const { other } = blocks.pop();
      blocks.push({ scope: chained ? scopeOf(chained, chainedArgument, undefined, scopes()) : other });
    }
  }
  return scopes();
}

/** Resolves a path in a template to a path from the root of the event. */
function absolutePath(argument, open) {
  const parts = argument.replace(/\.?\[(\d+)\]/g, "[]").replace(/^(?:this(?:[./]|$)|\.\/|\.$)/, "");
  if (parts.startsWith("@root.")) return parts.slice("@root.".length);
  const named = open.findLast((scope) => scope.name && (parts === scope.name || parts.startsWith(`${scope.name}.`)));
  if (named) return named.path + parts.slice(named.name.length);
  let outer = open.length;
  let rest = parts;
  while (/^\.\.(?:\/|$)/.test(rest)) {
    outer -= 1;
    rest = rest.replace(/^\.\.\/?/, "");
  }
  const around = outer > 0 ? open[outer - 1].path : "";
  return around && rest ? `${around}.${rest}` : around || rest;
}

/** Returns the rest of a path inside a scope, or undefined if the scope does not contain it. */
function inside(path, scope) {
  if (!scope.path) return path;
  const parts = path.split(".");
  const around = scope.path.split(".");
  const name = (part) => (scope.isLoose ? part?.replace("[]", "") : part);
  const contains = parts.length > around.length && around.every((part, index) => name(parts[index]) === name(part));
  return contains ? parts.slice(around.length).join(".") : undefined;
}

/** Returns a path relative to the innermost open block that contains it, or with `@root.` if no open block does. In a
 *  list, it selects the first entry. */
export function relativePath(path, open) {
  const first = (text) => text.replaceAll("[]", ".[0]");
  for (let index = open.length - 1; index >= 0; index -= 1) {
    const rest = inside(path, open[index]);
    if (rest !== undefined) return first("../".repeat(open.length - 1 - index) + rest);
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
  const enclosing = open.findLast((scope) => inside(path, scope) !== undefined);
  const parts = (enclosing ? inside(path, enclosing) : path).split("[].");
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
