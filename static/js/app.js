// Everything that scripts add to the pages. Each module looks after one concern: `listen` is called
// once, `enhance` for the page and for every part that htmx brings later.
import * as cancel from "./cancel.js";
import * as certificate from "./certificate.js";
import * as chips from "./chips.js";
import * as copy from "./copy.js";
import * as editor from "./editor.js";
import * as eventMenu from "./event-menu.js";
import * as focus from "./focus.js";
import * as guard from "./guard.js";
import * as menus from "./menus.js";
import * as multi from "./multi.js";
import * as panel from "./panel.js";
import * as preview from "./preview.js";
import * as rows from "./rows.js";
import * as schema from "./schema.js";
import * as tabs from "./tabs.js";
import * as themeSwitch from "./theme-switch.js";
import * as toasts from "./toasts.js";
import * as trouble from "./trouble.js";

const modules = [
  themeSwitch, toasts, trouble, menus, panel, tabs, copy, rows, multi, chips, editor, preview,
  schema, certificate, cancel, eventMenu, guard, focus,
];

function enhance(root) {
  for (const module of modules) module.enhance?.(root);
}

for (const module of modules) module.listen?.();
enhance(document);
document.addEventListener("htmx:load", (event) => {
  if (event.detail.elt !== document.body) enhance(event.detail.elt);
});
