// Pinning: a fetched certificate's fingerprint goes into the form, from the form itself or from the
// panel that shows a failed test.
import { all, changed, on } from "./dom.js";
import { closePanel } from "./panel.js";

function pin(sha256) {
  const field = document.getElementById("tls_sha256");
  const choice = document.querySelector('[name="tls_verify"][value="pinned"]');
  if (!field || !choice) return false;
  choice.checked = true;
  field.value = sha256;
  field.removeAttribute("aria-invalid");
  changed(field);
  return true;
}

export function enhance(root) {
  const found = all(root, "#certificate [data-sha256]")[0];
  if (found && root !== document) pin(found.dataset.sha256);
  const isOnForm = document.getElementById("webhook-form") !== null;
  if (isOnForm) for (const button of all(root, "[data-pin]")) button.hidden = false;
}

/** What was fetched from another address, or is not what stands in the field, must not stay. */
function forget() {
  document.getElementById("certificate")?.replaceChildren();
}

export function listen() {
  on("input", "#url", forget);
  on("input", "#tls_sha256", (event) => { if (event.isTrusted) forget(); });
  on("click", "[data-pin]", async (_event, button) => {
    if (!pin(button.dataset.pin)) return;
    forget();
    await closePanel();
    document.querySelector("[data-test]")?.focus();
  });
}
