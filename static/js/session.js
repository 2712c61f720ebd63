// Signing in again on a page whose session has ended, without leaving it. The user's input stays, and rejected requests
// are sent again. A page whose session was replaced in another tab gets a new token in the same way.
import { all, createElement, on } from "./dom.js";

/** Rejected requests, by the element that sent them. */
const rejected = new Map();
let dialog;

function createDialog() {
  const box = createElement("dialog", { class: "sign-in-dialog", "aria-labelledby": "sign-in-title" });
  document.body.append(box);
  box.addEventListener("close", () => rejected.clear());
  return box;
}

/** Opens the dialog with the sign-in form of a 401 response. */
function open(html) {
  dialog ??= createDialog();
  if (dialog.open) return;
  dialog.innerHTML = html;
  const email = dialog.querySelector("[name=email]");
  if (email) email.value = document.querySelector(".email")?.textContent ?? "";
  window.htmx.process(dialog);
  dialog.showModal();
}

/** Whether the user dismissed the dialog. After that, the live preview does not open it again. */
let isDismissed = false;

function handleUnauthorized(event) {
  const { xhr, elt, target, requestConfig } = event.detail;
  if (xhr.status !== 401) return;
  if (isDismissed && elt.matches("[data-preview]")) return;
  rejected.set(elt, { verb: requestConfig.verb, path: requestConfig.path, target });
  open(xhr.responseText);
}

function setToken(csrf) {
  for (const field of all(document, "input[name=csrf]")) {
    field.value = csrf;
    field.defaultValue = csrf;
  }
}

function resend(source, { verb, path, target }) {
  if (source.isConnected) window.htmx.ajax(verb, path, { source, target });
}

/** Time of the last new token, by the element whose request was rejected for its old one. */
const renewedAt = new WeakMap();
/** A request is sent again only once within this time, in case a token is rejected for another reason. */
const RENEWAL_INTERVAL_MS = 5000;

/** Takes the new token of a 403 response, and sends the request again. */
function handleExpiredToken(event) {
  const { xhr, elt, target, requestConfig } = event.detail;
  const csrf = xhr.status === 403 && xhr.getResponseHeader("X-CSRF-Token");
  if (!csrf || Date.now() - (renewedAt.get(elt) ?? -Infinity) < RENEWAL_INTERVAL_MS) return;
  renewedAt.set(elt, Date.now());
  event.detail.isHandled = true;
  setToken(csrf);
  // htmx drops a request of an element while it handles another one.
  setTimeout(() => resend(elt, { verb: requestConfig.verb, path: requestConfig.path, target }));
}

/** Puts the token of the new session into all forms, and sends the rejected requests again. */
function resume({ email, csrf }) {
  setToken(csrf);
  for (const shown of document.querySelectorAll(".email")) shown.textContent = email;
  const requests = [...rejected];
  isDismissed = false;
  dialog.close();
  for (const [source, request] of requests) resend(source, request);
}

export function listen() {
  document.addEventListener("htmx:responseError", handleUnauthorized);
  document.addEventListener("htmx:responseError", handleExpiredToken);
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    const isOurs = dialog?.contains(event.detail.elt);
    // Until the user is signed in, the dialog shows the next form.
    if (!isOurs || !xhr.getResponseHeader("Content-Type")?.startsWith("application/json")) return;
    event.detail.shouldSwap = false;
    resume(JSON.parse(xhr.responseText));
  });
  on("click", "[data-close-sign-in]", () => { isDismissed = true; dialog.close(); });
  document.addEventListener("cancel", (event) => { if (event.target === dialog) isDismissed = true; }, true);
}
