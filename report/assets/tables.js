"use strict";
// Tables that are sorted, filtered, paged and downloaded: cvzmpi.table("id of its place", {...}).
//
// The rows stay data, and one page of them is in the document: a page with 14,385 rows of 26 columns
// opens in 0.2 s. There is no library under it. DataTables 3.1 takes 0.8 s for these rows and writes
// cells as HTML, where text stays text here; digits, missing values, filters of numbers and CSV would
// have to be added to it, so that only sorting and paging would be its own.
//
// A table is {columns, rows, sort, name, note}; without columns it has those that
// cvzmpi.columns("id", [...]) gave to all tables of that id before. A column is {key, title}, and where it is not a
// number shown as it is {unit, digits, text, hidden, description}. A row is a list of values,
// [value, address] where it is a link, null where there is none. `sort` is the number of the column
// by which it is sorted at first, the largest first; `name` that of the file of a download; `note`
// says which rows are here, if not all are.

(() => {
  const { element } = cvzmpi;
  const ROWS_PER_PAGE = [50, 200, 1000];
  const MANY = 20; // rows from which on the filters are open at first

  const columnsOf = new Map(); // by the id of the table

  cvzmpi.columns = (id, columns) => columnsOf.set(id, columns);

  cvzmpi.table = (id, table) => {
    const place = document.getElementById(id);
    if (place) new Table(place, { columns: columnsOf.get(id), ...table }).show();
  };

  // ---- filters: what a person types, as a test of a value and of its text

  // `>3`, `>=3`, `<3`, `<=3`, `=3`, `1..5`, `1..`, `..5`; null where the words are no such thing.
  function numberFilter(words) {
    const number = "[-+]?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[-+]?\\d+)?";
    const compared = words.match(new RegExp(`^(>=|<=|>|<|=)\\s*(${number})$`, "i"));
    if (compared) {
      const limit = Number(compared[2]);
      return { ">": (v) => v > limit, ">=": (v) => v >= limit, "<": (v) => v < limit, "<=": (v) => v <= limit, "=": (v) => v === limit }[compared[1]];
    }
    // The lazy first number leaves the dots to the range: `1..5` is 1 to 5, not 1. to .5
    const range = words.match(new RegExp(`^(|${number}?)\\s*\\.\\.\\s*(|${number})$`, "i"));
    if (!range || (range[1] === "" && range[2] === "")) return null;
    const [from, to] = [range[1] === "" ? -Infinity : Number(range[1]), range[2] === "" ? Infinity : Number(range[2])];
    return (v) => v >= from && v <= to;
  }

  // A test (value, text) => boolean; undefined for no filter, null for one that cannot be read.
  cvzmpi.filterOf = (words, isText) => {
    const wanted = words.trim().toLowerCase();
    if (wanted === "") return undefined;
    if (!isText) {
      const test = numberFilter(wanted);
      if (test) return (value) => value !== null && test(value);
      if (/[<>=]|\.\./.test(wanted)) return null;
    }
    return (_, text) => text.toLowerCase().includes(wanted);
  };

  // ---- values and their texts

  const valueOf = (cell) => (Array.isArray(cell) ? cell[0] : cell) ?? null;

  function textOf(value, digits) {
    if (value === null) return "";
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (typeof value !== "number" || digits === null) return String(value);
    if (value === 0) return "0";
    const magnitude = Math.floor(Math.log10(Math.abs(value)));
    if (magnitude < -4 || magnitude > 9) return value.toExponential(digits - 1);
    return value.toFixed(Math.max(0, digits - 1 - magnitude));
  }

  // ---- the table

  class Table {
    constructor(place, table) {
      this.place = place;
      this.rows = table.rows;
      this.name = table.name ?? place.id;
      this.columns = table.columns.map((column, number) => ({ unit: "", digits: null, text: false, ...column, number, shown: !column.hidden, words: "" }));
      this.sorted = { column: table.sort ?? null, descending: true };
      this.search = "";
      this.page = 0;
      this.perPage = ROWS_PER_PAGE[0];
      this.texts = new Map(); // by row, made when they are looked for
      this.chosen = null; // numbers of the rows that pass the filters, in their order; null: to be found
      this.build(table.note);
    }

    build(note) {
      const label = this.place.dataset.label ?? this.name;
      const search = element("input", { type: "search", placeholder: "search all columns", "aria-label": `Search in all columns: ${label}` });
      search.addEventListener("input", () => this.change(() => (this.search = search.value)));
      this.count = element("span", { class: "count", role: "status" });
      this.fault = element("span", { class: "bad", role: "alert" });
      this.filters = element("button", { type: "button", "aria-pressed": String(this.rows.length > MANY) }, "Filters");
      this.filters.addEventListener("click", () => {
        this.filters.setAttribute("aria-pressed", String(this.filters.getAttribute("aria-pressed") !== "true"));
        this.showFilters();
      });
      this.clear = element("button", { type: "button", class: "clear" }, "Clear filters");
      this.clear.addEventListener("click", () => {
        search.value = "";
        for (const input of this.head.querySelectorAll("input")) input.value = "";
        this.change(() => {
          this.search = "";
          for (const column of this.columns) column.words = "";
        });
        search.focus();
      });
      const download = element("button", { type: "button", class: "download" }, "Download CSV");
      download.addEventListener("click", () => this.download());
      this.head = element("thead");
      this.body = element("tbody");
      const grid = element("table", {}, element("caption", { class: "visually-hidden" }, label), this.head, this.body);
      this.place.replaceChildren(
        element("div", { class: "tools" }, search, this.filters, this.clear, this.columnChoice(), download),
        ...(note ? [element("p", { class: "note" }, note)] : []),
        // it can be scrolled by keys: so it takes the focus
        element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, grid),
        element("div", { class: "tools pages" }, this.pager(), this.count, this.fault),
      );
      this.buildHead();
    }

    columnChoice() {
      const boxes = this.columns.map((column) => {
        const box = element("input", { type: "checkbox" });
        box.checked = column.shown;
        box.addEventListener("change", () => this.choose(column, box.checked));
        const title = column.unit ? `${column.title} (${column.unit})` : column.title;
        return element("label", {}, box, ` ${title}`, ...(column.description ? [element("small", {}, column.description)] : []));
      });
      const choice = element("details", { class: "columns" }, element("summary", { class: "button" }, "Columns"), element("div", { class: "panel" }, ...boxes));
      choice.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        choice.open = false;
        choice.firstChild.focus();
      });
      return choice;
    }

    choose(column, shown) {
      column.shown = shown;
      if (!shown) column.words = ""; // a filter that nobody sees would be a riddle
      this.buildHead();
      this.change(() => {});
    }

    pager() {
      const turn = (title, page) => {
        const button = element("button", { type: "button", "data-turn": title }, title);
        button.addEventListener("click", () => {
          this.page = page();
          this.show();
        });
        return button;
      };
      this.back = [turn("First", () => 0), turn("Previous", () => this.page - 1)];
      this.forth = [turn("Next", () => this.page + 1), turn("Last", () => this.lastPage())];
      const size = element("select", {}, ...ROWS_PER_PAGE.map((n) => element("option", { value: n }, String(n))));
      size.addEventListener("change", () => {
        this.perPage = Number(size.value);
        this.page = 0;
        this.show();
      });
      this.pages = element("span", { class: "turn" }, ...this.back, ...this.forth, element("label", {}, "rows ", size));
      return this.pages;
    }

    lastPage() {
      return Math.max(0, Math.ceil(this.chosen.length / this.perPage) - 1);
    }

    buildHead() {
      const titles = element("tr");
      this.filterRow = element("tr", { class: "filters" });
      for (const column of this.shownColumns()) {
        const button = element("button", { type: "button" }, element("span", { class: "title" }, column.title), element("span", { class: "unit" }, column.unit));
        if (column.description) button.title = column.description;
        button.addEventListener("click", () => this.sort(column));
        titles.append(element("th", { scope: "col", class: kind(column), "data-column": column.number, "data-key": column.key }, button));
        const hint = column.text ? "contains" : ">3 or 1..5";
        const input = element("input", { type: "text", placeholder: hint, "aria-label": `Filter ${column.title}`, "data-key": column.key });
        input.value = column.words;
        input.addEventListener("input", () => this.change(() => (column.words = input.value)));
        this.filterRow.append(element("td", { class: kind(column) }, input));
      }
      this.head.replaceChildren(titles, this.filterRow);
      this.showFilters();
    }

    showFilters() {
      this.filterRow.hidden = this.filters.getAttribute("aria-pressed") !== "true";
    }

    shownColumns() {
      return this.columns.filter((column) => column.shown);
    }

    sort(column) {
      const again = this.sorted.column === column.number;
      this.sorted = { column: column.number, descending: again ? !this.sorted.descending : !column.text };
      this.page = 0;
      this.chosen = null;
      this.show();
    }

    change(work) {
      work();
      this.page = 0;
      this.chosen = null;
      this.show();
    }

    text(number, column) {
      return textOf(valueOf(this.rows[number][column.number]), column.digits);
    }

    // All texts of a row in one, for the search in all columns.
    allOf(number) {
      let text = this.texts.get(number);
      if (text === undefined) {
        text = this.columns.map((column) => this.text(number, column)).join("\n").toLowerCase();
        this.texts.set(number, text);
      }
      return text;
    }

    find() {
      const faults = [];
      let numbers = [...this.rows.keys()];
      for (const column of this.shownColumns()) {
        const test = cvzmpi.filterOf(column.words, column.text);
        const input = this.filterRow.querySelector(`input[data-key="${column.key}"]`);
        if (test === null) input.setAttribute("aria-invalid", "true");
        else input.removeAttribute("aria-invalid");
        if (test === null) faults.push(`${column.title}: “${column.words.trim()}” is no filter; numbers are filtered by >3, <=3, =3, 1..5`);
        if (test) numbers = numbers.filter((n) => test(valueOf(this.rows[n][column.number]), this.text(n, column)));
      }
      const words = this.search.toLowerCase().split(/\s+/).filter(Boolean);
      if (words.length) numbers = numbers.filter((n) => words.every((word) => this.allOf(n).includes(word)));
      this.fault.textContent = faults.join("; ");
      if (this.sorted.column !== null) sortRows(numbers, this.rows, this.sorted);
      return numbers;
    }

    show() {
      this.chosen ??= this.find();
      const first = this.page * this.perPage;
      const some = this.chosen.slice(first, first + this.perPage);
      this.body.replaceChildren(...some.map((number) => this.rowElement(number)));
      const n = (count) => count.toLocaleString("en");
      const of = this.chosen.length === this.rows.length ? "" : ` (of ${n(this.rows.length)})`;
      this.count.textContent = some.length ? `${n(first + 1)} to ${n(first + some.length)} of ${n(this.chosen.length)}${of}` : `none${of}`;
      for (const button of this.back) button.disabled = this.page === 0;
      for (const button of this.forth) button.disabled = this.page >= this.lastPage();
      this.pages.hidden = this.chosen.length <= ROWS_PER_PAGE[0];
      this.clear.hidden = !this.search && this.columns.every((column) => !column.words);
      for (const cell of this.head.querySelectorAll("th")) {
        if (Number(cell.dataset.column) === this.sorted.column) cell.setAttribute("aria-sort", this.sorted.descending ? "descending" : "ascending");
        else cell.removeAttribute("aria-sort");
      }
    }

    rowElement(number) {
      const row = element("tr");
      for (const column of this.shownColumns()) {
        const cell = this.rows[number][column.number];
        const text = this.text(number, column);
        const link = Array.isArray(cell) && cell[1];
        row.append(element("td", { class: kind(column) }, link ? element("a", { href: cell[1] }, text) : text));
      }
      return row;
    }

    // The rows that pass the filters, with the columns that are shown.
    download() {
      const columns = this.shownColumns();
      const rows = this.chosen.map((at) => columns.map(({ number }) => valueOf(this.rows[at][number])));
      cvzmpi.download(`${this.name}.csv`, cvzmpi.csvOf([columns.map(({ key }) => key), ...rows]), "text/csv");
    }
  }

  const kind = (column) => (column.text ? "text" : "number");

  // What is missing comes last, whichever way it is sorted.
  function sortRows(numbers, rows, { column, descending }) {
    const sign = descending ? -1 : 1;
    numbers.sort((a, b) => {
      const [x, y] = [valueOf(rows[a][column]), valueOf(rows[b][column])];
      if (x === null || y === null) return (x === null) - (y === null) || a - b;
      if (x === y) return a - b;
      return sign * (x < y ? -1 : 1);
    });
  }
})();
