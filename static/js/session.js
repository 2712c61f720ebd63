// Signing in again on a page whose session has ended, without leaving it. What was typed stays, and the request that
// was refused is sent again.
import { all, make, on } from "./dom.js";

/** The refused requests, by the element that sent them. */
const refused = new Map();
let dialog;

function build() {
  const box = make("dialog", { class: "sign-in-dialog", "aria-labelledby": "sign-in-title" });
  document.body.append(box);
  box.addEventListener("close", () => refused.clear());
  return box;
}

/** Opens the dialog with the sign-in form of a 401 response. */
function open(html) {
  dialog ??= build();
  if (dialog.open) return;
  dialog.innerHTML = html;
  dialog.querySelector("[name=email]").value = document.querySelector(".email")?.textContent ?? "";
  window.htmx.process(dialog);
  dialog.showModal();
}

/** Whether the dialog was dismissed: after that, only what the user asks for opens it, not the live preview. */
let isDismissed = false;

function refuse(event) {
  const { xhr, elt, target, requestConfig } = event.detail;
  if (xhr.status !== 401) return;
  if (isDismissed && elt.matches("[data-preview]")) return;
  refused.set(elt, { verb: requestConfig.verb, path: requestConfig.path, target });
  open(xhr.responseText);
}

/** Puts the new session's token into all forms, and sends again what was refused. */
function signedIn({ email, csrf }) {
  for (const field of all(document, "input[name=csrf]")) {
    field.value = csrf;
    field.defaultValue = csrf;
  }
  for (const shown of document.querySelectorAll(".email")) shown.textContent = email;
  const requests = [...refused];
  isDismissed = false;
  dialog.close();
  for (const [source, { verb, path, target }] of requests) {
    if (source.isConnected) window.htmx.ajax(verb, path, { source, target });
  }
}

export function listen() {
  document.addEventListener("htmx:responseError", refuse);
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    const isOurs = dialog?.contains(event.detail.elt);
    if (!isOurs || xhr.status !== 200) return;
    event.detail.shouldSwap = false;
    signedIn(JSON.parse(xhr.responseText));
  });
  on("click", "[data-close-sign-in]", () => { isDismissed = true; dialog.close(); });
  document.addEventListener("cancel", (event) => { if (event.target === dialog) isDismissed = true; }, true);
}
