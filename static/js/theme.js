// Marks the page as one with scripts, and applies the chosen theme. This is a classic script, because a module would run
// after the first paint.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch {
    // Without storage, the system's setting applies.
  }
})();
