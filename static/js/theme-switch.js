// The switch between light and dark, which applies to this browser. Until it is used, the theme of the account applies.
import { on } from "./dom.js";

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

export function listen() {
  on("click", "[data-theme-switch]", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // Without storage, the choice applies to this page only.
    }
  });
  // A theme that is saved for the account applies to this browser, too.
  on("submit", "[data-theme-form]", () => {
    try {
      localStorage.removeItem("theme");
    } catch {
      // Without storage, there is nothing to remove.
    }
  });
  // Applies the choice to other windows.
  addEventListener("storage", (event) => {
    if (event.key === "theme" && event.newValue) document.documentElement.dataset.theme = event.newValue;
  });
}
