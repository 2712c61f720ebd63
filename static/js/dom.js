// Small helpers for the other modules.

/** All that match within a root, the root itself included. */
export function all(root, selector) {
  const within = [...root.querySelectorAll(selector)];
  return root.matches?.(selector) ? [root, ...within] : within;
}

/** Like `all`, but each element only the first time. */
export function fresh(root, selector, mark) {
  return all(root, selector).filter((element) => {
    const key = `ready${mark}`;
    if (element.dataset[key]) return false;
    element.dataset[key] = "true";
    return true;
  });
}

/** An element with attributes and children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Fetches JSON; undefined if the server cannot be reached, refuses, or asks for signing in. */
export async function fetchJson(url) {
  // As htmx asks: the response to a session that has ended is a status, not the sign-in page.
  const response = await fetch(url, { headers: { "HX-Request": "true" } }).catch(() => undefined);
  return response?.ok ? response.json() : undefined;
}

/** Calls a listener where an event comes from within an element that matches. */
export function on(type, selector, listener, options) {
  document.addEventListener(type, (event) => {
    const element = event.target.closest?.(selector);
    if (element) listener(event, element);
  }, options);
}

/** Tells everybody that a field was changed by a script as if it had been typed. */
export function changed(field) {
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
}
