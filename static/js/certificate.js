// Pins a certificate: copies its fingerprint into the form, after it was fetched or from the panel of a failed test.
import { all, dispatchChange, on } from "./dom.js";
import { closePanel } from "./panel.js";

function pin(sha256) {
  const field = document.getElementById("tls_sha256");
  const choice = document.querySelector('[name="tls_verify"][value="pinned"]');
  if (!field || !choice) return false;
  choice.checked = true;
  field.value = sha256;
  field.removeAttribute("aria-invalid");
  dispatchChange(field);
  return true;
}

export function enhance(root) {
  const found = all(root, "#certificate [data-sha256]")[0];
  if (found && root !== document) pin(found.dataset.sha256);
  const isOnForm = document.getElementById("webhook-form") !== null;
  if (isOnForm) for (const button of all(root, "[data-pin]")) button.hidden = false;
}

/** Removes the shown certificate, because the URL or the fingerprint has changed. */
function clearCertificate() {
  document.getElementById("certificate")?.replaceChildren();
}

export function listen() {
  on("input", "#url", clearCertificate);
  on("input", "#tls_sha256", (event) => { if (event.isTrusted) clearCertificate(); });
  on("click", "[data-pin]", async (_event, button) => {
    if (!pin(button.dataset.pin)) return;
    clearCertificate();
    await closePanel();
    document.querySelector("[data-test]")?.focus();
  });
}
