// Shows the values of a chart under the pointer, or with the arrow keys. Without scripts, the browser shows them as tooltips.
import { allOnce } from "./dom.js";

const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

export function enhance(root) {
  for (const chart of allOnce(root, "[data-chart]", "Chart")) start(chart);
}

function start(chart) {
  const readout = chart.closest("figure").querySelector("[data-chart-readout]");
  const summary = readout.textContent;
  const columns = [...chart.querySelectorAll("g")];
  const texts = columns.map((column) => {
    const title = column.querySelector("title");
    title.remove();
    return title.textContent;
  });
  const last = columns.length - 1;
  let current = last;

  const show = (index) => {
    current = Math.min(Math.max(index, 0), last);
    for (const [other, column] of columns.entries()) column.classList.toggle("current", other === current);
    readout.textContent = texts[current];
    chart.setAttribute("aria-valuenow", String(current));
    chart.setAttribute("aria-valuetext", texts[current]);
  };
  const reset = () => {
    if (chart === document.activeElement) return show(current);
    for (const column of columns) column.classList.remove("current");
    readout.textContent = summary;
  };

  chart.tabIndex = 0;
  chart.setAttribute("role", "slider");
  chart.setAttribute("aria-valuemin", "0");
  chart.setAttribute("aria-valuemax", String(last));
  chart.setAttribute("aria-valuenow", String(last));
  chart.setAttribute("aria-valuetext", summary);
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    show(Math.floor(((event.clientX - box.left) / box.width) * columns.length));
  });
  chart.addEventListener("pointerleave", reset);
  chart.addEventListener("focus", () => show(current));
  chart.addEventListener("blur", reset);
  chart.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    show(current + step);
  });
}
