// The menus of events to try a webhook out with. What is too old for a menu is found in the panel, by
// a search on the server; the menu that asked gets what was chosen there.
import { changed, fresh, make, on } from "./dom.js";
import { closePanel } from "./panel.js";

const FIND = "find";
let asking = "";

function find(menu) {
  asking = menu.id;
  menu.value = menu.dataset.was;
  window.htmx?.ajax("GET", "/webhooks/events", { target: "#panel", swap: "innerHTML" });
}

function choose(menu, value, label) {
  if (![...menu.options].some((option) => option.value === value)) {
    const group = menu.querySelector("optgroup:last-of-type");
    group.append(make("option", { value }, label));
  }
  menu.value = value;
  menu.dataset.was = value;
  changed(menu);
  menu.focus();
}

export function enhance(root) {
  for (const menu of fresh(root, "select[data-event-menu]", "EventMenu")) {
    menu.dataset.was = menu.value;
    // Where nothing was received yet, there is nothing to find.
    if (menu.querySelectorAll("optgroup").length < 2) continue;
    menu.append(make("option", { value: FIND }, "Find another event…"));
  }
}

export function listen() {
  // Before anybody else hears of it: to look for an event is no choice yet.
  on("change", "select[data-event-menu]", (event, menu) => {
    if (menu.value !== FIND) {
      menu.dataset.was = menu.value;
      return;
    }
    event.stopPropagation();
    find(menu);
  }, true);
  on("input", "select[data-event-menu]", (event, menu) => {
    if (menu.value === FIND) event.stopPropagation();
  }, true);
  on("click", "[data-choose-event]", async (_event, button) => {
    const { chooseEvent, label } = button.dataset;
    const menu = document.getElementById(asking);
    if (!menu) return;
    await closePanel();
    choose(menu, chooseEvent, label);
  });
}
