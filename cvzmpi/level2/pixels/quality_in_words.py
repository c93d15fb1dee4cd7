"""The bits of `Quality` in words, for headers, pictures and pages."""

from __future__ import annotations

from cvzmpi.level2.pixels.outliers import Quality

_IN_WORDS = {
    "SPIKES": "samples that stand out were left out",
    "GAPS": "samples without a value were left out",
    "SATURATED": "Stokes I is cut off at a ceiling or floor",
    "FRINGES": "the continuum is periodic",
    "NO_LIGHT": "constant, or too many gaps: not inverted",
    "POOR_FIT": "the fit leaves more than the noise",
}

NOTHING_NOTED = "nothing noted"
"""The words for a pixel without any of the bits."""


def name_of(bit: Quality) -> str:
    """The name of one bit, as "poor fit"."""
    return str(bit.name).lower().replace("_", " ")


def meaning_of(bit: Quality) -> str:
    """The meaning of one bit, in at most 40 characters."""
    return _IN_WORDS.get(str(bit.name), name_of(bit))


def names_in(quality: int) -> str:
    """The names of the bits that are set, as "spikes, poor fit"."""
    return ", ".join(name_of(bit) for bit in Quality if quality & bit) or NOTHING_NOTED
