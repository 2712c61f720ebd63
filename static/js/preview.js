// The live preview. It is requested shortly after the last change. Its result is also shown in the editor.
import { on } from "./dom.js";
import { annotate } from "./editor.js";

/** Delay between the last change and the request. */
const REFRESH_DELAY_MS = 250;
let timer;

function trigger(name) {
  const preview = document.querySelector("[data-preview]");
  if (preview) window.htmx?.trigger(preview, name);
}

export function listen() {
  for (const type of ["input", "change"]) {
    on(type, "#webhook-form", (event) => {
      if (event.target.id === "test_event") return;
      // A response to what was entered before would replace fields, and what is typed into them.
      trigger("htmx:abort");
      clearTimeout(timer);
      timer = setTimeout(trigger, REFRESH_DELAY_MS, "refresh-preview");
    });
  }
}

export function enhance(root) {
  const body = root.matches?.(".preview-body") ? root : root.querySelector(".preview-body");
  const editor = document.querySelector("[data-editor]");
  if (!body || !editor) return;
  const logpoint = document.getElementById("logpoint");
  if (logpoint) logpoint.hidden = body.dataset.logpoint !== "true";
  // A page that was not saved contains the errors of saving. After the first change, the preview has newer ones.
  const isFirst = !root.matches?.(".preview-body");
  const annotations = (isFirst && editor.dataset.annotations) || body.dataset.annotations;
  annotate(editor, { annotations, status: body.dataset.status, ok: body.dataset.ok });
}
