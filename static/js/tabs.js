// The tabs of an invocation. The panel shows one part at a time. On a page, the parts follow each other, and the tabs are
// links to them.
import { allOnce } from "./dom.js";

export function enhance(root) {
  for (const nav of allOnce(root, "dialog .tabs", "Tabs")) {
    const tabs = [...nav.querySelectorAll("a")];
    const part = (tab) => nav.parentElement.querySelector(tab.getAttribute("href"));
    const select = (selected) => {
      for (const tab of tabs) {
        tab.setAttribute("aria-selected", String(tab === selected));
        tab.tabIndex = tab === selected ? 0 : -1;
        part(tab).hidden = tab !== selected;
      }
    };
    nav.setAttribute("role", "tablist");
    for (const tab of tabs) {
      const name = tab.getAttribute("href").slice(1);
      tab.id = `tab-${name}`;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", name);
      part(tab).setAttribute("role", "tabpanel");
      part(tab).setAttribute("aria-labelledby", tab.id);
      part(tab).tabIndex = 0;
    }
    nav.addEventListener("click", (event) => {
      const tab = event.target.closest("a");
      if (!tab) return;
      event.preventDefault();
      select(tab);
    });
    nav.addEventListener("keydown", (event) => {
      const at = tabs.indexOf(document.activeElement);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1, " ": at }[event.key];
      if (at < 0 || to === undefined) return;
      event.preventDefault();
      const next = tabs[(to + tabs.length) % tabs.length];
      select(next);
      next.focus();
    });
    select(tabs[0]);
  }
}
