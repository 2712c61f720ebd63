// Menus of events for tests, previews and manual sends. Older events are searched in the panel. The event that is chosen
// there is added to the menu that opened the panel.
import { allOnce, createElement, dispatchChange, on } from "./dom.js";
import { closePanel } from "./panel.js";

/** Value of the option that opens the search. */
const SEARCH = "find";
/** Id of the menu that opened the search. */
let searchingMenu = "";

function openSearch(menu) {
  searchingMenu = menu.id;
  menu.value = menu.dataset.previous;
  window.htmx?.ajax("GET", "/webhooks/events", { target: "#panel", swap: "innerHTML" });
}

function choose(menu, value, label) {
  if (![...menu.options].some((option) => option.value === value)) {
    const group = menu.querySelector("optgroup:last-of-type");
    group.append(createElement("option", { value }, label));
  }
  menu.value = value;
  menu.dataset.previous = value;
  dispatchChange(menu);
  menu.focus();
}

export function enhance(root) {
  for (const menu of allOnce(root, "select[data-event-menu]", "EventMenu")) {
    menu.dataset.previous = menu.value;
    // Without received events, there is nothing to search.
    if (menu.querySelectorAll("optgroup").length < 2) continue;
    menu.append(createElement("option", { value: SEARCH }, "Find another event…"));
  }
}

export function listen() {
  // In the capture phase, so that no other listener takes the search for a choice.
  on("change", "select[data-event-menu]", (event, menu) => {
    if (menu.value !== SEARCH) {
      menu.dataset.previous = menu.value;
      return;
    }
    event.stopPropagation();
    openSearch(menu);
  }, true);
  on("input", "select[data-event-menu]", (event, menu) => {
    if (menu.value === SEARCH) event.stopPropagation();
  }, true);
  on("click", "[data-choose-event]", async (_event, button) => {
    const { chooseEvent, label } = button.dataset;
    const menu = document.getElementById(searchingMenu);
    if (!menu) return;
    await closePanel();
    choose(menu, chooseEvent, label);
  });
}
