"use strict";
// Ticks of axes: cvzmpi.ticks.

(() => {
  // Steps of 1, 2 or 5 times a power of ten, so that there are at most `most` ticks.
  function niceStep(span, most) {
    const rough = span / Math.max(1, most);
    const power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough * 0.999);
  }

  function linear(low, high, most, whole) {
    let step = niceStep(high - low, most);
    if (whole) step = Math.max(1, Math.round(step));
    const first = Math.ceil(low / step - 1e-9);
    const last = Math.floor(high / step + 1e-9);
    const values = [];
    for (let number = first; number <= last; number += 1) values.push(number * step);
    const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const largest = Math.max(Math.abs(low), Math.abs(high));
    const plain = decimals <= 5 && largest >= 1e-3 && (largest < 1e6 || high - low < largest / 100);
    const text = (value) => (plain ? value.toFixed(decimals).replace("-", "−") : cvzmpi.numberText(Number(value.toPrecision(8)), 6));
    return { values: values.map((value) => Number(value.toPrecision(12))), text, minor: [] };
  }

  // Powers of ten where three of them are in sight, else 1, 2 and 5 times them; below a decade the
  // ticks of a linear axis, as 15, 20, 25, whose numbers say more than those of a part of a decade.
  function logarithmic(low, high, most) {
    const decades = Math.log10(high / low);
    const first = Math.floor(Math.log10(low));
    const last = Math.ceil(Math.log10(high));
    const inside = (value) => value >= low * 0.999999 && value <= high * 1.000001;
    const powers = [];
    for (let exponent = first; exponent <= last; exponent += 1) powers.push(exponent);
    const text = (value) => (value >= 1e-4 && value < 1e5 ? String(Number(value.toPrecision(6))) : cvzmpi.numberText(value, 3));
    const seen = powers.filter((exponent) => inside(10 ** exponent));
    if (seen.length >= 3) {
      const step = Math.ceil(seen.length / Math.max(2, most));
      const labelled = seen.filter((exponent) => exponent % step === 0);
      const minor = step > 1 ? seen.map((exponent) => 10 ** exponent) : multiples(powers, [2, 3, 4, 5, 6, 7, 8, 9]).filter(inside);
      const plain = labelled.every((exponent) => exponent >= -4 && exponent <= 4);
      return { values: labelled.map((exponent) => 10 ** exponent), text: plain ? text : (value) => cvzmpi.powerOfTen(Math.round(Math.log10(value))), minor };
    }
    const some = multiples(powers, decades > 1.4 && most < 5 ? [1, 3] : [1, 2, 5]).filter(inside);
    if (some.length >= 3 && decades >= 0.9) {
      return { values: some.map((value) => Number(value.toPrecision(6))), text, minor: multiples(powers, [2, 3, 4, 5, 6, 7, 8, 9]).filter(inside) };
    }
    const plain = linear(low, high, most, false);
    return { ...plain, values: plain.values.filter((value) => value > 0), text: largeOr(plain.text) };
  }

  function largeOr(text) {
    return (value) => (value >= 1e5 ? cvzmpi.numberText(value, 3) : text(value));
  }

  function multiples(exponents, factors) {
    return exponents.flatMap((exponent) => factors.map((factor) => factor * 10 ** exponent));
  }

  // Ticks of an axis from low to high: {values, text(value), minor}; at most about `most` labels.
  cvzmpi.ticks = (low, high, axis, most) => {
    if (!(high > low)) return { values: [low], text: (value) => cvzmpi.numberText(value), minor: [] };
    if (axis.words) {
      const step = Math.ceil(axis.words.length / Math.max(1, most));
      const values = [...axis.words.keys()].filter((number) => number % step === 0 && number >= low && number <= high);
      return { values, text: (value) => axis.words[value] ?? "", minor: [] };
    }
    return axis.log ? logarithmic(low, high, most) : linear(low, high, most, axis.whole);
  };
})();
