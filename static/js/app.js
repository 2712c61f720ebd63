// Modules that every page for signed-in users loads.
import * as copy from "./copy.js";
import * as focus from "./focus.js";
import * as menus from "./menus.js";
import { start } from "./modules.js";
import * as panel from "./panel.js";
import * as session from "./session.js";
import * as tabs from "./tabs.js";
import * as themeSwitch from "./theme-switch.js";
import * as toasts from "./toasts.js";
import * as trouble from "./trouble.js";

// Last the focus: the fields that scripts put in place of others must exist by then.
start([themeSwitch, toasts, session, trouble, menus, panel, tabs, copy, focus]);
