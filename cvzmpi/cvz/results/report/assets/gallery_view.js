"use strict";
// Pictures of the gallery: thumbnails on a canvas, and the large view of a flare with uPlot: flux
// with model and template above, flare probability below. It zooms as gestures.js says.

(() => {
  const cvzmpi = globalThis.cvzmpi;
  const one = (selector) => document.querySelector(selector);

  // The numbers of a cut-out in minutes from the peak, and in per cent over the median flux.
  function opened(cutOut) {
    const percent = (values) => values.map((value) => (value === null ? null : value * cutOut.unit * 100));
    const unusable = new Set(cutOut.unusable);
    const inside = (i) => i >= cutOut.first && i <= cutOut.last;
    const only = (values, is) => values.map((value, i) => (is(i) ? value : null));
    const flux = percent(cutOut.flux), mean = percent(cutOut.mean), sd = percent(cutOut.sd);
    const shifted = (sign) => mean.map((value, i) => (value === null ? null : value + sign * sd[i]));
    return {
      minutes: cutOut.minutes.map((value) => value / 100),
      flux,
      quiet: only(flux, (i) => !inside(i) && !unusable.has(i)),
      flare: only(flux, (i) => inside(i) && !unusable.has(i)),
      unusable: only(flux, (i) => unusable.has(i)),
      error: percent(cutOut.error),
      mean, high: shifted(1), low: shifted(-1),
      template: percent(cutOut.template),
      probability: cutOut.probability.map((value) => (value === null ? null : value / 1000)),
      first: cutOut.first, last: cutOut.last,
    };
  }

  // ---- thumbnails

  cvzmpi.galleryThumbnail = (canvas, cutOut) => {
    const shown = opened(cutOut), length = shown.last - shown.first + 1;
    const from = Math.max(0, shown.first - Math.max(15, length >> 1));
    const to = Math.min(shown.minutes.length, shown.last + 1 + Math.max(25, length));
    const part = (values) => values.slice(from, to);
    const heights = [...part(shown.quiet), ...part(shown.flare), ...part(shown.template)].filter((value) => value !== null && value !== undefined);
    const low = Math.min(...heights), high = Math.max(...heights);
    const scale = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    Object.assign(canvas, { width: width * scale, height: height * scale });
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const [left, right] = [shown.minutes[from], shown.minutes[to - 1]];
    const x = (i) => 3 + ((shown.minutes[i] - left) / (right - left || 1)) * (width - 6);
    const y = (value) => height - 5 - ((value - low) / (high - low || 1)) * (height - 10);
    const line = (values, colour) => {
      context.strokeStyle = cvzmpi.colour(colour);
      context.lineWidth = 1.3;
      context.beginPath();
      let down = false;
      for (let i = from; i < to; i++) {
        const value = values[i] ?? null;
        if (value !== null) context[down ? "lineTo" : "moveTo"](x(i), y(value));
        down = value !== null;
      }
      context.stroke();
    };
    const points = (values, colour, size) => {
      context.fillStyle = cvzmpi.colour(colour);
      for (let i = from; i < to; i++)
        if (values[i] !== null) context.fillRect(x(i) - size / 2, y(values[i]) - size / 2, size, size);
    };
    points(shown.quiet, "data", 2);
    line(shown.mean, "model");
    line(shown.template, "series-1");
    points(shown.flare, "flare", 2.6);
  };

  // ---- the large view

  // `chosen`: a picture of the flare was clicked; until then the wheel scrolls.
  const state = { flare: null, shown: null, charts: [], window: null, chosen: false };
  const BOXES = [".gallery-flux", ".gallery-probability"];

  function whole() {
    const { minutes } = state.shown;
    return [minutes[0] - 1, minutes.at(-1) + 1];
  }

  function setWindow(from, to) {
    const [first, last] = whole();
    const length = Math.min(Math.max(to - from, 6), last - first); // three cadences of two minutes
    const start = Math.min(Math.max(from, first), last - length);
    state.window = [start, start + length];
    for (const chart of state.charts) chart.setScale("x", { min: start, max: start + length });
  }

  function zoomAbout(minute, factor) {
    const [from, to] = state.window;
    setWindow(minute - (minute - from) * factor, minute + (to - minute) * factor);
  }

  function axes(label, title) {
    const common = { stroke: cvzmpi.colour("muted"), grid: { stroke: cvzmpi.colour("grid"), width: 1 }, ticks: { stroke: cvzmpi.colour("grid"), width: 1 }, font: "12px system-ui, sans-serif", labelFont: "13px system-ui, sans-serif" };
    return [{ ...common, label: title, labelSize: title ? 22 : 0, size: title ? 34 : 28 }, { ...common, label, size: 58, labelSize: 22 }];
  }

  function chart(box, label, title, series, data, more = {}) {
    const element = one(box);
    element.replaceChildren();
    const { scales = {}, ...rest } = more;
    const options = {
      width: element.clientWidth, height: element.clientHeight,
      scales: { x: { time: false, range: () => state.window }, ...scales },
      legend: { show: false },
      cursor: { sync: { key: "gallery" }, drag: { x: false, y: false, setScale: false }, points: { show: false }, bind: { dblclick: () => null } },
      series: [{}, ...series],
      axes: axes(label, title),
      ...rest,
    };
    const drawn = new uPlot(options, data, element);
    const minuteAt = (pixel) => drawn.posToVal(pixel, "x");
    cvzmpi.listenToPointers(drawn.over, {
      axes: "x",
      chosen: () => state.chosen,
      choose: () => (state.chosen = true),
      zoomBy: (factor, { left }) => zoomAbout(minuteAt(left), factor),
      zoomTo: ({ left, right }) => setWindow(minuteAt(left), minuteAt(right)),
      pan: (right) => setWindow(...state.window.map((edge) => edge + right * (state.window[1] - state.window[0]))),
      reset: () => setWindow(...whole()),
    });
    return drawn;
  }

  function drawErrors(u) {
    const { minutes, flux, error, flare } = state.shown, { ctx } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    ctx.clip();
    ctx.globalAlpha = 0.5;
    for (const isFlare of [false, true]) {
      ctx.strokeStyle = cvzmpi.colour(isFlare ? "flare" : "data");
      ctx.beginPath();
      minutes.forEach((minute, i) => {
        if (error[i] === null || (flare[i] !== null) !== isFlare) return;
        const x = u.valToPos(minute, "x", true);
        ctx.moveTo(x, u.valToPos(flux[i] - error[i], "y", true));
        ctx.lineTo(x, u.valToPos(flux[i] + error[i], "y", true));
      });
      ctx.stroke();
    }
    ctx.restore();
  }

  function drawThreshold(u) {
    const { threshold } = state.flare;
    if (threshold === null) return;
    const y = u.valToPos(threshold, "y", true), { ctx } = u;
    ctx.save();
    ctx.strokeStyle = cvzmpi.colour("left-out");
    ctx.setLineDash([5, 4]);
    ctx.beginPath();
    ctx.moveTo(u.bbox.left, y);
    ctx.lineTo(u.bbox.left + u.bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }

  function draw() {
    const { shown } = state;
    clearCharts();
    const points = (colour, size) => ({ paths: () => null, stroke: cvzmpi.colour(colour), points: { show: true, size, width: 0, fill: cvzmpi.colour(colour), stroke: cvzmpi.colour(colour) } });
    const line = (colour, width = 1.6) => ({ stroke: cvzmpi.colour(colour), width, points: { show: false } });
    const edge = { stroke: "transparent", width: 0, points: { show: false } };
    const template = shown.template.length ? shown.template : shown.minutes.map(() => null);
    const flux = chart(".gallery-flux", "flux over its median [%]", "",
      [edge, edge, points("left-out", 4), points("data", 4.5), line("model"), line("series-1", 2), points("flare", 5.5)],
      [shown.minutes, shown.high, shown.low, shown.unusable, shown.quiet, shown.mean, template, shown.flare],
      { bands: [{ series: [1, 2], fill: `color-mix(in srgb, ${cvzmpi.colour("band")} 55%, transparent)` }], hooks: { draw: [drawErrors] } });
    const probability = chart(".gallery-probability", "probability", "minutes from the peak",
      [line("series-3")], [shown.minutes, shown.probability], { scales: { y: { range: [0, 1] } }, hooks: { draw: [drawThreshold] } });
    state.charts = [flux, probability];
  }

  function clearCharts() {
    for (const drawn of state.charts) drawn.destroy();
    state.charts = [];
  }

  cvzmpi.galleryView = {
    show(flare) {
      state.flare = flare;
      state.shown = opened(flare.cutOut);
      state.window = whole();
      state.chosen = false;
      const name = `${flare.star}, ${flare.part}`;
      one(BOXES[0]).setAttribute("aria-label", `Flux around the flare of ${name}, with the model of the quiet star and the fitted template`);
      one(BOXES[1]).setAttribute("aria-label", `Flare probability by stella around the flare of ${name}`);
      draw();
      fillTable(one(".gallery-cadences"));
    },
    clear: () => clearCharts(),
    // Zoom about the middle by a factor; 0 shows all.
    zoom(factor) {
      if (!state.charts.length) return;
      if (!factor) setWindow(...whole());
      else zoomAbout((state.window[0] + state.window[1]) / 2, factor);
    },
    window: () => state.window,
    redraw() {
      if (state.charts.length) draw();
    },
  };

  // ---- the cadences as a table, made when it is opened

  function fillTable(details) {
    const box = details.querySelector(".scroll");
    const fill = () => {
      if (!details.open) return box.replaceChildren();
      const { shown } = state;
      const columns = [["minutes", shown.minutes, 2], ["flux [%]", shown.flux, 4], ["error [%]", shown.error, 4], ["model [%]", shown.mean, 4], ["template [%]", shown.template, 4], ["probability", shown.probability, 3]];
      const row = (tag, texts) => {
        const line = document.createElement("tr");
        for (const text of texts) line.append(Object.assign(document.createElement(tag), { textContent: text }));
        return line;
      };
      const table = document.createElement("table");
      table.createTHead().append(row("th", columns.map(([title]) => title)));
      table.createTBody().append(...shown.minutes.map((_, i) => row("td", columns.map(([, values, decimals]) => values[i]?.toFixed(decimals) ?? ""))));
      return box.replaceChildren(table);
    };
    details.ontoggle = fill;
    fill();
  }

  addEventListener("resize", () => {
    if (!state.charts.length) return;
    state.charts.forEach((drawn, i) => {
      const { clientWidth: width, clientHeight: height } = one(BOXES[i]);
      drawn.setSize({ width, height });
    });
  });
})();
