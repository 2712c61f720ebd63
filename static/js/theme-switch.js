// The light / dark switch. The system decides until somebody presses it.
import { on } from "./dom.js";

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

export function listen() {
  on("click", "[data-theme-switch]", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // No storage: the choice lasts as long as the page.
    }
  });
  // Other windows follow.
  addEventListener("storage", (event) => {
    if (event.key === "theme" && event.newValue) document.documentElement.dataset.theme = event.newValue;
  });
}
