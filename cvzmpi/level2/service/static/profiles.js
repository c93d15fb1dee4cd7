"use strict";
// The Stokes profiles of a pixel: observed and fitted, with what is left over below, drawn by uPlot.
window.cvzmpiProfiles = (() => {
  const HEIGHT = 190, HEIGHT_BELOW = 130;
  let plots = [], shown = null;

  function colour(name, otherwise) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || otherwise;
  }

  function leftOut(pixel) {
    // Grey where the fit takes no account of the profiles.
    return (plot) => {
      const { ctx, bbox } = plot, wavelength = pixel.wavelength;
      const half = (wavelength[1] - wavelength[0]) / 2;
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      ctx.fillStyle = colour("left-out", "#868e98");
      ctx.globalAlpha = 0.25;
      (pixel.left_out || []).forEach((out, index) => {
        if (!out) return;
        const from = plot.valToPos(wavelength[index] - half, "x", true);
        const to = plot.valToPos(wavelength[index] + half, "x", true);
        ctx.fillRect(from, bbox.top, to - from, bbox.height);
      });
      ctx.restore();
    };
  }

  function axis(more) {
    return {
      stroke: colour("text", "#1d2733"),
      grid: { stroke: colour("grid", "#e2e6eb"), width: 1 },
      ticks: { stroke: colour("line", "#b6bfca"), width: 1 },
      ...more,
    };
  }

  function digits(value) {
    return value === null || value === undefined ? "-" : value.toPrecision(5);
  }

  function plot(pixel, element, height, data, series, legend) {
    const options = {
      width: Math.max(element.clientWidth, 200),
      height,
      legend: { show: legend },
      scales: { x: { time: false } },
      cursor: { sync: { key: "profiles", setSeries: false }, drag: { x: true, y: false } },
      hooks: { drawClear: [leftOut(pixel)] },
      axes: [
        axis({ values: (_, ticks) => ticks.map((tick) => tick.toFixed(2)), space: 60 }),
        axis({ size: 62, space: 22, values: (_, ticks) => ticks.map((tick) => String(Number(tick.toPrecision(6)))) }),
      ],
      series: [{ label: "nm", value: (_, value) => (value === null ? "-" : value.toFixed(4)) }, ...series],
    };
    const made = new uPlot(options, data, element);
    plots.push(made);
    return made;
  }

  function observedSeries(label) {
    const stroke = colour("data", "#3d444d");
    return { label, stroke, width: 0, paths: () => null, points: { show: true, size: 4, fill: stroke, width: 0 }, value: (_, v) => digits(v) };
  }

  function show(pixel, container) {
    shown = { pixel, container };
    plots.forEach((made) => made.destroy());
    plots = [];
    container.replaceChildren();
    for (const stokes of ["I", "Q", "U", "V"]) {
      const section = document.createElement("section");
      section.innerHTML = `<h3>Stokes ${stokes} / continuum of the quiet Sun</h3><div></div>${pixel.fitted ? "<p>Observed - fit</p>" : ""}<div></div>`;
      container.append(section);
      const [above, below] = section.querySelectorAll("div");
      const observed = pixel.observed[stokes], fitted = pixel.fitted && pixel.fitted[stokes];
      const model = { label: "fit", stroke: colour("model", "#c75300"), width: 2, points: { show: false }, value: (_, v) => digits(v) };
      const data = [pixel.wavelength, observed];
      plot(pixel, above, HEIGHT, fitted ? [...data, fitted] : data, [observedSeries("observed"), ...(fitted ? [model] : [])], true);
      if (fitted) {
        const residual = observed.map((value, index) => (value === null || fitted[index] === null ? null : value - fitted[index]));
        plot(pixel, below, HEIGHT_BELOW, [pixel.wavelength, residual], [observedSeries("observed - fit")], false);
      }
    }
  }

  function redraw() {
    if (shown) show(shown.pixel, shown.container);
  }

  let width = window.innerWidth;
  addEventListener("resize", () => {
    if (window.innerWidth !== width) { // not when the address bar of a phone goes
      width = window.innerWidth;
      redraw();
    }
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });

  return { show };
})();
