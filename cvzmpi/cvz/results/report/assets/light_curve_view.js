"use strict";
// One light curve on the page: its two plots, what is shown of it, and what a reader does with it.

(() => {
  const parts = (cvzmpi.lightCurveParts ??= {});
  const LEAST_CADENCES = 4; // in the nearest view
  const BEFORE = 25; // cadences before a flare that are shown with it
  const AFTER = 40;
  const NARROW = 600; // pixels

  parts.View = class {
    constructor(section, curve) {
      this.section = section;
      this.curve = curve;
      this.name = section.id;
      this.part = section.dataset.part; // sector 7, quarter 2
      this.selected = null; // a flare
      this.cadence = null; // index of the cadence that is read out
      this.ringed = false; // it was chosen by keys: a ring is around it
      const { exposure } = curve.data;
      this.all = [curve.time[0] - 20 * exposure, curve.time[curve.length - 1] + 20 * exposure];
      this.shown = this.all;
      parts.addControls(this);
      this.#makePlots();
      parts.listen(this);
      new ResizeObserver(() => this.#resize()).observe(this.frame);
      this.#changed();
    }

    #makePlots() {
      const { curve } = this;
      const [high, low] = this.#heights();
      this.upper = this.#plot(high, false, () => curve.flux, () => this.#fluxRange(), (u) => {
        if (curve.mean) parts.drawModel(u, curve);
        parts.drawPoints(u, curve, curve.flux, curve.error);
        parts.drawSigns(u, curve, this.selected);
      });
      this.below = this.#plot(low, true, () => this.#lowerValues(), () => this.#lowerRange(), (u) => {
        parts.drawLevel(u, curve, this.lower.value === "residual" ? 0 : curve.data.threshold);
        parts.drawPoints(u, curve, this.#lowerValues(), null);
      });
      this.chooseLower();
    }

    // A plot whose frame, axes and pointer are uPlot's; `draw` fills it. The lower one has the axis of time in words.
    #plot(height, lower, values, range, draw) {
      const time = lower ? { label: "Time [BTJD d]", size: 28, values: decimals } : { label: null, size: 12, values: () => [] };
      return new uPlot({
        width: this.#width(),
        height,
        legend: { show: false },
        cursor: {
          sync: { key: `${this.name}-cursor`, setSeries: false },
          drag: { x: false, y: false, setScale: false },
          points: { show: false },
          bind: { dblclick: () => null }, // see light_curve_gestures.js
        },
        scales: { x: { time: false, auto: false, min: this.shown[0], max: this.shown[1] }, y: { range } },
        series: [{}, { paths: () => null, points: { show: false } }],
        axes: [axis({ space: tickSpace, labelSize: 22, ...time }), axis({ label: "Flux / median flux", labelSize: 20, size: 62, values: decimals })],
        hooks: {
          drawClear: [(u) => parts.drawBeneath(u, this.curve, this.selected)],
          draw: [(u) => { draw(u); this.#ring(u, values()); }],
          setCursor: [(u) => { if (u.cursor.left >= 0 && u.cursor.event) this.#read(u.cursor.idx); }],
        },
      }, [this.curve.time, this.curve.flux], this.frame);
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

    chooseLower() {
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
      this.ringed = true;
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
      this.ringed = false;
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
      if (this.cadence === null || !this.ringed) return;
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
      ctx.fillText(`${this.section.dataset.star}, ${this.part}`, 12 * pixel, 20 * pixel);
      ctx.drawImage(upper, 0, 28 * pixel);
      ctx.drawImage(below, 0, 28 * pixel + upper.height);
      canvas.toBlob((blob) => cvzmpi.download(`${this.#fileName()}.png`, blob, "image/png"));
    }

    saveCsv() {
      cvzmpi.download(`${this.#fileName()}.csv`, parts.csv(this.curve, this.shown), "text/csv");
    }

    #fileName() {
      return `${this.section.dataset.star}_${this.part}`.replaceAll(" ", "_");
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
})();
