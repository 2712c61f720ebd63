// Runs before anything is painted: marks the page as one that has scripts, and puts on the theme
// that was chosen here. A classic script on purpose: a module would come after the first paint.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch {
    // No storage: the system decides.
  }
})();
