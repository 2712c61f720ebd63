// The panel at the right side. A link with data-panel brings its page's content into it by htmx.
// While it is open the address is the panel's own, so it can be copied and reloaded; Back closes
// it, and Forward opens it again.
import { on } from "./dom.js";

/** The address of the page that is below the panel. */
const home = location.pathname + location.search;

const panel = () => document.getElementById("panel");

/** Closes it and comes back once the address is the page's again. */
export function closePanel() {
  const dialog = panel();
  if (!dialog?.open) return Promise.resolve();
  const back = history.state?.panel
    ? new Promise((done) => addEventListener("popstate", () => done(), { once: true }))
    : Promise.resolve();
  dialog.close();
  return back;
}

function open(url) {
  const dialog = panel();
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  if (history.state?.panel !== url) {
    const replace = Boolean(history.state?.panel);
    history[replace ? "replaceState" : "pushState"]({ panel: url }, "", url);
  }
  const head = dialog.querySelector(".panel-head");
  if (head) dialog.style.setProperty("--panel-head", `${head.offsetHeight}px`);
  const first = dialog.querySelector("[data-schema-search], [data-panel-focus]") ?? dialog.querySelector("h1");
  if (first?.matches("h1")) first.tabIndex = -1;
  first?.focus();
}

function came(event) {
  if (event.detail.target !== panel() || !event.detail.xhr) return;
  open(event.detail.pathInfo.finalRequestPath);
}

/** Back and Forward. What htmx has pushed is htmx's. */
function moved(event) {
  const dialog = panel();
  const url = event.state?.panel;
  if (url && url !== home) {
    if (!dialog.open) window.htmx?.ajax("GET", url, { target: "#panel", swap: "innerHTML" });
  } else if (dialog?.open) {
    dialog.close();
  } else if (!event.state?.htmx && location.pathname + location.search !== home) {
    // This page was reloaded while the panel's address stood there: it is a page of its own now.
    location.reload();
  }
}

export function listen() {
  document.addEventListener("htmx:afterSwap", came);
  addEventListener("popstate", moved);
  // With Ctrl and the like the browser opens a window of its own: htmx must not see such a click.
  on("click", "a[data-panel]", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) event.stopPropagation();
  }, true);
  on("click", "[data-close-panel]", () => panel().close());
  const dialog = panel();
  if (!dialog) return;
  dialog.addEventListener("pointerdown", (event) => {
    const isBeside = event.clientX < dialog.getBoundingClientRect().left;
    if (event.target === dialog && isBeside) dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.replaceChildren();
    if (history.state?.panel) history.back();
  });
}
