// Menus of the rows of the list of webhooks. A row contains only a link to the page of its webhook, where the same actions are;
// with scripts, a menu takes its place. data-row-menu says whether the webhook is active. So fifty rows do not repeat the same markup.
import { all } from "./dom.js";

const PLACES = ["href", "formaction", "hx-post"];

function create(link) {
  const menu = document.querySelector("#row-menu").content.firstElementChild.cloneNode(true);
  const id = link.getAttribute("href").split("/").pop();
  for (const item of all(menu, ".menu-item")) {
    for (const name of PLACES) {
      if (item.hasAttribute(name)) item.setAttribute(name, item.getAttribute(name).replace("ID", id));
    }
    if (item.dataset.forActive && item.dataset.forActive !== link.dataset.rowMenu) item.remove();
  }
  menu.querySelector("summary").setAttribute("aria-label", link.getAttribute("aria-label"));
  return menu;
}

export function enhance(root) {
  for (const link of all(root, "[data-row-menu]")) {
    const menu = create(link);
    link.replaceWith(menu);
    window.htmx.process(menu);
  }
}
