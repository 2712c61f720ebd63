// The live preview: asks for a new one a moment after the last change, and tells the editor what
// came.
import { on } from "./dom.js";
import { mark } from "./editor.js";

const WAIT_MS = 250;
let timer;

function refresh() {
  const preview = document.querySelector("[data-preview]");
  if (preview) window.htmx?.trigger(preview, "refresh-preview");
}

export function listen() {
  for (const type of ["input", "change"]) {
    on(type, "#webhook-form", (event) => {
      if (event.target.id === "test_event") return;
      clearTimeout(timer);
      timer = setTimeout(refresh, WAIT_MS);
    });
  }
}

export function enhance(root) {
  const body = root.matches?.(".preview-body") ? root : root.querySelector(".preview-body");
  const editor = document.querySelector("[data-editor]");
  if (!body || !editor) return;
  const logpoint = document.getElementById("logpoint");
  if (logpoint) logpoint.hidden = body.dataset.logpoint !== "true";
  // The page comes with the mistakes that saving found; later the preview knows better.
  const isFirst = !root.matches?.(".preview-body");
  const marks = (isFirst && editor.dataset.marks) || body.dataset.marks;
  mark(editor, { marks, status: body.dataset.status, ok: body.dataset.ok });
}
