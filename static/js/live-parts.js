// Loads the parts of the page with data-live-part again, but replaces nothing while the user works in them.
import { all } from "./dom.js";

/** A page that loads slowly is loaded less often: the pause is a multiple of the time. */
const LOAD_FACTOR = 5;
/** Time until the next attempt after a failure. */
const RETRY_MS = 10_000;
/** Time between checks whether the user still works in a part. */
const CHECK_MS = 300;

/** The interval of the requested reload; undefined if none is requested. */
let requested;
let timer;
/** Aborts the reload in progress. */
let loading;
let earliest = 0;

const parts = () => [...document.querySelectorAll("[data-live-part]")];
const address = () => location.pathname + location.search;

/** Whether the user works in a part or in a dialog, or is changing the filters. */
function isInUse() {
  if (document.querySelector("dialog[open], .htmx-request")) return true;
  const selection = getSelection();
  const range = selection.isCollapsed ? undefined : selection.getRangeAt(0);
  return parts().some((part) => part.contains(document.activeElement) || part.querySelector("details[open]") || range?.intersectsNode(part));
}

/** What a user sees of a part, with times instead of "2 minutes ago", and where it leads. */
function content(part) {
  const copy = part.cloneNode(true);
  for (const time of all(copy, "time")) time.textContent = time.dateTime;
  // Menus of rows, and the value that is shown below a chart, are added by scripts.
  for (const added of all(copy, "details.menu, [data-row-menu], [data-chart-readout]")) added.remove();
  return copy.textContent + all(copy, "[href]").map((link) => link.getAttribute("href"));
}

/** Replaces a part if it differs, and keeps the first visible row in its place. */
function replace(part, fresh) {
  if (!fresh || content(fresh) === content(part)) return;
  const links = part.getBoundingClientRect().top < 0 ? all(part, "a[href]") : [];
  const anchor = links.find((link) => link.getBoundingClientRect().top >= 0);
  const top = anchor?.getBoundingClientRect().top;
  window.htmx.swap(part, fresh.outerHTML, { swapStyle: "outerHTML" });
  const moved = anchor && all(document.getElementById(part.id), "a[href]").find((link) => link.href === anchor.href);
  if (moved) scrollBy({ top: moved.getBoundingClientRect().top - top, behavior: "instant" });
}

/** Returns the page, or its parts if the server offers them alone. Undefined if the request failed or is obsolete. */
async function load(signal) {
  const url = address();
  // With the second header, the request does not count as a use of the session.
  const options = { signal, headers: { "HX-Request": "true", "Gatepost-Live": "true" } };
  const response = await fetch(url, options).catch(() => undefined);
  const html = response?.ok ? await response.text().catch(() => undefined) : undefined;
  return html && url === address() ? new DOMParser().parseFromString(html, "text/html") : undefined;
}

async function reload() {
  if (isInUse()) return schedule(CHECK_MS);
  const interval = requested;
  const started = Date.now();
  const { signal } = loading = new AbortController();
  requested = undefined;
  const page = await load(signal);
  if (signal.aborted) return;
  loading = undefined;
  earliest = Date.now() + (page ? Math.max(interval, LOAD_FACTOR * (Date.now() - started)) : RETRY_MS);
  // The user may have started to work in a part meanwhile.
  const canReplace = page && !isInUse();
  if (canReplace) for (const part of parts()) replace(part, page.getElementById(part.id));
  else requested ??= interval;
  if (requested) schedule(earliest - Date.now());
}

function schedule(delay) {
  timer ??= setTimeout(() => { timer = undefined; reload(); }, Math.max(0, delay));
}

/** Loads the parts as soon as the interval since the last time, in milliseconds, and the user allow it. */
export function requestReload(interval) {
  requested = interval;
  if (!loading) schedule(earliest - Date.now());
}

export function cancelReload() {
  clearTimeout(timer);
  loading?.abort();
  timer = requested = loading = undefined;
}
