// Adds and removes rows: headers and response validators.
import { dispatchChange, on } from "./dom.js";

export function listen() {
  on("click", "[data-add-row]", (_event, button) => {
    const rows = document.querySelector(`[data-rows="${button.dataset.addRow}"]`);
    const template = rows.querySelector("template");
    const row = template.content.firstElementChild.cloneNode(true);
    template.before(row);
    row.querySelector("input, textarea").focus();
  });
  on("click", "[data-remove-row]", (_event, button) => {
    const row = button.closest("[data-row]");
    const rows = row.closest("[data-rows]");
    const near = [row.nextElementSibling, row.previousElementSibling].find((other) => other?.matches("[data-row]"));
    row.remove();
    const next = near?.querySelector("[data-remove-row]") ?? document.querySelector(`[data-add-row="${rows.dataset.rows}"]`);
    next?.focus();
    dispatchChange(rows);
  });
}
