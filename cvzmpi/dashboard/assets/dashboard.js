"use strict";
// Brings a page up to date: asks for its parts as JSON and puts them in the place of the old ones,
// every few seconds while somebody looks. The server makes all words; templates/dashboard/parts.html
// shows the same parts when the page is opened.

(() => {
  const PERIOD = 3000; // milliseconds between two questions
  const CHART_PERIOD = 30000;
  const PATIENCE = 20000; // milliseconds to wait for an answer
  const line = document.querySelector("[data-live]");
  const shown = new Map(); // the parts as they are on the page, as text
  let updated = new Date();
  let chartAsked = -Infinity;

  const clock = (time) => `${time.toISOString().slice(11, 19)} UTC`;

  function made(tag, content) {
    const element = document.createElement(tag);
    element.append(content);
    return element;
  }

  // The form of a button that retries a unit and all like it; nothing for who is not signed in.
  function retryForm(unit) {
    const template = document.getElementById("retry-form");
    if (!template) return "";
    const form = template.content.firstElementChild.cloneNode(true);
    form.elements.like.value = unit;
    form.querySelector(".visually-hidden").textContent = ` all that failed like ${unit}`;
    return form;
  }

  function shownCell(cell) {
    let content = cell.text;
    if (cell.retry) content = retryForm(cell.retry);
    else if (cell.href) {
      content = made("a", cell.text);
      content.href = cell.href;
    }
    const element = made("td", content);
    if (cell.kind) element.className = cell.kind;
    return element;
  }

  function shownRow(row) {
    const element = document.createElement("tr");
    element.append(...row.map(shownCell));
    return element;
  }

  // The focus stays where it was, on the same link or button of the same row and column.
  function replaceRows(body, rows) {
    const focused = body.contains(document.activeElement) ? [...body.querySelectorAll("a, button")].indexOf(document.activeElement) : -1;
    body.replaceChildren(...rows.map(shownRow));
    body.querySelectorAll("a, button")[focused]?.focus();
  }

  function show(parts) {
    for (const [name, part] of Object.entries(parts)) {
      const text = JSON.stringify(part);
      const place = document.querySelector(`[data-part="${name}"]`);
      if (!place || shown.get(name) === text) continue;
      shown.set(name, text);
      if (typeof part === "string") place.textContent = part;
      else {
        replaceRows(place, part);
        place.closest("table").hidden = !part.length;
        document.querySelector(`[data-nothing="${name}"]`).hidden = part.length > 0;
      }
    }
  }

  function say(trouble) {
    const away = document.getElementById("away");
    if (away.textContent !== trouble) away.textContent = trouble;
    document.body.classList.toggle("stale", trouble !== "");
  }

  async function answer(address) {
    const response = await fetch(address, { signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
    const content = await response.json();
    if (!response.ok) throw new Error(content.error);
    return content;
  }

  // The chart is a script of its own. One that somebody looks at closely stays as it is.
  function drawChart() {
    const place = document.getElementById("throughput");
    if (!place || performance.now() - chartAsked < CHART_PERIOD || place.contains(document.activeElement)) return;
    const chart = cvzmpi.charts.throughput;
    if (chart?.plot && JSON.stringify(chart.range()) !== JSON.stringify(chart.full)) return;
    if (place.querySelector("details[open]")) return;
    chartAsked = performance.now();
    const script = document.createElement("script");
    script.src = `${place.dataset.script}?${Date.now()}`;
    place.style.minHeight = `${place.offsetHeight}px`;
    script.addEventListener("load", () => script.remove());
    script.addEventListener("error", () => script.remove());
    place.replaceChildren();
    document.head.append(script);
  }

  async function update() {
    if (document.hidden) return;
    try {
      const { parts } = await answer(line.dataset.live);
      show(parts);
      updated = new Date();
      document.getElementById("updated").textContent = parts.at ? `As of ${parts.at}.` : `As of ${clock(updated)}.`;
      say("");
      drawChart();
    } catch (error) {
      const why = error instanceof TypeError || error.name === "TimeoutError" ? "the server does not answer" : error.message;
      say(`The ledger cannot be read: ${why}. This is from ${clock(updated)}.`);
    }
  }

  async function repeat() {
    await update();
    setTimeout(repeat, PERIOD);
  }

  async function comeBack() {
    const response = await fetch(location.href, { cache: "no-store" }).catch(() => null);
    if (response?.ok) location.reload();
    else setTimeout(comeBack, PERIOD);
  }

  if (line) {
    document.addEventListener("visibilitychange", update);
    repeat();
  }
  if (document.querySelector("[data-reload]")) setTimeout(comeBack, PERIOD);
})();
