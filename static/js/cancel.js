// Cancels the htmx request of a button. The server stops working on it when the connection is closed.
import { createElement, on } from "./dom.js";

export function listen() {
  on("click", "[data-cancel]", (_event, cancel) => {
    const button = document.getElementById(cancel.dataset.cancel);
    const result = document.querySelector(button.getAttribute("hx-target"));
    window.htmx?.trigger(button, "htmx:abort");
    const text = cancel.dataset.cancelled ?? "Cancelled.";
    result?.replaceChildren(createElement("span", { class: "result-detail" }, text));
    button.focus();
  });
}
