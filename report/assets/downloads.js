"use strict";
// Files that a page makes for its reader: cvzmpi.download(name, content, type) saves one, and
// cvzmpi.csvOf(rows) is the text of a CSV file, of lists of values: null is an empty field.

(() => {
  const cvzmpi = (globalThis.cvzmpi ??= {});

  function field(value) {
    const text = String(value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  cvzmpi.csvOf = (rows) => rows.map((row) => `${row.map(field).join(",")}\n`).join("");

  cvzmpi.download = (name, content, type) => {
    const address = URL.createObjectURL(new Blob([content], { type }));
    Object.assign(document.createElement("a"), { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000); // the browser may still be reading it
  };
})();
