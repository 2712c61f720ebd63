// Summary, Request, Response. In the panel one shows at a time; on a page of its own they stand one
// below the other and the tabs are links to them.
import { fresh } from "./dom.js";

export function enhance(root) {
  for (const nav of fresh(root, "dialog .tabs", "Tabs")) {
    const tabs = [...nav.querySelectorAll("a")];
    const part = (tab) => nav.parentElement.querySelector(tab.getAttribute("href"));
    const choose = (chosen) => {
      for (const tab of tabs) {
        tab.setAttribute("aria-selected", String(tab === chosen));
        tab.tabIndex = tab === chosen ? 0 : -1;
        part(tab).hidden = tab !== chosen;
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
      choose(tab);
    });
    nav.addEventListener("keydown", (event) => {
      const at = tabs.indexOf(document.activeElement);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1, " ": at }[event.key];
      if (at < 0 || to === undefined) return;
      event.preventDefault();
      const next = tabs[(to + tabs.length) % tabs.length];
      choose(next);
      next.focus();
    });
    choose(tabs[0]);
  }
}
