// Reports failed htmx requests: the server cannot be reached, or responds with an error.
import { createElement } from "./dom.js";
import { showToast } from "./toasts.js";

const UNREACHABLE = "Gatepost cannot be reached. Check your connection and try again.";

/** Returns the message of an error page. */
function message(xhr) {
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  const text = page.querySelector("[data-error]")?.textContent.trim();
  return text || `The server responded with status ${xhr.status}. Try again in a moment.`;
}

/** Shows an error in the dialog in which the user signs in again, because it covers the toasts. */
function reportInDialog(form, text) {
  form.querySelector("[role=alert]")?.remove();
  form.prepend(createElement("p", { class: "banner bad", role: "alert" }, text));
}

/** Shows an error. The preview sends a request after every change, so its errors are shown in the editor's status. */
function report(element, text) {
  if (element.matches(".sign-in-dialog form")) {
    reportInDialog(element, text);
    return;
  }
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
    // session.js handles these.
    if (event.detail.xhr.status !== 401 && !event.detail.isHandled) report(event.detail.elt, message(event.detail.xhr));
  });
}
