"""Energies as people write them."""

from __future__ import annotations

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def energy_in_words(energy: float) -> str:
    """An energy in erg to three digits: 10³³ erg, 2.5×10³² erg."""
    mantissa, exponent = f"{energy:.2e}".split("e")
    power = "10" + str(int(exponent)).translate(_SUPERSCRIPTS)
    number = f"{float(mantissa):g}"
    return f"{power} erg" if number == "1" else f"{number}×{power} erg"
