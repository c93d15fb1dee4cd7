"use strict";
// The arrays of charts: cvzmpi.array(key, packed) hands over a long one, as packed_arrays.js opens it, and
// cvzmpi.readSeries(described, axes) is a promise of a series with all its arrays.

(() => {
  const arrays = new Map(); // packed, by their key
  const opened = new Map(); // the same, as promises of their content
  const NUMBERS = ["x", "y", "low", "high", "value"];

  cvzmpi.array = (key, packed) => arrays.set(key, packed);

  // The least and the largest of some values, NaN left out.
  cvzmpi.extent = (values) => {
    let [low, high] = [Infinity, -Infinity];
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return [low, high];
  };

  function unpacked(key) {
    if (!opened.has(key)) opened.set(key, cvzmpi.unpacked(arrays.get(key)));
    return opened.get(key);
  }

  // An array as it was described: plain, or the key of a packed one. None and NaN are both NaN.
  async function content(described) {
    if (described === undefined) return [];
    if (Array.isArray(described)) return described.map((value) => (value === null ? NaN : value));
    return unpacked(described.packed);
  }

  // A series as it was described, with its arrays; axes are {x, y}.
  cvzmpi.readSeries = async (described, axes) => {
    const series = { ...described };
    for (const name of [...NUMBERS, "labels", "links"]) series[name] = await content(described[name]);
    series.facts = await Promise.all(described.facts.map(async (fact) => ({ ...fact, values: await content(fact.values) })));
    for (const name of ["x", "y"]) {
      // on a logarithmic axis there is no place for what is not positive
      if (axes[name].log) series[name] = series[name].map((value) => (value > 0 ? value : NaN));
    }
    series.scale = scaleEnds(Array.from(series.value).filter((value) => Number.isFinite(value) && (value > 0 || !series.value_log)));
    series.shown = true;
    return series;
  };

  // Ends of the scale of colours: of many values without the 2 % at both ends, that the others differ.
  function scaleEnds(values) {
    if (values.length < 100) return cvzmpi.extent(values);
    values.sort((a, b) => a - b);
    return [values[Math.floor(values.length * 0.02)], values[Math.floor(values.length * 0.98)]];
  }
})();
