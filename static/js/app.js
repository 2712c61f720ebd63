// Modules that every page for signed-in users loads.
import * as charts from "./charts.js";
import * as copy from "./copy.js";
import * as focus from "./focus.js";
import * as live from "./live.js";
import * as menus from "./menus.js";
import { start } from "./modules.js";
import * as panel from "./panel.js";
import * as requestErrors from "./request-errors.js";
import * as rowMenus from "./row-menus.js";
import * as session from "./session.js";
import * as tabs from "./tabs.js";
import * as themeSwitch from "./theme-switch.js";
import * as toasts from "./toasts.js";

// The focus comes last, because it needs the fields that other modules create.
start([themeSwitch, toasts, session, requestErrors, menus, rowMenus, panel, tabs, copy, charts, live, focus]);
