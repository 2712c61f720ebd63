// Completion inside placeholders: fields of the event, relative to the surrounding blocks, helpers, and the secrets that
// the webhook may use. All come from the server.
import { autocompletion } from "../vendor/codemirror.js";
import { fetchJson } from "./dom.js";
import { openBlocks, openPlaceholder, relativePath } from "./editor-scopes.js";

let schema;

/** Loads the schema once, when the first placeholder is typed. */
async function load() {
  const form = document.getElementById("webhook-form");
  const webhook = form?.elements.id.value || form?.elements.base.value || "";
  schema ??= fetchJson(`/webhooks/schema.json?webhook=${encodeURIComponent(webhook)}`);
  const loaded = await schema;
  if (!loaded) schema = undefined;
  return loaded ?? { fields: [], helpers: [], secrets: [] };
}

/** Inserts a field, with closing braces if there are none. */
function insertField(text) {
  return (view, _completion, from, to) => {
    const rest = view.state.sliceDoc(to, view.state.doc.lineAt(to).to);
    const insert = text + (/^[^{]*\}\}/.test(rest) ? "" : "}}");
    view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + insert.length }, userEvent: "input.complete" });
  };
}

/** Inserts a block with its end, and puts the cursor between them. */
function insertBlock(text, end) {
  return (view, _completion, from, to) => {
    const rest = view.state.sliceDoc(to, to + 2) === "}}" ? 2 : 0;
    const head = `${text}}}`;
    view.dispatch({ changes: { from, to: to + rest, insert: `${head}{{/${end}}}` }, selection: { anchor: from + head.length }, userEvent: "input.complete" });
  };
}

function info({ description, example }) {
  return () => {
    const box = document.createElement("div");
    const sample = document.createElement("code");
    sample.textContent = example;
    box.append(description, sample);
    return box;
  };
}

function options({ fields, helpers, secrets }, typed, open) {
  const paths = fields.map((field) => ({ ...field, label: relativePath(field.path, open) }));
  if (/^~?#\s*\w*$/.test(typed)) {
    const lists = paths.filter((field) => field.kind.startsWith("array"));
    return [
      ...lists.map((field) => ({ label: `#each ${field.label}`, detail: "list", info: info(field), apply: insertBlock(`#each ${field.label}`, "each"), boost: 1 })),
      ...["if", "unless", "with", "each"].map((name) => ({ label: `#${name}`, detail: "block", apply: `#${name} ` })),
    ];
  }
  // A section: {{#x}}…{{/x}}.
  const isSection = /^~?[#^]\s*[\w.@[\]/]*$/.test(typed);
  const only = /^~?#each\s/.test(typed) ? paths.filter((field) => field.kind.startsWith("array")) : paths;
  const found = only.map((field) => ({
    label: field.label, detail: field.kind, info: info(field),
    apply: isSection ? insertBlock(field.label, field.label) : insertField(field.label),
    // Fields of the innermost block come first.
    boost: field.label.startsWith("@root.") ? -2 : field.label.startsWith("../") ? -1 : 0,
  }));
  const isStart = /^~?\s*\w*$/.test(typed) || /\(\s*\w*$/.test(typed);
  const calls = isStart ? helpers.map(({ name, takes }) => ({ label: name, detail: "helper", info: takes, apply: `${name} `, boost: -3 })) : [];
  // A secret can be printed, or encoded by base64 or basic_auth.
  const takesSecret = isStart || /^~?\s*secrets\.\w*$/.test(typed) || /(base64|basic_auth)\s[^()]*$/.test(typed);
  const usable = takesSecret ? secrets.map(({ path, description, hosts }) => ({
    label: path, detail: "secret", info: info({ description, example: hosts ? `sent only to ${hosts}` : "no allowed hosts yet" }),
    apply: insertField(path), boost: -1,
  })) : [];
  return [...found, ...usable, ...calls];
}

async function source(context) {
  const before = context.state.sliceDoc(0, context.pos);
  const typed = openPlaceholder(before);
  if (typed === undefined || /^~?[!/]/.test(typed)) return null;
  const isBlock = /^~?#\s*\w*$/.test(typed);
  const word = isBlock ? typed.replace(/^~?/, "") : typed.match(/[\w.@[\]/]*$/)[0];
  if (context.aborted) return null;
  const found = options(await load(), typed, openBlocks(before.slice(0, before.length - typed.length - 2)));
  return { from: context.pos - word.length, options: found, validFor: isBlock ? /^#\s*[\w. ]*$/ : /^[\w.@[\]/]*$/ };
}

export const completion = autocompletion({ override: [source], icons: false, interactionDelay: 0, maxRenderedOptions: 60 });
