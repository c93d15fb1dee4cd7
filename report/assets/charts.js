"use strict";
// Charts that zoom, drawn by uPlot and chart_drawing.js from the description that cvzmpi/web/chart.py writes:
// cvzmpi.chart(name, description) fills the element with that id when it comes into view.
// cvzmpi.charts[name] is the chart: range(), zoomTo({x, y}), zoomBy(factor), pan(x, y), reset(), redraw().

(() => {
  const FONT = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif';
  const PADDING = 0.04; // of the span of an axis, at both ends

  cvzmpi.charts = {};

  cvzmpi.chart = (name, description) => {
    const place = document.getElementById(name);
    if (!place) return;
    cvzmpi.charts[name]?.remove(); // a page that is kept up to date describes its charts anew
    const chart = new Chart(name, place, description);
    cvzmpi.charts[name] = chart;
    place.style.minHeight = `${Math.max(place.offsetHeight, 384)}px`; // so that nothing jumps
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      chart.show();
    }, { rootMargin: "300px" });
    observer.observe(place);
  };

  document.addEventListener("cvzmpi:theme", () => Object.values(cvzmpi.charts).forEach((chart) => chart.redraw()));

  class Chart {
    constructor(name, place, description) {
      Object.assign(this, { name, place, ...description, described: description.series, series: [], plot: null });
      this.axes = { x: description.x, y: description.y };
    }

    // Draw it now, in view or not; a promise of that it is there.
    show() {
      this.showing ??= this.#show();
      return this.showing;
    }

    async #show() {
      if (!this.nothing) {
        this.series = await Promise.all(this.described.map((series) => cvzmpi.readSeries(series, this.axes)));
        numberStyles(this.series);
      }
      if (this.removed) return;
      this.parts = cvzmpi.chartParts(this);
      this.place.style.minHeight = "";
      if (this.nothing) return;
      this.full = this.#whole();
      this.shown = { x: [...this.full.x], y: [...this.full.y] };
      this.#makePlot();
      cvzmpi.chartZoom(this);
      this.resized = new ResizeObserver(() => this.#fitSize());
      this.resized.observe(this.parts.frame);
    }

    remove() {
      this.removed = true;
      this.resized?.disconnect();
      this.plot?.destroy();
      this.plot = null;
    }

    range() {
      return { x: [...this.shown.x], y: [...this.shown.y] };
    }

    redraw() {
      if (!this.plot) return;
      this.parts.drawKey();
      this.plot.redraw(false, true);
    }

    reset() {
      this.zoomTo(this.full);
    }

    // Show these stretches of the axes, {x: [low, high], y: [low, high]}; what is wider than all is all.
    zoomTo(range) {
      for (const name of ["x", "y"]) {
        const [low, high] = range[name] ?? this.shown[name];
        const [t, back] = scaleOf(this.axes[name]);
        const [first, last] = this.full[name].map(t);
        const span = t(high) - t(low);
        if (!(span > (last - first) * 1e-7)) continue;
        if (span >= (last - first) * 0.9999) this.shown[name] = [...this.full[name]];
        else {
          const start = Math.min(Math.max(t(low), first - span / 2), last - span / 2);
          this.shown[name] = [back(start), back(start + span)];
        }
      }
      this.#applyRange();
      this.parts.say();
    }

    // Zoom by a factor (below 1: nearer) around a place of the frame, each from 0 to 1 along the axis.
    zoomBy(factor, place = { x: 0.5, y: 0.5 }) {
      const range = {};
      for (const name of ["x", "y"]) {
        const [t, back] = scaleOf(this.axes[name]);
        const [low, high] = this.shown[name].map(t);
        const at = low + place[name] * (high - low);
        range[name] = [back(at - (at - low) * factor), back(at + (high - at) * factor)];
      }
      this.zoomTo(range);
    }

    // Move by so many times what is shown, to the right and upwards as it is seen.
    pan(right, up) {
      const range = {};
      for (const [name, by] of [["x", right], ["y", up]]) {
        const [t, back] = scaleOf(this.axes[name]);
        const [low, high] = this.shown[name].map(t);
        const shift = (this.axes[name].reversed ? -by : by) * (high - low);
        range[name] = [back(low + shift), back(high + shift)];
      }
      this.zoomTo(range);
    }

    // What is needed to draw on a plot: see chart_drawing.js. `k` enlarges what has a size in pixels.
    pen(plot = this.plot, k = 1) {
      const box = plot.bbox;
      const colours = new Map();
      const colour = (name) => {
        if (!colours.has(name)) colours.set(name, cvzmpi.colour(name) || "#777777");
        return colours.get(name);
      };
      const x = placing(this.axes.x, this.shown.x, box.left, box.width, this.axes.x.reversed);
      const y = placing(this.axes.y, this.shown.y, box.top, box.height, !this.axes.y.reversed);
      const ground = this.axes.y.log ? undefined : y(0);
      return { ctx: plot.ctx, k: k * uPlot.pxRatio, x, y, box, colour, ground };
    }

    // A plot of this chart of a size in CSS pixels; all that it draws is `k` times as large.
    newPlot(width, height, k = 1) {
      const axes = [this.#axis("x", k), this.#axis("y", k)];
      if (this.second) axes.push(this.#axis("second", k));
      const scale = (name) => ({
        time: false,
        auto: false,
        distr: this.axes[name].log ? 3 : 1,
        dir: this.axes[name].reversed ? -1 : 1,
        range: () => this.shown[name],
      });
      const options = {
        width,
        height,
        padding: [this.second ? 0 : 10 * k, 14 * k, 0, 0],
        scales: { x: scale("x"), y: scale("y") },
        series: [{}, { scale: "y", paths: () => null, points: { show: false } }],
        axes,
        legend: { show: false },
        cursor: { show: false },
        hooks: { drawAxes: [(plot) => this.#drawMinorTicks(plot, k)], draw: [(plot) => this.#draw(plot, k)] },
      };
      return new uPlot(options, [[...this.shown.x], [null, null]]);
    }

    // The whole of both axes: all series with their errors, the marks, and what the axes are to cover.
    #whole() {
      const drawn = { x: [...(this.axes.x.covers ?? [])], y: [...(this.axes.y.covers ?? [])] };
      for (const series of this.series) {
        drawn.x.push(...cvzmpi.extent(series.x));
        drawn.y.push(...cvzmpi.extent(series.y), ...cvzmpi.extent(series.high));
        if (series.kind === "bars" || series.kind === "steps") {
          if (!this.axes.y.log) drawn.y.push(0);
          if (series.x.length === series.y.length) drawn.x.push(...cvzmpi.extent(series.x).map((value, i) => value + (i ? 0.6 : -0.6)));
        }
        // an error that reaches zero has no end on a logarithmic axis
        const least = (value, i) => (this.axes.y.log && series.y.length ? Math.max(value, series.y[i] / 30) : value);
        drawn.y.push(...cvzmpi.extent(Array.from(series.low, least)));
        if (series.limit && this.axes.y.log) drawn.y.push(...cvzmpi.extent(series.y.map((value) => value * (series.limit === "upper" ? 0.6 : 1.7)))); // the arrow
      }
      for (const mark of this.marks) drawn[mark.axis].push(mark.value, mark.until);
      const words = this.marks.filter((mark) => mark.axis === "x").length;
      return { x: padded(drawn.x, this.axes.x), y: padded(drawn.y, this.axes.y, 0.07 * words) };
    }

    #axis(name, k) {
      const second = name === "second";
      const axis = second ? { ...this.second, log: this.axes.x.log } : this.axes[name];
      const factor = second ? this.second.factor : 1;
      const across = name !== "y";
      const label = axis.unit ? `${axis.title} [${axis.unit}]` : axis.title;
      const colour = (of) => () => cvzmpi.colour(of);
      const ticks = (plot) => {
        const [low, high] = this.shown[across ? "x" : "y"].map((value) => value * factor);
        const length = (across ? plot.bbox.width : plot.bbox.height) / uPlot.pxRatio / k;
        const room = !across ? 36 : axis.words ? 14 + widest(plot.ctx, `12px ${FONT}`, axis.words) : 62;
        return cvzmpi.ticks(low, high, axis, Math.max(2, Math.floor(length / room)));
      };
      return {
        scale: across ? "x" : "y",
        side: second ? 0 : across ? 2 : 3,
        show: !axis.hidden,
        label,
        labelSize: 22 * k,
        labelFont: `${13 * k}px ${FONT}`,
        font: `${12 * k}px ${FONT}`,
        stroke: colour("text"),
        gap: 4 * k,
        size: across ? 24 * k : (plot, texts) => 13 * k + widest(plot.ctx, `${12 * k}px ${FONT}`, texts ?? []),
        grid: { show: !second, stroke: colour("grid"), width: k },
        ticks: { stroke: colour("muted"), width: k, size: 5 * k },
        incrs: (plot, number, low, high) => [Math.max(high - low, 5)], // any: the ticks are ours
        space: 1,
        splits: (plot) => ticks(plot).values.map((value) => value / factor),
        values: (plot, values) => values.map((value) => ticks(plot).text(Number((value * factor).toPrecision(10)))),
        filter: (plot, values) => values,
      };
    }

    #makePlot() {
      const { width, height } = this.#size();
      this.plot = this.newPlot(width, height);
      this.parts.frame.prepend(this.plot.root);
      this.#applyRange();
    }

    #size() {
      const width = Math.max(200, Math.floor(this.parts.frame.clientWidth));
      if (!this.equal) return { width, height: Math.round(Math.min(400, Math.max(300, width * 0.62))) };
      const span = (name) => this.full[name][1] - this.full[name][0];
      return { width, height: Math.round(Math.min(520, Math.max(200, (width * span("y")) / span("x")))) };
    }

    #fitSize() {
      const size = this.#size();
      if (size.width === this.plot.width && size.height === this.plot.height) return;
      this.plot.setSize(size);
      this.#applyRange();
    }

    #applyRange() {
      if (this.equal) this.#makeEqual();
      this.plot.batch(() => {
        for (const name of ["x", "y"]) this.plot.setScale(name, { min: this.shown[name][0], max: this.shown[name][1] });
      });
    }

    // Widen what is shown of one axis until a unit is as long on both.
    #makeEqual() {
      const { width, height } = this.#size();
      const spans = { x: this.shown.x[1] - this.shown.x[0], y: this.shown.y[1] - this.shown.y[0] };
      const [name, wanted] = spans.x / spans.y < width / height ? ["x", (spans.y * width) / height] : ["y", (spans.x * height) / width];
      const middle = (this.shown[name][0] + this.shown[name][1]) / 2;
      this.shown[name] = [middle - wanted / 2, middle + wanted / 2];
    }

    #drawMinorTicks(plot, k) {
      const pen = this.pen(plot, k);
      pen.ctx.save();
      pen.ctx.strokeStyle = pen.colour("muted");
      pen.ctx.lineWidth = pen.k;
      pen.ctx.beginPath();
      const { left, top, width, height } = pen.box;
      for (const name of ["x", "y"]) {
        const axis = this.axes[name];
        if (axis.hidden) continue;
        for (const value of cvzmpi.ticks(...this.shown[name], axis, 6).minor) {
          if (name === "x") {
            pen.ctx.moveTo(pen.x(value), top + height);
            pen.ctx.lineTo(pen.x(value), top + height + 3 * pen.k);
          } else {
            pen.ctx.moveTo(left, pen.y(value));
            pen.ctx.lineTo(left - 3 * pen.k, pen.y(value));
          }
        }
      }
      pen.ctx.stroke();
      if (!this.axes.x.hidden) {
        pen.ctx.strokeRect(left, top, width, height);
      }
      pen.ctx.restore();
    }

    #draw(plot, k) {
      const pen = this.pen(plot, k);
      const { ctx, box } = pen;
      const font = `${12 * pen.k}px ${FONT}`;
      const stretches = this.marks.filter((mark) => mark.until !== undefined);
      const lines = this.marks.filter((mark) => mark.until === undefined);
      ctx.save();
      ctx.beginPath();
      ctx.rect(box.left, box.top, box.width, box.height);
      ctx.clip();
      stretches.forEach((mark, i) => cvzmpi.drawMark(pen, mark, font, i));
      const order = ["band", "bars", "steps", "line", "points"];
      const shown = this.series.filter((series) => series.shown);
      for (const kind of order) shown.filter((series) => series.kind === kind).forEach((series) => cvzmpi.drawSeries(pen, series));
      lines.forEach((mark, i) => cvzmpi.drawMark(pen, mark, font, stretches.length + i));
      ctx.restore();
    }
  }

  // Series are told apart by shape and dashes as well as by colour; points are the smaller, the more.
  function numberStyles(series) {
    const crowd = series.filter((one) => one.kind === "points").reduce((sum, one) => sum + one.y.length, 0);
    series.forEach((one) => { one.crowd = crowd; });
    const points = series.filter((one) => one.kind === "points" && !one.limit);
    points.forEach((one, i) => { one.shape = i; });
    const lines = series.filter((one) => ["line", "steps", "band"].includes(one.kind) && !one.dashed && !one.faint);
    lines.forEach((one, i) => { one.dash = i % 4; });
  }

  function scaleOf(axis) {
    return axis.log ? [Math.log10, (value) => 10 ** value] : [(value) => value, (value) => value];
  }

  // A function from values to pixels; what a logarithmic axis has no place for is far below it.
  function placing(axis, [low, high], start, length, backwards) {
    const [t] = scaleOf(axis);
    const first = t(low);
    const span = t(high) - first;
    const [origin, step] = backwards ? [start + length, -length / span] : [start, length / span];
    const limit = (value) => (axis.log && value <= 0 ? origin - 10 * step * span : origin + (t(value) - first) * step);
    return limit;
  }

  // The ends of an axis around values; `above` is the share of it that the words of marks need.
  function padded(values, axis, above = 0) {
    const [t, back] = scaleOf(axis);
    const usable = values.filter((value) => Number.isFinite(value) && (value > 0 || !axis.log));
    if (!usable.length) return axis.log ? [0.1, 10] : [0, 1];
    let [low, high] = cvzmpi.extent(usable).map(t);
    if (axis.words) {
      const [middle, half] = [(axis.words.length - 1) / 2, Math.max(2, axis.words.length / 2 + 0.1)]; // few bars stay slim
      return [middle - half, middle + half];
    }
    const single = high - low < 1e-9 * Math.max(Math.abs(high), 1e-30);
    const margin = single ? (axis.log ? 0.5 : Math.max(Math.abs(high) * 0.1, 0.5)) : (high - low) * PADDING;
    // an axis that begins at zero begins there
    const ends = (axis.covers ?? []).map((value) => (axis.log && value <= 0 ? NaN : t(value)));
    const keeps = (end) => !single && ends.includes(end);
    const start = keeps(low) && !axis.log ? low : low - margin;
    return [back(start), back(high + margin + above * (high - low))];
  }

  // The width of the longest of some texts in CSS pixels.
  function widest(ctx, font, texts) {
    ctx.save();
    ctx.font = font;
    const width = Math.max(8, ...texts.map((text) => ctx.measureText(text).width));
    ctx.restore();
    return width;
  }
})();
