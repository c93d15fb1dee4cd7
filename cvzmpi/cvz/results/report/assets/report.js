"use strict";
// Tables that can be sorted, searched and paged. The rows stay data: only one page of
// them is in the document, so thousands cost nothing.

const ROWS_PER_PAGE = 50;

function cvzmpiTable(id, table) {
  const place = document.getElementById(id);
  if (!place) return;
  const isText = table.columns.map((column, i) => table.rows.some((row) => typeof value(row[i]) === "string"));
  const texts = table.rows.map((row) => row.map((cell, i) => shown(value(cell), table.columns[i])));
  const state = { column: table.sort, descending: true, words: [], page: 0 };

  const search = element("input", { type: "search", placeholder: "search", "aria-label": "search" });
  const count = element("span", { class: "count", role: "status" });
  const back = element("button", { type: "button" }, "previous");
  const forth = element("button", { type: "button" }, "next");
  const head = element("tr");
  const body = element("tbody");
  const grid = element("table", {}, element("thead", {}, head), body);
  place.replaceChildren(element("div", { class: "tools" }, search, count, back, forth), element("div", { class: "scroll" }, grid));

  table.columns.forEach((column, i) => {
    const button = element("button", { type: "button" }, element("span", { class: "title" }, column.title), element("span", { class: "unit" }, column.unit));
    button.addEventListener("click", () => {
      state.descending = state.column === i ? !state.descending : !isText[i];
      state.column = i;
      state.page = 0;
      show();
    });
    head.append(element("th", { scope: "col", class: isText[i] ? "text" : "number" }, button));
  });
  search.addEventListener("input", () => {
    state.words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    state.page = 0;
    show();
  });
  back.addEventListener("click", () => { state.page -= 1; show(); });
  forth.addEventListener("click", () => { state.page += 1; show(); });
  show();

  function show() {
    const chosen = found(texts, state.words);
    if (state.column !== null) sortRows(chosen, table.rows, state.column, state.descending);
    const first = state.page * ROWS_PER_PAGE;
    const some = chosen.slice(first, first + ROWS_PER_PAGE);
    body.replaceChildren(...some.map((number) => rowElement(table, number, texts, isText)));
    const of = chosen.length === texts.length ? "" : ` (of ${texts.length.toLocaleString("en")})`;
    count.textContent = chosen.length === 0 ? `none${of}` : `${first + 1} to ${first + some.length} of ${chosen.length.toLocaleString("en")}${of}`;
    back.disabled = state.page === 0;
    forth.disabled = first + some.length >= chosen.length;
    back.hidden = forth.hidden = chosen.length <= ROWS_PER_PAGE;
    [...head.children].forEach((cell, i) => {
      if (i === state.column) cell.setAttribute("aria-sort", state.descending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
  }
}

// The value of a cell, which is [value, address] where it is a link.
function value(cell) {
  return Array.isArray(cell) ? cell[0] : cell;
}

function shown(value, column) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "number" || column.digits === null) return String(value);
  if (value === 0) return "0";
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  if (magnitude < -4 || magnitude > 9) return value.toExponential(column.digits - 1);
  return value.toFixed(Math.max(0, column.digits - 1 - magnitude));
}

// Numbers of the rows in which each word is somewhere.
function found(texts, words) {
  const numbers = [...texts.keys()];
  if (!words.length) return numbers;
  return numbers.filter((number) => {
    const text = texts[number].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

// What is missing comes last, whichever way it is sorted.
function sortRows(numbers, rows, column, descending) {
  const sign = descending ? -1 : 1;
  numbers.sort((a, b) => {
    const x = value(rows[a][column]);
    const y = value(rows[b][column]);
    if (x === null || y === null) return (x === null) - (y === null) || a - b;
    if (x === y) return a - b;
    return sign * (x < y ? -1 : 1);
  });
}

function rowElement(table, number, texts, isText) {
  const row = element("tr");
  table.rows[number].forEach((cell, i) => {
    const address = Array.isArray(cell) ? cell[1] : "";
    const text = texts[number][i];
    row.append(element("td", { class: isText[i] ? "text" : "number" }, address ? element("a", { href: address }, text) : text));
  });
  return row;
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, text] of Object.entries(attributes)) made.setAttribute(key, text);
  made.append(...children);
  return made;
}
