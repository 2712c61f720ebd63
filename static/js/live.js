// Live updates: while the page is visible, the server reports changes (GET /live), and the parts of the page are loaded
// again. Pages of older rows stay as they are. Pausing applies to the tab, and closes the connection.
import { on } from "./dom.js";
import { cancelReload, requestReload } from "./live-parts.js";

const PAUSED = "live-paused";
const LABELS = { live: "Live", paused: "Paused", lost: "Reconnecting…" };
/** Time until the next attempt if the server has refused the connection. Lost connections are repeated by the browser. */
const RETRY_MS = 10_000;

let source;
let retry;

const control = () => document.querySelector("[data-live]");
const isFirstPage = () => !new URLSearchParams(location.search).has("after");
const isPaused = () => sessionStorage.getItem(PAUSED) === "true";

function show(state) {
  control().dataset.state = state;
  control().setAttribute("aria-pressed", String(state !== "paused"));
  control().querySelector("[data-live-label]").textContent = LABELS[state];
}

/** Whether changes affect this page. */
function isAffected({ webhooks, ...changed }) {
  const { live, liveWebhook } = control().dataset;
  if (live === "webhooks") return webhooks.length > 0;
  return changed[live] && (!liveWebhook || webhooks === "all" || webhooks.includes(liveWebhook));
}

function connect() {
  source = new EventSource("/live");
  source.addEventListener("open", () => show("live"));
  source.addEventListener("message", (event) => {
    if (isAffected(JSON.parse(event.data))) requestReload(Number(control().dataset.liveInterval));
  });
  source.addEventListener("error", () => {
    show("lost");
    if (source.readyState !== EventSource.CLOSED) return;
    disconnect();
    retry = setTimeout(update, RETRY_MS);
    leaveIfSessionEnded();
  });
}

/** Goes to the sign-in page if the session has ended, so that its pages do not stay on the screen. */
async function leaveIfSessionEnded() {
  const options = { method: "HEAD", redirect: "manual", headers: { "gatepost-live": "true" } };
  const response = await fetch(location.href, options).catch(() => undefined);
  if (response?.type === "opaqueredirect") location.reload();
}

function disconnect() {
  source?.close();
  source = undefined;
  cancelReload();
}

/** Connects or disconnects, as the page requires now. */
function update() {
  clearTimeout(retry);
  control().hidden = !isFirstPage();
  const state = control().dataset.state;
  if (isPaused()) show("paused");
  else if (state === "paused") show("live");
  if (document.hidden || isPaused() || !isFirstPage()) disconnect();
  else if (!source) connect();
}

export function listen() {
  if (!control()) return;
  update();
  document.addEventListener("visibilitychange", update);
  // The filters change the address.
  document.addEventListener("htmx:pushedIntoHistory", update);
  on("click", "[data-live]", () => {
    sessionStorage.setItem(PAUSED, String(!isPaused()));
    update();
  });
}
