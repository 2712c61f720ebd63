// Dropdown menus (details.menu). Only one is open at a time. Escape, a click elsewhere and leaving with Tab close it; arrow
// keys move through it. Without scripts they are plain disclosures.
import { on } from "./dom.js";

const DROPDOWNS = "details.menu, details.multi";

/** Opens the menu upwards if its items do not fit below. */
function place(menu) {
  if (!menu.matches("td details.menu")) return;
  menu.classList.remove("up");
  const items = menu.querySelector(".menu-items").getBoundingClientRect();
  const above = menu.getBoundingClientRect().top;
  menu.classList.toggle("up", items.bottom > innerHeight - 8 && above > items.height + 8);
}

function close(menu, { refocus = false } = {}) {
  menu.open = false;
  if (refocus) menu.querySelector("summary").focus();
}

function entries(menu) {
  return [...menu.querySelectorAll(".menu-item, .multi-list input")];
}

/** Moves the focus to another entry, and returns whether the key does that. */
function moveFocus(menu, key) {
  const list = entries(menu);
  const at = list.indexOf(document.activeElement);
  const to = {
    ArrowDown: at + 1,
    ArrowUp: at < 0 ? list.length - 1 : at - 1,
    Home: 0,
    End: list.length - 1,
  }[key];
  if (to === undefined || (at < 0 && (key === "Home" || key === "End"))) return false;
  menu.open = true;
  list[(to + list.length) % list.length]?.focus();
  return true;
}

export function listen() {
  document.addEventListener("pointerdown", (event) => {
    for (const menu of document.querySelectorAll(DROPDOWNS)) {
      if (menu.open && !menu.contains(event.target)) close(menu);
    }
  });
  document.addEventListener("focusin", (event) => {
    for (const menu of document.querySelectorAll(DROPDOWNS)) {
      // Pressing on the text of a label focuses an element around the menu before the click.
      if (menu.open && !menu.contains(event.target) && !event.target.contains(menu)) close(menu);
    }
  });
  document.addEventListener("toggle", (event) => {
    if (event.target.open && event.target.matches?.("details.menu")) place(event.target);
  }, true);
  on("keydown", DROPDOWNS, (event, menu) => {
    if (event.key === "Escape" && menu.open) {
      event.preventDefault();
      close(menu, { refocus: true });
    } else if (!event.ctrlKey && !event.metaKey && !event.altKey && moveFocus(menu, event.key)) {
      event.preventDefault();
    }
  });
}
