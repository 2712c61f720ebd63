// Starts the modules that add behavior to the pages. Each handles one concern: `listen` is called once, `enhance` for
// the page and for every part that htmx swaps in.
export function start(modules) {
  const enhance = (root) => { for (const module of modules) module.enhance?.(root); };
  for (const module of modules) module.listen?.();
  enhance(document);
  document.addEventListener("htmx:load", (event) => {
    if (event.detail.elt !== document.body) enhance(event.detail.elt);
  });
}
