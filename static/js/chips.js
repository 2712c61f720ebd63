// An input for several values, with suggestions. It replaces a text area with one value per line, which is hidden but
// remains the field of the form. Values are shown as chips. Enter, comma, Tab and leaving the field add the typed value;
// Backspace in the empty field removes the last one.
import { allOnce, createElement, dispatchChange, fetchJson } from "./dom.js";

const MAX_SUGGESTIONS = 50;
/** Delay between the last key and a search on the server for more values. */
const SEARCH_DELAY_MS = 150;

class Chips {
  constructor(root) {
    this.root = root;
    this.area = root.querySelector("textarea");
    this.seen = [...root.querySelectorAll("datalist option")].map((option) => option.value);
    this.values = lines(this.area.value);
    this.label = document.querySelector(`label[for="${this.area.id}"]`);
    this.list = createElement("ul", { class: "chips-list", role: "listbox", id: `${this.area.id}-list`, hidden: "" });
    this.entry = createElement("input", {
      id: `${this.area.id}-entry`, type: "text", role: "combobox", autocomplete: "off", spellcheck: "false",
      "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id,
    });
    for (const name of ["aria-invalid", "aria-describedby"]) {
      if (this.area.hasAttribute(name)) this.entry.setAttribute(name, this.area.getAttribute(name));
    }
    this.box = createElement("div", { class: "chips-box" }, this.entry);
    if (this.label) {
      this.label.htmlFor = this.entry.id;
      this.list.setAttribute("aria-label", this.label.textContent);
    }
    this.area.hidden = true;
    root.append(this.box, this.list);
    this.listen();
    this.render();
  }

  listen() {
    this.box.addEventListener("mousedown", (event) => {
      if (event.target !== this.box) return;
      event.preventDefault();
      if (!this.list.hidden) return this.close();
      this.entry.focus();
      this.suggest();
    });
    this.box.addEventListener("click", (event) => {
      const cross = event.target.closest(".chip-remove");
      if (cross) this.remove(this.values.indexOf(cross.dataset.value));
    });
    this.entry.addEventListener("input", (event) => { event.stopPropagation(); this.suggest(); this.search(); });
    this.entry.addEventListener("change", (event) => event.stopPropagation());
    this.entry.addEventListener("focus", () => this.suggest());
    this.entry.addEventListener("click", () => this.suggest());
    this.entry.addEventListener("blur", () => { this.add(this.entry.value); this.close(); });
    this.entry.addEventListener("keydown", (event) => this.handleKey(event));
    this.entry.addEventListener("paste", (event) => this.paste(event));
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const item = event.target.closest("[data-value]");
      if (item) this.add(item.dataset.value);
    });
  }

  handleKey(event) {
    if (event.isComposing) return;
    const active = this.active();
    if (event.key === "Enter" || event.key === ",") {
      event.preventDefault();
      this.add(active && event.key === "Enter" ? active.dataset.value : this.entry.value);
    } else if (event.key === "Tab" && active && !event.shiftKey) {
      this.add(active.dataset.value);
    } else if (event.key === "Backspace" && !this.entry.value && this.values.length) {
      event.preventDefault();
      this.remove(this.values.length - 1);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.moveActive(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape" && !this.list.hidden) {
      event.preventDefault();
      this.close();
    }
  }

  /** Adds each pasted line as a value. */
  paste(event) {
    const found = lines(event.clipboardData.getData("text").replaceAll("\t", "\n"));
    if (found.length < 2) return;
    event.preventDefault();
    for (const value of found) this.add(value);
  }

  add(text) {
    const value = text.trim();
    this.entry.value = "";
    if (value && !this.values.includes(value)) {
      this.values.push(value);
      this.save();
    }
    if (document.activeElement === this.entry) this.suggest();
  }

  remove(index) {
    if (index < 0) return;
    this.values.splice(index, 1);
    this.save();
    this.entry.focus();
    this.suggest();
  }

  save() {
    this.area.value = this.values.join("\n");
    this.render();
    dispatchChange(this.area);
  }

  render() {
    const chips = this.values.map((value) => {
      const cross = createElement("button", { type: "button", class: "chip-remove", "data-value": value, "aria-label": `Remove ${value}` });
      return createElement("span", { class: "chip", title: value }, createElement("span", {}, value), cross);
    });
    // The input is not moved, because it would lose the focus.
    for (const chip of this.box.querySelectorAll(".chip")) chip.remove();
    this.entry.before(...chips);
    this.entry.placeholder = this.values.length ? "" : this.area.placeholder;
  }

  suggest() {
    const typed = this.entry.value.trim().toLowerCase();
    const matching = this.seen.filter((value) => !this.values.includes(value) && value.toLowerCase().includes(typed));
    const items = matching.slice(0, MAX_SUGGESTIONS).map((value, index) =>
      createElement("li", { role: "option", id: `${this.list.id}-${index}`, "data-value": value, "aria-selected": "false" }, value));
    const known = this.seen.length ? "All known values are selected. Type another, then press Enter." : "No values seen yet. Type one, then press Enter.";
    const hint = typed ? "Press Enter to add it." : known;
    const note = createElement("li", { role: "option", class: "chips-note", "aria-disabled": "true", "aria-selected": "false" }, hint);
    this.list.replaceChildren(...(items.length ? items : [note]));
    this.list.hidden = false;
    this.entry.setAttribute("aria-expanded", "true");
    this.entry.removeAttribute("aria-activedescendant");
  }

  /** Searches the server for more values that contain the typed text. */
  search() {
    clearTimeout(this.timer);
    const typed = this.entry.value.trim();
    if (!typed) return;
    this.timer = setTimeout(async () => {
      const query = new URLSearchParams({ field: this.root.dataset.chips, q: typed });
      const found = (await fetchJson(`/webhooks/values?${query}`)) ?? [];
      const more = found.filter((value) => !this.seen.includes(value));
      if (!more.length) return;
      this.seen.push(...more);
      const isCurrent = document.activeElement === this.entry && this.entry.value.trim() === typed && !this.active();
      if (isCurrent) this.suggest();
    }, SEARCH_DELAY_MS);
  }

  close() {
    this.list.hidden = true;
    this.entry.setAttribute("aria-expanded", "false");
    this.entry.removeAttribute("aria-activedescendant");
  }

  active() {
    return this.list.hidden ? null : this.list.querySelector('[aria-selected="true"]');
  }

  moveActive(by) {
    if (this.list.hidden) this.suggest();
    const items = [...this.list.querySelectorAll("[data-value]")];
    if (!items.length) return;
    const at = items.indexOf(this.active());
    const next = items[(at < 0 && by < 0 ? items.length - 1 : at + by + items.length) % items.length];
    for (const item of items) item.setAttribute("aria-selected", String(item === next));
    next.scrollIntoView({ block: "nearest" });
    this.entry.setAttribute("aria-activedescendant", next.id);
  }
}

function lines(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

export function enhance(root) {
  for (const element of allOnce(root, "[data-chips]", "Chips")) new Chips(element);
}
