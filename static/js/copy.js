// Copy buttons: data-copy names the element whose text is copied.
import { make, on } from "./dom.js";

const SAID_MS = 1600;

/** Puts text on the clipboard; says whether that worked. */
export async function copy(text, near) {
  try {
    if (navigator.clipboard && isSecureContext) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // Not allowed; execCommand below may be.
  }
  // Plain http origins have no clipboard of their own. Within a modal dialog, what is outside it
  // cannot be selected, so the text area goes where the button is.
  const area = make("textarea", { class: "hidden", "aria-hidden": "true", tabindex: "-1" });
  const before = document.activeElement;
  area.value = text;
  near.after(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus({ preventScroll: true });
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
    const said = make("span", { class: "hidden", role: "status" });
    button.after(said);
    said.textContent = button.textContent;
    setTimeout(() => {
      button.textContent = button.dataset.label;
      delete button.dataset.label;
      said.remove();
    }, SAID_MS);
  });
}
