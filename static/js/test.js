// Testing the form: cancelling while it runs. The request itself is htmx's.
import { make, on } from "./dom.js";

export function listen() {
  on("click", "[data-cancel-test]", () => {
    const button = document.querySelector("[data-test]");
    window.htmx?.trigger(button, "htmx:abort");
    const text = "Cancelled. The request may have arrived all the same.";
    document.getElementById("test-result")?.replaceChildren(make("span", { class: "result-detail" }, text));
    button.focus();
  });
}
