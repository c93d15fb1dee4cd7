"use strict";
// The gallery of flares: sets of thumbnails, and one flare large, which the arrow keys change.
// data/gallery-NAME.js hands over a set with cvzmpi.gallery(name, {facts, flares}) when it is looked
// at first. #NAME in the address is a set, #NAME-12 the twelfth flare of it. gallery_view.js draws.

(() => {
  const cvzmpi = globalThis.cvzmpi;
  const sets = new Map(); // by name: what its script handed over
  const SORTS = [
    ["ED", -1], ["energy", -1], ["amplitude", -1], ["duration", -1], ["S/N", -1], ["reliability", 1], ["peak, BTJD", 1], ["TESS", 1],
  ];
  const view = { set: null, shown: [], at: -1, from: null };

  cvzmpi.gallery = (name, content) => sets.set(name, content);

  const one = (selector, inside = document) => inside.querySelector(selector);
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  function made(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  // ---- numbers as text

  function fact(content, flare, title, withError = false) {
    const at = content.facts.findIndex((known) => known.title === title);
    const { digits, unit } = content.facts[at];
    const text = cvzmpi.measuredText(flare.values[at], digits, withError ? flare.errors[at] : null);
    return flare.values[at] === null || !unit ? text : `${text} ${unit}`;
  }
  const nameOf = (flare) => `${flare.star}, ${flare.part}`;

  // ---- sets

  const section = (name) => one(`.gallery-set[data-set="${name}"]`);
  const names = () => all(".gallery-set").map((element) => element.dataset.set);

  function loaded(name) {
    const { script, flares } = section(name).dataset;
    if (sets.has(name) || flares === "0") return Promise.resolve();
    return new Promise((resolve, reject) => {
      const element = made("script", { src: script, onload: resolve });
      element.onerror = () => reject(new Error(`${script} cannot be loaded`));
      document.head.append(element);
    });
  }

  async function showSet(name) {
    for (const element of all(".gallery-set")) element.hidden = element.dataset.set !== name;
    for (const link of all(".gallery-sets a")) {
      if (link.hash === `#${name}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    view.set = name;
    try {
      await loaded(name);
    } catch (error) {
      one("#gallery-count").textContent = error.message;
      return;
    }
    if (view.set !== name) return;
    offerSearches();
    arrange();
  }

  // Only the searches that found a flare of the set can be chosen; a choice that is none is undone.
  function offerSearches() {
    const select = one("#gallery-search");
    const found = new Set((sets.get(view.set)?.flares ?? []).map((flare) => flare.search));
    for (const option of select.options) option.hidden = option.disabled = option.value !== "" && !found.has(option.value);
    if (select.selectedOptions[0].disabled) select.value = "";
  }

  // Fill the grid with the flares that pass the filter, sorted.
  function arrange() {
    const content = sets.get(view.set);
    const count = one("#gallery-count");
    view.shown = [];
    if (!content) {
      count.textContent = "";
      return;
    }
    const { value: search } = one("#gallery-search");
    const [title, direction] = SORTS[one("#gallery-sort").value] ?? ["", 0];
    const column = content.facts.findIndex((known) => known.title === title);
    view.shown = content.flares.map((_, place) => place).filter((place) => !search || content.flares[place].search === search);
    if (column >= 0) {
      // those without a value come last
      const key = (place) => (content.flares[place].values[column] === null ? Infinity : direction * content.flares[place].values[column]);
      view.shown.sort((a, b) => (key(a) === key(b) ? a - b : key(a) < key(b) ? -1 : 1));
    }
    const n = view.shown.length, of = content.flares.length;
    count.textContent = n === of ? `${n} flares` : `${n} of ${of} flares`;
    const grid = one(".gallery-grid", section(view.set));
    grid.replaceChildren(...view.shown.map((place) => thumbnail(content, place)));
    reachable(0);
    const details = one(".gallery-table", section(view.set));
    details.ontoggle = () => details.open && fillTable(details, content);
    if (details.open) fillTable(details, content);
  }

  // ---- thumbnails; one at a time is in the order of Tab, the arrow keys move among them

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      drawThumbnail(entry.target);
    }
  }, { rootMargin: "200px" });

  function drawThumbnail(canvas) {
    cvzmpi.galleryThumbnail(canvas, sets.get(canvas.dataset.set).flares[canvas.dataset.place].cutOut);
    canvas.dataset.drawn = "yes";
  }

  function thumbnail(content, place) {
    const flare = content.flares[place];
    const canvas = made("canvas");
    Object.assign(canvas.dataset, { set: view.set, place });
    canvas.setAttribute("aria-hidden", "true");
    seen.observe(canvas);
    const energy = fact(content, flare, "energy");
    const link = made("a", { href: `#${view.set}-${place + 1}`, tabIndex: -1 },
      made("span", { className: "gallery-name" }, made("span", {}, flare.star), made("span", {}, flare.part)),
      canvas,
      made("span", { className: "gallery-facts" }, made("span", {}, `ED ${fact(content, flare, "ED")}`), made("span", {}, `S/N ${fact(content, flare, "S/N")}`)),
      made("span", { className: "gallery-facts" }, made("span", {}, energy === "–" ? "" : energy), made("span", {}, `reliability ${fact(content, flare, "reliability")}`)),
    );
    return made("li", {}, link);
  }

  const thumbnails = () => all(".gallery-grid a", section(view.set));
  function reachable(at) {
    thumbnails().forEach((link, number) => (link.tabIndex = number === at ? 0 : -1));
  }

  function moveInGrid(event) {
    const links = thumbnails();
    const at = links.indexOf(document.activeElement);
    if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const top = links[0].getBoundingClientRect().top;
    const perRow = links.findIndex((link) => link.getBoundingClientRect().top > top + 1);
    const row = perRow < 0 ? links.length : perRow;
    const steps = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - row, ArrowDown: at + row, Home: 0, End: links.length - 1 };
    const to = steps[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (!links[to]) return;
    reachable(to);
    links[to].focus();
  }

  // ---- the table of a set

  function fillTable(details, content) {
    const [kind, ...others] = new Set(content.flares.map((flare) => flare.part.split(" ")[0])); // sector, quarter
    const titles = ["flare", others.length ? "observed" : kind, ...content.facts.map((known) => (known.unit ? `${known.title} [${known.unit}]` : known.title)), "found by"];
    const head = made("tr", {}, ...titles.map((title) => made("th", { scope: "col" }, title)));
    const rows = view.shown.map((place) => {
      const flare = content.flares[place];
      const link = made("a", { href: `#${view.set}-${place + 1}` }, flare.star);
      const numbers = content.facts.map((known, at) => cvzmpi.measuredText(flare.values[at], known.digits, flare.errors[at]));
      const cells = [others.length ? flare.part : flare.part.split(" ")[1], ...numbers, flare.search].map((text) => made("td", {}, text));
      return made("tr", {}, made("th", { scope: "row" }, link), ...cells);
    });
    const table = made("table", {}, made("thead", {}, head), made("tbody", {}, ...rows));
    const box = one(".scroll", details);
    box.tabIndex = 0; // so that the keyboard scrolls it
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", "Table of the set");
    box.replaceChildren(table);
  }

  // ---- one flare large

  const dialog = () => one("#gallery-flare");

  function showFlare(at) {
    const content = sets.get(view.set), place = view.shown[at], flare = content.flares[place];
    view.at = at;
    history.replaceState(null, "", `#${view.set}-${place + 1}`);
    one("#gallery-title").textContent = `${nameOf(flare)}: ${at + 1} of ${view.shown.length}`;
    const facts = content.facts.map(({ title }) => [title, fact(content, flare, title, true)]);
    one(".gallery-words .facts").replaceChildren(
      ...[...facts, ["found by", flare.search]].map(([title, text]) =>
        made("div", { className: "fact" }, made("dt", {}, title), made("dd", {}, text))),
    );
    for (const [selector, sentences] of [[".gallery-for", flare.speaksFor], [".gallery-against", flare.speaksAgainst]]) {
      const said = sentences.length ? sentences : ["Nothing."];
      one(selector).replaceChildren(...said.map((text) => made("li", {}, text)));
    }
    Object.assign(one(".gallery-star"), { href: flare.page, textContent: `Page of ${flare.star}` });
    one("#gallery-announcement").textContent =
      `Flare ${at + 1} of ${view.shown.length}: ${nameOf(flare)}, equivalent duration ${fact(content, flare, "ED", true)}, ` +
      `reliability ${fact(content, flare, "reliability")}; ${flare.speaksFor.length} for, ${flare.speaksAgainst.length} against.`;
    for (const button of all("[data-step]", dialog())) button.disabled = !(at + Number(button.dataset.step) in view.shown);
    if (!dialog().open) {
      view.from = document.activeElement;
      dialog().showModal();
      one("#gallery-title").focus();
    } else if (document.activeElement.disabled) {
      one("#gallery-title").focus();
    }
    cvzmpi.galleryView.show(flare);
  }

  function closed() {
    history.replaceState(null, "", `#${view.set}`);
    cvzmpi.galleryView.clear();
    const link = thumbnails()[view.at];
    if (link) {
      reachable(view.at);
      link.focus();
    }
    view.at = -1;
  }

  function go(to) {
    if (to in view.shown && to !== view.at) showFlare(to);
  }

  // ---- the address

  async function follow() {
    const [, name, number] = /^#([\w-]+?)(?:-(\d+))?$/.exec(location.hash) ?? [];
    const known = names();
    const wanted = known.includes(name) ? name : known.find((n) => section(n).dataset.flares !== "0") ?? known[0];
    if (view.set !== wanted) await showSet(wanted);
    if (view.set !== wanted || !number || name !== wanted) {
      if (dialog().open) dialog().close();
      return;
    }
    const content = sets.get(wanted);
    if (!content || !(number - 1 in content.flares)) return;
    if (!view.shown.includes(number - 1)) {
      one("#gallery-search").value = "";
      arrange();
    }
    showFlare(view.shown.indexOf(number - 1));
  }

  document.addEventListener("DOMContentLoaded", () => {
    const sort = one("#gallery-sort");
    sort.append(made("option", { value: "" }, "the set"));
    SORTS.forEach(([title, direction], number) =>
      sort.append(made("option", { value: number }, `${title}, ${direction < 0 ? "largest" : "smallest"} first`)));
    for (const control of all(".gallery-tools select")) control.addEventListener("change", arrange);
    for (const grid of all(".gallery-grid")) grid.addEventListener("keydown", moveInGrid);
    cvzmpi.listenToKeys(dialog(), {
      ArrowLeft: () => go(view.at - 1),
      ArrowRight: () => go(view.at + 1),
      Home: () => go(0),
      End: () => go(view.shown.length - 1),
      "+": () => cvzmpi.galleryView.zoom(0.5),
      "-": () => cvzmpi.galleryView.zoom(2),
      0: () => cvzmpi.galleryView.zoom(0),
    });
    dialog().addEventListener("close", closed);
    one("[data-close]").addEventListener("click", () => dialog().close());
    one("[data-zoom]").addEventListener("click", () => cvzmpi.galleryView.zoom(0));
    for (const button of all("[data-step]")) button.addEventListener("click", () => showFlare(view.at + Number(button.dataset.step)));
    document.addEventListener("cvzmpi:theme", () => {
      for (const canvas of all(".gallery-grid canvas[data-drawn]")) drawThumbnail(canvas);
      cvzmpi.galleryView.redraw();
    });
    addEventListener("hashchange", follow);
    follow();
  });
})();
