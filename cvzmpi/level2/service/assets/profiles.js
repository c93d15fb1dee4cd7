"use strict";
// cvzmpi.profiles(pixel, place) draws the Stokes profiles of a pixel, observed and fitted, and what is left over.

(() => {
  const CONTINUUM = "continuum of the quiet Sun";

  cvzmpi.profiles = (pixel, place) => {
    const charts = [];
    for (const stokes of ["I", "Q", "U", "V"]) {
      const observed = pixel.observed[stokes], fitted = pixel.fitted?.[stokes];
      const series = [points("observed", pixel, observed)];
      if (fitted) series.push({ name: "fit", kind: "line", colour: "model", x: pixel.wavelength, y: fitted, facts: [] });
      charts.push([`stokes-${stokes}`, described(pixel, `Stokes ${stokes}`, `${stokes} / ${CONTINUUM}`, series)]);
      if (!fitted) continue;
      const residual = observed.map((value, i) => (value === null ? null : value - fitted[i]));
      const left = described(pixel, `Stokes ${stokes}, observed - fit`, `difference / ${CONTINUUM}`, [points("observed - fit", pixel, residual)]);
      left.y.covers = [0];
      charts.push([`residual-${stokes}`, left]);
    }
    place.replaceChildren(...charts.map(([name]) => {
      const element = document.createElement("div");
      element.className = "chart";
      element.id = name;
      return element;
    }));
    charts.forEach(([name, description]) => cvzmpi.chart(name, description));
  };

  function points(name, pixel, values) {
    return { name, kind: "points", colour: "data", x: pixel.wavelength, y: values, facts: [] };
  }

  function described(pixel, title, ofValues, series) {
    return {
      title: `${title}, pixel ${pixel.x}, ${pixel.y}`,
      caption: `${title} of pixel ${pixel.x}, ${pixel.y} over the wavelength in air.`,
      x: { title: "Wavelength", unit: "nm" },
      y: { title: ofValues },
      series,
      second: null,
      marks: leftOut(pixel),
      equal: false,
      nothing: pixel.observed.I.every((value) => value === null) ? "The pixel has no usable profiles." : "",
    };
  }

  // The stretches of the wavelength that the fit takes no account of.
  function leftOut(pixel) {
    const marks = [], out = pixel.left_out ?? [], half = (pixel.wavelength[1] - pixel.wavelength[0]) / 2;
    out.forEach((is, i) => {
      if (!is) return;
      if (!out[i - 1]) marks.push({ axis: "x", value: pixel.wavelength[i] - half, words: "telluric, not fitted" });
      marks.at(-1).until = pixel.wavelength[i] + half;
    });
    return marks;
  }
})();
