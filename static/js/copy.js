// Copy buttons. data-copy selects the element whose text is copied.
import { createElement, on } from "./dom.js";

/** How long a button confirms that it has copied. */
const CONFIRMATION_MS = 1600;

/** Copies text to the clipboard, and returns whether that succeeded. `near` is the button. */
export async function copy(text, near) {
  try {
    if (navigator.clipboard && isSecureContext) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // Not permitted. execCommand may be.
  }
  // The clipboard API requires HTTPS. The text area is placed next to the button, because outside of a modal dialog
  // nothing can be selected.
  const area = createElement("textarea", { class: "hidden", "aria-hidden": "true", tabindex: "-1" });
  const focused = document.activeElement;
  area.value = text;
  near.after(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  focused?.focus({ preventScroll: true });
  return done;
}

export function listen() {
  on("click", "[data-copy]", async (_event, button) => {
    const source = document.querySelector(button.dataset.copy);
    if (!source || button.dataset.label) return;
    const done = await copy(source.textContent, button);
    button.dataset.label = button.textContent;
    button.style.minWidth = `${button.offsetWidth}px`;
    button.textContent = done ? "Copied" : "Copy it manually";
    const status = createElement("span", { class: "hidden", role: "status" });
    button.after(status);
    status.textContent = button.textContent;
    setTimeout(() => {
      button.textContent = button.dataset.label;
      delete button.dataset.label;
      status.remove();
    }, CONFIRMATION_MS);
  });
}
