// The panel on the right. A link with data-panel loads the content of its page into it, with htmx. While it is open, the
// browser shows the address of that page, which can be copied and reloaded. Back closes it, and Forward opens it again.
import { on } from "./dom.js";

/** Address of the page below the panel. */
const pageAddress = location.pathname + location.search;

const panel = () => document.getElementById("panel");

/** Closes the panel, and resolves when the browser shows the page's address again. */
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

function openLoaded(event) {
  if (event.detail.target !== panel() || !event.detail.xhr) return;
  open(event.detail.pathInfo.finalRequestPath);
}

/** Handles Back and Forward, except for addresses that htmx has pushed. */
function navigate(event) {
  const dialog = panel();
  const url = event.state?.panel;
  if (url && url !== pageAddress) {
    if (!dialog.open) window.htmx?.ajax("GET", url, { target: "#panel", swap: "innerHTML" });
  } else if (dialog?.open) {
    dialog.close();
  } else if (!event.state?.htmx && location.pathname + location.search !== pageAddress) {
    // The page was reloaded with the address of the panel, so this is now a page without a panel.
    location.reload();
  }
}

export function listen() {
  document.addEventListener("htmx:afterSwap", openLoaded);
  addEventListener("popstate", navigate);
  // With Ctrl or similar keys, the browser opens a new tab. htmx must not handle such a click.
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
