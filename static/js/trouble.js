// Reports requests of htmx that failed: the server cannot be reached, or responds with an error.
import { say } from "./toasts.js";

const UNREACHABLE = "Gatepost cannot be reached. Check your connection and try again.";

/** The message of an error page. */
function message(xhr) {
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  const said = page.querySelector("[data-error]")?.textContent.trim();
  return said || `The server responded with status ${xhr.status}. Try again in a moment.`;
}

/** Shows a message. The preview sends a request on every key, so its errors go to the editor's status. */
function tell(element, text) {
  if (!element.matches("[data-preview]")) {
    say(text, { bad: true });
    return;
  }
  const status = document.querySelector("[data-editor-status]");
  if (!status) return;
  status.textContent = "Preview is not up to date";
  status.title = text;
  status.dataset.ok = "false";
}

export function listen() {
  document.addEventListener("htmx:sendError", (event) => tell(event.detail.elt, UNREACHABLE));
  document.addEventListener("htmx:timeout", (event) => tell(event.detail.elt, UNREACHABLE));
  document.addEventListener("htmx:responseError", (event) => {
    // The user signs in again in place (session.js).
    if (event.detail.xhr.status !== 401) tell(event.detail.elt, message(event.detail.xhr));
  });
}
