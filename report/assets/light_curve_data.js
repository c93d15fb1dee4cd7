"use strict";
// The data of a light curve as `light_curve_data.py` packs them, opened: numbers by cadence.

(() => {
  const parts = (cvzmpi.lightCurveParts ??= {});
  const SECONDS_PER_DAY = 86400;
  const UNKNOWN_PROBABILITY = 255;
  const MISSING_FLUX = -32768;
  const FLARING = 128;

  // Arrays by name.
  async function unpacked(arrays) {
    const opened = Object.entries(arrays).map(async ([name, packed]) => [name, await cvzmpi.unpacked(packed)]);
    return Object.fromEntries(await Promise.all(opened));
  }

  // The values at each of `length` rows, from those at some rows: linear between, constant beyond.
  function interpolated(rows, values, length) {
    const all = new Float64Array(length);
    let next = 0;
    for (let row = 0; row < length; row += 1) {
      while (next < rows.length && rows[next] < row) next += 1;
      if (next === 0) all[row] = values[0];
      else if (next === rows.length) all[row] = values[next - 1];
      else {
        const share = (row - rows[next - 1]) / (rows[next] - rows[next - 1]);
        all[row] = values[next - 1] + share * (values[next] - values[next - 1]);
      }
    }
    return all;
  }

  // Sums of sums: the inverse of the differences of differences.
  function summedTwice(differences, step) {
    const all = new Float64Array(differences.length);
    let slope = 0;
    let value = 0;
    differences.forEach((difference, i) => {
      slope += difference;
      value += slope;
      all[i] = value * step;
    });
    return all;
  }

  // A light curve: the measured cadences one after the other (`row` is that in the sector file), and
  // the flares as objects.
  parts.open = async (data) => {
    const arrays = await unpacked(data.arrays);
    const n = data.n_cadences;
    const late = interpolated(arrays.late_rows, arrays.late, n);
    const mean = data.modelled ? summedTwice(arrays.mean, data.model_step) : null;
    const sd = data.modelled ? summedTwice(arrays.sd, data.model_step) : null;
    const far = new Map(Array.from(arrays.far_rows, (row, i) => [row, arrays.far[i]]));
    const rows = [];
    arrays.flux.forEach((steps, row) => { if (steps !== MISSING_FLUX) rows.push(row); });
    const column = (of) => Float64Array.from(rows, of);
    const expected = (row) => (mean ? mean[row] : 1);
    const fluxAt = (row) => (far.has(row) ? far.get(row) : expected(row) + arrays.flux[row] * data.flux_step);
    const curve = {
      data,
      length: rows.length,
      row: Uint32Array.from(rows),
      time: column((row) => data.start + row * data.exposure + late[row] / SECONDS_PER_DAY),
      flux: column(fluxAt),
      error: column((row) => arrays.error[row] * data.error_step),
      mean: mean && column((row) => mean[row]),
      sd: sd && column((row) => sd[row]),
      probability: column((row) => (arrays.probability[row] === UNKNOWN_PROBABILITY ? NaN : arrays.probability[row] * data.probability_step)),
      quality: Int32Array.from(rows, (row) => arrays.quality[row]),
      state: Uint8Array.from(rows, (row) => arrays.state[row] & ~FLARING),
      flaring: Uint8Array.from(rows, (row) => (arrays.state[row] & FLARING ? 1 : 0)),
    };
    curve.residual = curve.mean && curve.flux.map((flux, i) => (flux - curve.mean[i]) / curve.error[i]);
    curve.flares = flaresOf(data.flares, curve);
    return curve;
  };

  function flaresOf(columns, curve) {
    return columns.number.map((_, i) => {
      const flare = {};
      for (const [name, values] of Object.entries(columns)) flare[name] = values[i];
      const [first, last] = [firstAtOrAfter(curve.row, flare.start), firstAtOrAfter(curve.row, flare.stop)];
      flare.from = curve.time[first] - curve.data.exposure / 2;
      flare.to = curve.time[Math.min(last, curve.length - 1)] + curve.data.exposure / 2;
      return flare;
    });
  }

  // The shortest flare that has a part between two times, or null: a short one may be within a long one.
  parts.flareBetween = (curve, from, to) => {
    const there = curve.flares.filter((flare) => flare.to > from && flare.from < to);
    return there.sort((a, b) => a.to - a.from - (b.to - b.from))[0] ?? null;
  };

  // The first place in sorted numbers whose value is not below a given one.
  function firstAtOrAfter(sorted, value) {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
  parts.firstAtOrAfter = firstAtOrAfter;

  // The smallest equivalent duration of which a share is found: [value, relation]. The relation is ">" where even the
  // largest injected flares are found less often, and "<" where even the smallest are found more often.
  parts.smallestFoundIn = (curve, share) => {
    const [x, y] = [curve.equivalent_duration.map(Math.log), curve.fraction];
    if (y[y.length - 1] < share) return [curve.largest, ">"];
    if (y[0] > share) return [curve.smallest, "<"];
    const next = y.findIndex((fraction) => fraction >= share);
    if (next === 0) return [Math.exp(x[0]), "="];
    return [Math.exp(x[next - 1] + ((share - y[next - 1]) / (y[next] - y[next - 1])) * (x[next] - x[next - 1])), "="];
  };
})();
