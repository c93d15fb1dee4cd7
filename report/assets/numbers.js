"use strict";
// Numbers as text:
//   cvzmpi.numberText(value, digits): as people write them, without zeros at the end: 0.0025, 1200, 2.5×10³³;
//   cvzmpi.measuredText(value, digits, error): with all digits, and two of the error if there is one:
//     12.30, 12.30 ± 0.45, (2.50 ± 0.12)×10³³;
//   cvzmpi.powerOfTen(exponent): 10³³.

(() => {
  const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

  cvzmpi.powerOfTen = (exponent) => {
    const digits = String(Math.abs(exponent)).replace(/\d/g, (digit) => SUPERSCRIPTS[digit]);
    return `10${exponent < 0 ? "⁻" : ""}${digits}`;
  };

  // The size of a number whose zeros would have to be counted.
  function countless(size) {
    return size >= 1e6 || (size > 0 && size < 1e-3);
  }

  cvzmpi.numberText = (value, digits = 4) => {
    if (value === null || value === undefined || Number.isNaN(value)) return "";
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
    if (value === 0) return "0";
    const size = Math.abs(value);
    const sign = value < 0 ? "−" : "";
    if (countless(size)) {
      const [mantissa, exponent] = size.toExponential(digits - 1).split("e");
      const number = String(Number(mantissa));
      return `${sign}${number === "1" ? "" : `${number}×`}${cvzmpi.powerOfTen(Number(exponent))}`;
    }
    return sign + String(Number(size >= 1000 ? size.toFixed(Math.max(0, digits - 4)) : size.toPrecision(digits)));
  };

  // The power of ten of a number when it is rounded to so many digits.
  function magnitude(value, digits) {
    return Number(value.toExponential(digits - 1).split("e")[1]);
  }

  function fixed(value, digits) {
    return value.toFixed(Math.min(20, Math.max(0, digits - 1 - magnitude(value, digits))));
  }

  cvzmpi.measuredText = (value, digits, error = null) => {
    if (!Number.isFinite(value)) return "–";
    if (countless(Math.abs(value))) {
      const power = magnitude(value, digits);
      const unit = 10 ** power;
      const text = cvzmpi.measuredText(value / unit, digits, error === null ? null : error / unit);
      return `${error > 0 ? `(${text})` : text}×${cvzmpi.powerOfTen(power)}`;
    }
    return error > 0 ? `${fixed(value, digits)} ± ${fixed(error, 2)}` : fixed(value, digits);
  };
})();
