// Reports failed htmx requests: the server cannot be reached, or responds with an error.
import { showToast } from "./toasts.js";

const UNREACHABLE = "Gatepost cannot be reached. Check your connection and try again.";

/** Returns the message of an error page. */
function message(xhr) {
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  const text = page.querySelector("[data-error]")?.textContent.trim();
  return text || `The server responded with status ${xhr.status}. Try again in a moment.`;
}

/** Shows an error. The preview sends a request after every change, so its errors are shown in the editor's status. */
function report(element, text) {
  if (!element.matches("[data-preview]")) {
    showToast(text, { bad: true });
    return;
  }
  const status = document.querySelector("[data-editor-status]");
  if (!status) return;
  status.textContent = "Preview is not up to date";
  status.title = text;
  status.dataset.ok = "false";
}

export function listen() {
  document.addEventListener("htmx:sendError", (event) => report(event.detail.elt, UNREACHABLE));
  document.addEventListener("htmx:timeout", (event) => report(event.detail.elt, UNREACHABLE));
  document.addEventListener("htmx:responseError", (event) => {
    // The user signs in again in place (session.js).
    if (event.detail.xhr.status !== 401) report(event.detail.elt, message(event.detail.xhr));
  });
}
