// Modules of forms that only guard against lost changes. Loaded before app.js.
import * as guard from "./guard.js";
import { start } from "./modules.js";

start([guard]);
