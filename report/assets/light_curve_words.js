"use strict";
// A light curve in words and numbers: readouts, the table of flares, CSV.

(() => {
  const { element } = cvzmpi;
  const parts = (cvzmpi.lightCurveParts ??= {});
  const CSV_COLUMNS = ["cadence", "time_btjd", "flux", "flux_err", "model", "model_sd", "flare_probability", "quality", "state", "flare"];

  // An equivalent duration and an energy have the digits that they have in the table of flares.
  const durationInWords = (flare) => cvzmpi.measuredText(flare.equivalent_duration, 4, flare.equivalent_duration_error);
  const energyInWords = (energy, error) => (energy === null ? "–" : `${cvzmpi.measuredText(energy, 3, error)} erg`);

  const percent = (share) => `${(100 * share).toFixed(0)} %`;
  const foundBy = (flare) => (flare.found_by === "both" ? "both searches" : flare.found_by);

  // How likely such a flare would have been found here, as words.
  function chance(flare) {
    if (flare.completeness === null) return "how likely such a flare is found is not known";
    const interval = flare.completeness_low === null ? "" : ` (${percent(flare.completeness_low)} to ${percent(flare.completeness_high)})`;
    return `a flare of this ED is found in ${percent(flare.completeness)}${interval} of the cases`;
  }

  parts.flareInWords = (flare) => {
    const energy = flare.energy === null ? "" : `, energy ${energyInWords(flare.energy, flare.energy_error)}`;
    const trust = flare.reliability === null ? "reliability not known" : `reliability ${cvzmpi.measuredText(flare.reliability, 3)}`;
    const edge = flare.at_edge ? "; at an edge: a part may be missing" : "";
    const size = `ED ${durationInWords(flare)} s${energy}`;
    const found = `found by ${foundBy(flare)}: S/N ${cvzmpi.measuredText(flare.snr, 3)}`;
    return `Flare ${flare.number}, ${found}, ${size}; ${trust}; ${chance(flare)}${edge}.`;
  };

  // Everything about a measured cadence.
  parts.cadenceInWords = (curve, i) => {
    const digits = fluxDigits(curve);
    const parts = [`${curve.time[i].toFixed(6)} BTJD`, `cadence ${curve.row[i]}`, `flux ${curve.flux[i].toFixed(digits)} ± ${curve.error[i].toFixed(digits)}`];
    if (curve.mean) parts.push(`model ${curve.mean[i].toFixed(digits)} ± ${curve.sd[i].toFixed(digits)} (${curve.residual[i].toFixed(1)} σ)`);
    if (!Number.isNaN(curve.probability[i])) parts.push(`probability ${curve.probability[i].toFixed(3)}`);
    parts.push(`quality ${curve.quality[i]}`);
    if (curve.state[i]) parts.push(`not searched: ${curve.data.states[curve.state[i]]}`);
    return parts.join(" · ");
  };

  function fluxDigits(curve) {
    return Math.min(8, Math.max(3, 2 - Math.floor(Math.log10(curve.data.noise))));
  }

  // The view in words.
  parts.viewInWords = (curve, [from, to]) => {
    const count = parts.firstAtOrAfter(curve.time, to) - parts.firstAtOrAfter(curve.time, from);
    const flares = curve.flares.filter((flare) => flare.to > from && flare.from < to);
    const days = to - from;
    const span = days >= 1 ? `${days.toFixed(1)} d` : days > 0.1 ? `${(days * 24).toFixed(1)} h` : `${(days * 1440).toFixed(0)} min`;
    const named = flares.length === 0 ? "no flare" : flares.length === 1 ? `flare ${flares[0].number}` : `${flares.length} flares`;
    return `${from.toFixed(4)} to ${to.toFixed(4)} BTJD (${span}), ${count} cadence${count === 1 ? "" : "s"}, ${named}`;
  };

  // What is visible, every measured cadence of it.
  parts.csv = (curve, [from, to]) => {
    const rows = [CSV_COLUMNS];
    const [first, end] = [from, to].map((time) => parts.firstAtOrAfter(curve.time, time));
    const number = (value, digits) => (value === undefined || Number.isNaN(value) ? "" : value.toFixed(digits));
    for (let i = first; i < end; i += 1) {
      const flare = curve.flaring[i] ? parts.flareBetween(curve, curve.time[i], curve.time[i]) : null;
      const values = [curve.row[i], number(curve.time[i], 6)];
      for (const column of [curve.flux, curve.error, curve.mean, curve.sd]) values.push(number(column?.[i], 8));
      values.push(number(curve.probability[i], 3), curve.quality[i], curve.data.states[curve.state[i]], flare ? flare.number : "");
      rows.push(values);
    }
    return cvzmpi.csvOf(rows);
  };

  // The flares in a table whose buttons show them.
  parts.flareList = (curve, show) => {
    const titles = ["flare", "peak [BTJD d]", "found by", "S/N", "ED [s]", "energy", "reliability", "such a flare is found in"];
    const rows = curve.flares.map((flare) => {
      const { number } = flare;
      const about = { type: "button", "data-flare": number, "aria-label": `show flare ${number}`, onclick: () => show(number) };
      const button = element("button", about, `${number}`);
      const cells = [
        flare.peak_time.toFixed(4),
        flare.found_by,
        cvzmpi.measuredText(flare.snr, 3),
        durationInWords(flare),
        energyInWords(flare.energy, flare.energy_error),
        cvzmpi.measuredText(flare.reliability, 3),
        flare.completeness === null ? "–" : percent(flare.completeness),
      ];
      return element("tr", {}, element("td", {}, button), ...cells.map((text) => element("td", {}, text)));
    });
    const head = element("thead", {}, element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title))));
    const table = element("table", {}, head, element("tbody", {}, ...rows));
    return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Flares of this light curve" }, table);
  };

  // A slider that reads the completeness curve off: which flares are found in a given share of the cases.
  parts.completenessReadout = (curve, name) => {
    const { completeness } = curve.data;
    if (!completeness) return element("p", { class: "note" }, "How likely a flare is found here is not known: no injected flare counts yet.");
    const id = `${name}-share`;
    const slider = element("input", { type: "range", id, min: 5, max: 95, step: 5, value: 50 });
    const output = element("output", { for: id });
    const show = () => {
      const share = slider.value / 100;
      const [value, relation] = parts.smallestFoundIn(completeness, share);
      const [, , low, high] = completeness.half;
      const known = share === 0.5 && low !== null && high !== null;
      const interval = known ? ` (${cvzmpi.measuredText(low, 3)} to ${cvzmpi.measuredText(high, 3)} s)` : "";
      const energy = completeness.energy_of_1_s === null ? "" : `, or ${energyInWords(value * completeness.energy_of_1_s)}`;
      const size = `ED ${cvzmpi.measuredText(value, 3)} s${energy}${interval}`;
      const which = {
        "=": size,
        ">": `none, even the largest injected ones (${size}) are missed more often`,
        "<": `even the smallest injected ones, ${size}`,
      };
      const text = `${slider.value} % of the cases: ${which[relation]}`;
      output.textContent = text;
      slider.setAttribute("aria-valuetext", text);
    };
    slider.addEventListener("input", show);
    show();
    return element("p", { class: "completeness-readout" }, element("label", { for: id }, "Smallest flare found here in "), slider, " ", output);
  };
})();
