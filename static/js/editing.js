// Modules of the webhook form, and of the payload schema that belongs to it. Loaded before app.js.
import * as cancel from "./cancel.js";
import * as certificate from "./certificate.js";
import * as chips from "./chips.js";
import * as editor from "./editor.js";
import * as eventMenu from "./event-menu.js";
import * as guard from "./guard.js";
import { start } from "./modules.js";
import * as multi from "./multi.js";
import * as preview from "./preview.js";
import * as rows from "./rows.js";
import * as schema from "./schema.js";

start([rows, multi, chips, editor, preview, schema, certificate, cancel, eventMenu, guard]);
