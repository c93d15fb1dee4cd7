"use strict";
// One light curve on the page: its two plots, what is shown of it, and what a reader does with it.

(() => {
  const parts = (cvzmpi.lightCurveParts ??= {});
  const LEAST_CADENCES = 4; // in the nearest view
  const BEFORE = 25; // cadences before a flare that are shown with it
  const AFTER = 40;
  const NARROW = 600; // pixels
  const KEYS = "Keys: plus and minus zoom, left and right arrow move, Shift with them goes from cadence to cadence, 0 shows all, n and p show the next and the previous flare.";

  parts.View = class {
    constructor(section, curve) {
      this.section = section;
      this.curve = curve;
      this.name = section.id;
      this.sector = section.dataset.sector;
      this.selected = null; // a flare
      this.cadence = null; // index of the cadence that is read out
      const { exposure } = curve.data;
      this.all = [curve.time[0] - 20 * exposure, curve.time[curve.length - 1] + 20 * exposure];
      this.shown = this.all;
      this.#build();
      this.#makePlots();
      parts.listen(this);
      new ResizeObserver(() => this.#resize()).observe(this.frame);
      this.#changed();
    }

    #build() {
      const { element } = parts;
      const button = (text, label, onclick, title = "") => element("button", { type: "button", "aria-label": `${label}, sector ${this.sector}`, title: title || label, onclick }, text);
      const several = this.curve.flares.length > 0;
      const lower = element("select", { "aria-label": "Lower panel", onchange: () => this.#chooseLower() }, element("option", { value: "probability" }, "flare probability"));
      if (this.curve.residual) lower.prepend(element("option", { value: "residual" }, "residual"));
      lower.value = this.curve.residual ? "residual" : "probability";
      this.lower = lower;
      this.frame = element("div", { class: "light-curve-frame", tabindex: "0", role: "application", "aria-roledescription": "light curve that zooms", "aria-label": `Light curve of sector ${this.sector}`, "aria-describedby": `${this.name}-summary ${this.name}-keys` });
      this.status = element("p", { class: "light-curve-status", role: "status" });
      this.readout = element("p", { class: "light-curve-readout" }, "Point at a cadence to read it.");
      this.facts = element("p", { class: "light-curve-facts", "aria-live": "polite" });
      const tools = element("div", { class: "tools", role: "toolbar", "aria-label": `Light curve of sector ${this.sector}` },
        button("All", "Show all", () => this.showAll(), "Show all (0)"),
        button("+", "Zoom in", () => this.zoomBy(0.5), "Zoom in (+)"),
        button("−", "Zoom out", () => this.zoomBy(2), "Zoom out (−)"),
        button("←", "Earlier", () => this.pan(-0.25), "Earlier (left arrow)"),
        button("→", "Later", () => this.pan(0.25), "Later (right arrow)"),
        ...(several ? [button("◂ Flare", "Previous flare", () => this.step(-1), "Previous flare (p)"), button("Flare ▸", "Next flare", () => this.step(1), "Next flare (n)")] : []),
        element("label", {}, "Below: ", lower),
        button("PNG", "Save as PNG", () => this.savePng()),
        button("CSV", "Save what is visible as CSV", () => this.saveCsv()));
      const keys = element("p", { class: "visually-hidden", id: `${this.name}-keys` }, KEYS);
      const hint = element("p", { class: "note light-curve-hint" }, "Drag to zoom into a stretch, Shift and drag to move; once it is clicked, the wheel zooms. On a touch screen: pinch and drag. Keys: ",
        ...["+", "−", "←", "→", "0", "n", "p"].flatMap((key) => [element("kbd", {}, key), " "]));
      const flares = several ? element("details", { class: "light-curve-flares" }, element("summary", {}, `Table: ${this.curve.flares.length === 1 ? "the flare" : `the ${this.curve.flares.length} flares`} of this light curve`), parts.flareList(this.curve, (number) => this.showFlare(number))) : "";
      const place = this.section.querySelector(".light-curve-view");
      place.replaceChildren(tools, keys, this.frame, this.status, this.readout, this.facts, parts.completenessReadout(this.curve, this.name), legend(this.curve), hint, flares);
    }

    #makePlots() {
      const { curve } = this;
      const sync = { key: `${this.name}-cursor`, setSeries: false };
      const plot = (last, title, values, range, draw, height) => new uPlot({
        width: this.#width(), height,
        legend: { show: false },
        cursor: { sync, drag: { x: false, y: false, setScale: false }, points: { show: false }, bind: { dblclick: () => () => this.showAll() } },
        scales: { x: { time: false, auto: false, min: this.shown[0], max: this.shown[1] }, y: { range } },
        series: [{}, { paths: () => null, points: { show: false } }],
        axes: [axis({ show: true, space: tickSpace, label: last ? "Time [BTJD d]" : null, labelSize: 22, size: last ? 28 : 12, values: last ? decimals : () => [] }), axis({ label: title, labelSize: 20, size: 62, values: decimals })],
        hooks: {
          drawClear: [(u) => parts.drawBeneath(u, curve, this.selected)],
          draw: [(u) => { draw(u); this.#ring(u, values()); }],
          setCursor: [(u) => { if (u.cursor.left >= 0 && u.cursor.event) this.#read(u.cursor.idx); }],
        },
      }, [curve.time, curve.flux], this.frame);
      const [high, low] = this.#heights();
      this.upper = plot(false, "Flux / median flux", () => curve.flux, () => this.#fluxRange(), (u) => {
        if (curve.mean) parts.drawModel(u, curve);
        parts.drawPoints(u, curve, curve.flux, curve.error);
        parts.drawSigns(u, curve, this.selected);
      }, high);
      this.below = plot(true, "", () => this.#lowerValues(), () => this.#lowerRange(), (u) => {
        const residual = this.lower.value === "residual";
        parts.drawLevel(u, curve, residual ? 0 : curve.data.threshold);
        parts.drawPoints(u, curve, this.#lowerValues(), null);
      }, low);
      this.#chooseLower();
    }

    #width() {
      return Math.max(240, this.frame.clientWidth);
    }

    #heights() {
      return this.#width() < NARROW ? [240, 130] : [330, 160];
    }

    #resize() {
      const width = this.#width();
      if (!this.frame.clientWidth || width === this.upper.width) return;
      const [high, low] = this.#heights();
      this.upper.setSize({ width, height: high });
      this.below.setSize({ width, height: low });
    }

    #lowerValues() {
      return this.lower.value === "residual" ? this.curve.residual : this.curve.probability;
    }

    #chooseLower() {
      this.below.axes[1].label = this.lower.value === "residual" ? "Residual [σ]" : "Probability";
      this.redraw();
    }

    // The searched cadences in view with a margin: whatever was searched is never outside. All others where there is none.
    #fluxRange() {
      const { curve } = this;
      return this.#range(curve.flux, (i) => curve.state[i] === 0, 0.05, 0.17) ?? this.#range(curve.flux, () => true, 0.05, 0.17) ?? [0.99, 1.01];
    }

    #lowerRange() {
      if (this.lower.value === "probability") return [-0.04, 1.06];
      const [low, high] = this.#range(this.curve.residual, (i) => this.curve.state[i] === 0, 0.08, 0.08) ?? [-5, 5];
      return [Math.min(low, -4), Math.max(high, 4)];
    }

    #range(values, chosen, below, above) {
      const { time } = this.curve;
      const [from, to] = this.shown.map((edge) => parts.firstAtOrAfter(time, edge));
      let [low, high] = [Infinity, -Infinity];
      for (let i = from; i < to; i += 1) {
        if (!chosen(i) || Number.isNaN(values[i])) continue;
        low = Math.min(low, values[i]);
        high = Math.max(high, values[i]);
      }
      if (low > high) return null;
      const span = Math.max(high - low, 4 * this.curve.data.noise);
      const middle = (low + high) / 2;
      return [middle - span * (0.5 + below), middle + span * (0.5 + above)];
    }

    // ---- what is shown

    // Show a stretch of time, at least some cadences and at most all.
    show(from, to) {
      const span = Math.min(Math.max(to - from, LEAST_CADENCES * this.curve.data.exposure), this.all[1] - this.all[0]);
      const start = Math.min(Math.max((from + to - span) / 2, this.all[0]), this.all[1] - span);
      this.shown = [start, start + span];
      this.#changed();
    }

    showAll() {
      this.show(...this.all);
    }

    // Zoom around a time that stays where it is: by default that of the chosen cadence, or the middle.
    zoomBy(factor, around = this.#centre()) {
      const [from, to] = this.shown;
      this.show(around - (around - from) * factor, around + (to - around) * factor);
    }

    #centre() {
      const [from, to] = this.shown;
      const chosen = this.cadence !== null ? this.curve.time[this.cadence] : this.selected?.peak_time;
      return chosen > from && chosen < to ? chosen : (from + to) / 2;
    }

    pan(share) {
      const [from, to] = this.shown;
      this.show(from + share * (to - from), to + share * (to - from));
    }

    // Show a flare by its number.
    showFlare(number) {
      const flare = this.curve.flares[number - 1];
      if (!flare) return;
      const { exposure } = this.curve.data;
      const span = flare.to - flare.from;
      this.select(flare);
      this.cadence = null;
      this.show(flare.from - Math.max(BEFORE * exposure, span / 2), flare.to + Math.max(AFTER * exposure, span));
    }

    select(flare) {
      this.selected = flare;
      this.#tellFacts();
      for (const row of this.section.querySelectorAll("tbody tr")) {
        const chosen = flare !== null && row.querySelector("[data-flare]")?.dataset.flare === String(flare.number);
        if (chosen) row.setAttribute("aria-current", "true");
        else row.removeAttribute("aria-current");
      }
    }

    // The next flare (1) or the previous one (-1), seen from the chosen one or from the middle of the view.
    step(direction) {
      const { flares } = this.curve;
      if (!flares.length) return;
      const [from, to] = this.shown;
      const chosen = this.selected && this.selected.to > from && this.selected.from < to;
      const at = chosen ? this.selected.peak_time : to - from >= this.all[1] - this.all[0] ? (direction > 0 ? -Infinity : Infinity) : (from + to) / 2;
      const ahead = flares.filter((flare) => direction * (flare.peak_time - at) > 0);
      const next = direction > 0 ? ahead[0] ?? flares[0] : ahead[ahead.length - 1] ?? flares[flares.length - 1];
      this.showFlare(next.number);
    }

    // The next cadence (1) or the previous one (-1), moved into view.
    stepCadence(direction) {
      const { time, length } = this.curve;
      const [from, to] = this.shown;
      const inView = this.cadence !== null && time[this.cadence] >= from && time[this.cadence] <= to;
      const start = inView ? this.cadence + direction : parts.firstAtOrAfter(time, (from + to) / 2);
      this.cadence = Math.min(Math.max(start, 0), length - 1);
      const at = time[this.cadence];
      if (at < from || at > to) this.show(at - (to - from) / 2, at + (to - from) / 2);
      else this.redraw();
      this.readout.setAttribute("aria-live", "polite");
      this.#tellCadence();
    }

    #changed() {
      const [min, max] = this.shown;
      for (const plot of [this.upper, this.below]) plot.setScale("x", { min, max });
      clearTimeout(this.telling);
      this.telling = setTimeout(() => { this.status.textContent = parts.viewInWords(this.curve, this.shown); }, 150);
    }

    redraw() {
      for (const plot of [this.upper, this.below]) {
        plot.setScale("x", { min: this.shown[0], max: this.shown[1] });
        plot.redraw(false, true);
      }
    }

    // ---- what is read out

    #read(i) {
      if (i === null || i === undefined) return;
      this.readout.removeAttribute("aria-live"); // a screen reader need not follow the mouse
      this.cadence = i;
      this.#tellCadence();
      this.#tellFacts(parts.flareBetween(this.curve, this.curve.time[i], this.curve.time[i]));
    }

    #tellCadence() {
      this.readout.textContent = parts.cadenceInWords(this.curve, this.cadence);
    }

    #tellFacts(hovered = null) {
      const flare = hovered ?? this.selected;
      this.facts.textContent = flare ? parts.flareInWords(flare) : "";
    }

    #ring(u, values) {
      if (this.cadence === null) return;
      const pixel = u.ctx.canvas.width / u.width;
      u.ctx.strokeStyle = cvzmpi.colour("focus");
      u.ctx.lineWidth = 2 * pixel;
      u.ctx.beginPath();
      u.ctx.arc(u.valToPos(this.curve.time[this.cadence], "x", true), u.valToPos(values[this.cadence], "y", true), 6 * pixel, 0, 2 * Math.PI);
      u.ctx.stroke();
    }

    // ---- files

    savePng() {
      const [upper, below] = [this.upper.ctx.canvas, this.below.ctx.canvas];
      const pixel = upper.width / this.upper.width;
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [upper.width, upper.height + below.height + 28 * pixel];
      const ctx = canvas.getContext("2d");
      ctx.fillStyle = cvzmpi.colour("background");
      ctx.fillRect(0, 0, canvas.width, canvas.height);
      ctx.fillStyle = cvzmpi.colour("text");
      ctx.font = `600 ${14 * pixel}px system-ui, sans-serif`;
      ctx.fillText(`TIC ${this.section.dataset.tic}, sector ${this.sector}`, 12 * pixel, 20 * pixel);
      ctx.drawImage(upper, 0, 28 * pixel);
      ctx.drawImage(below, 0, 28 * pixel + upper.height);
      canvas.toBlob((blob) => cvzmpi.download(`${this.#fileName()}.png`, blob, "image/png"));
    }

    saveCsv() {
      cvzmpi.download(`${this.#fileName()}.csv`, parts.csv(this.curve, this.shown), "text/csv");
    }

    #fileName() {
      return `TIC_${this.section.dataset.tic}_sector_${this.sector}`;
    }
  };

  function axis(options) {
    const [text, grid] = [() => cvzmpi.colour("text"), () => cvzmpi.colour("grid")];
    const font = '12px system-ui, "DejaVu Sans", sans-serif';
    return { stroke: text, font, labelFont: font, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1, size: 6 }, ...options };
  }

  // Pixels for a tick of the axis of time: the nearer the view, the more decimals.
  function tickSpace(_u, _axis, from, to) {
    const days = to - from;
    return days > 5 ? 45 : days > 0.5 ? 65 : days > 0.02 ? 80 : 95;
  }

  // Ticks with as many decimals as they need to differ.
  function decimals(u, ticks, _axis, _space, step) {
    const digits = Math.max(0, ...[(String(Number(step.toPrecision(6))).split(".")[1] ?? "").length, step < 1e-6 ? Math.ceil(-Math.log10(step)) : 0]);
    return ticks.map((tick) => (tick === null ? "" : tick.toFixed(digits)));
  }

  function legend(curve) {
    const { element } = parts;
    const entry = (kind, text) => element("li", {}, element("span", { class: `key ${kind}`, "aria-hidden": "true" }), text);
    const entries = [entry("data", "searched cadence"), entry("left-out", "not searched")];
    if (curve.flares.length) entries.splice(1, 0, entry("flaring", "cadence of a flare"));
    if (curve.mean) entries.push(entry("model", "model and its standard deviation"));
    if (curve.flares.length) {
      const sign = (shape, text) => element("li", {}, element("span", { class: "sign", "aria-hidden": "true" }, shape), text);
      entries.push(sign("◆", "both searches"), sign("▲", "significance"), sign("●", "stella"), sign("◇", "hollow: reliability below 0.5, half filled: below 0.9"));
    }
    return element("ul", { class: "light-curve-legend" }, ...entries);
  }
})();
