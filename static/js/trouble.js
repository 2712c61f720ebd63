// Tells when a request of htmx did not work: the network is away, or the server says no.
import { say } from "./toasts.js";

const AWAY = "Gatepost does not answer. Check the connection and try again.";

/** What an error page says. */
function message(xhr) {
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  const said = page.querySelector("[data-error]")?.textContent.trim();
  return said || `The server answered ${xhr.status}. Try again in a moment.`;
}

/** The preview asks on every key: it says so in the editor's status instead. */
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
  document.addEventListener("htmx:sendError", (event) => tell(event.detail.elt, AWAY));
  document.addEventListener("htmx:timeout", (event) => tell(event.detail.elt, AWAY));
  document.addEventListener("htmx:responseError", (event) => {
    // 401 leads to the sign-in page by itself.
    if (event.detail.xhr.status !== 401) tell(event.detail.elt, message(event.detail.xhr));
  });
}
