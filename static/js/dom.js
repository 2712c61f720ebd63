// Small helpers for the other modules.

/** Returns the elements that match within a root, including the root itself. */
export function all(root, selector) {
  const within = [...root.querySelectorAll(selector)];
  return root.matches?.(selector) ? [root, ...within] : within;
}

/** Like `all`, but returns each element only the first time. `name` identifies the caller. */
export function allOnce(root, selector, name) {
  return all(root, selector).filter((element) => {
    const key = `ready${name}`;
    if (element.dataset[key]) return false;
    element.dataset[key] = "true";
    return true;
  });
}

/** Creates an element with attributes and children. */
export function createElement(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Fetches JSON. Returns undefined if the server cannot be reached, responds with an error, or requires signing in. */
export async function fetchJson(url) {
  // With this header of htmx, the server responds with status 401 if the session has ended, not with the sign-in page.
  const response = await fetch(url, { headers: { "HX-Request": "true" } }).catch(() => undefined);
  return response?.ok ? response.json() : undefined;
}

/** Calls a listener for events from within an element that matches, with that element. */
export function on(type, selector, listener, options) {
  document.addEventListener(type, (event) => {
    const element = event.target.closest?.(selector);
    if (element) listener(event, element);
  }, options);
}

/** Dispatches the events of a field that a script has changed, as if the user had changed it. */
export function dispatchChange(field) {
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
}
