"""The spectral lines of an inversion, and the rules by which a dataset counts as observing one.

The rule has changed over the years. Each rule has a name, which is recorded with every answer; the
setting `qualify.spectral_rule` selects one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from cvzmpi.level2.metadata_store.dataset import Dataset

_NAMED = re.compile(r"(?P<species>[^(]+)\(\s*(?P<nm>\d+(?:\.\d*)?)\s*nm\s*\)\s*")
_NAMED_WITHIN = 1.0  # nm: the store names one window around 630.2 nm by 630.15 or 630.25
_OVERLAP_MARGIN = 1.0  # nm
_NAMED_MARGIN = 0.5  # nm


@dataclass(frozen=True)
class SpectralLine:
    """A line, or a close pair, that inversions use; wavelengths in nm."""

    id: str  # its name in Level 2 files (`FeI630_orig`)
    name: str  # its name for people
    species: str  # the ion, as the metadata store writes it
    store_name: str  # the line, as the metadata store writes it
    midpoint: float
    # the wavelengths of a complete observation, for lines that inversions require
    band: tuple[float, float] | None = None


FE_I_630 = SpectralLine(
    "FeI630", "Fe I 630.2 nm", "Fe I", "Fe I (630.25 nm)", 630.2, (629.7, 630.5)
)
CA_II_854 = SpectralLine(
    "CaII854", "Ca II 854.2 nm", "Ca II", "Ca II (854.21 nm)", 854.2, (853.5, 855.0)
)
NA_I_D = SpectralLine("NaID", "Na I D 589.6 nm", "Na I", "Na I D1 (589.59 nm)", 589.6)

KNOWN_LINES = {line.id: line for line in (FE_I_630, CA_II_854, NA_I_D)}
"""Lines that Level 2 files may have profiles of, by id."""


@dataclass(frozen=True)
class SpectralRule:
    """A rule that decides whether a dataset has observed a line."""

    name: str
    required: tuple[SpectralLine, ...]  # a program without one of these cannot be inverted
    desired: tuple[SpectralLine, ...]  # a program without one of these gets a warning
    covers: Callable[[Dataset, SpectralLine], bool]  # tells whether a dataset has observed a line
    limit: Callable[[SpectralLine], str]  # the condition of `covers`, in words


def _band(line: SpectralLine) -> tuple[float, float]:
    assert line.band is not None, "required lines have one"
    return line.band


def _range(dataset: Dataset) -> tuple[float, float]:
    """The wavelengths of a dataset; NaN for one that is not known, which no comparison meets."""
    shortest, longest = dataset.wavelength_min, dataset.wavelength_max
    return (
        math.nan if shortest is None else shortest,
        math.nan if longest is None else longest,
    )


def _covers_band(dataset: Dataset, line: SpectralLine) -> bool:
    shortest, longest = _range(dataset)
    low, high = _band(line)
    return shortest <= low and longest >= high


def _covers_midpoint(dataset: Dataset, line: SpectralLine) -> bool:
    shortest, longest = _range(dataset)
    return shortest <= line.midpoint <= longest


def _overlaps(dataset: Dataset, line: SpectralLine) -> bool:
    shortest, longest = _range(dataset)
    return shortest <= line.midpoint + _OVERLAP_MARGIN and line.midpoint <= longest


def _is_named(dataset: Dataset, line: SpectralLine) -> bool:
    if dataset.spectral_lines is not None:
        return any(_names(text, line) for text in dataset.spectral_lines)
    shortest, longest = _range(dataset)
    return shortest <= line.midpoint + _NAMED_MARGIN and line.midpoint - _NAMED_MARGIN <= longest


def _names(text: str, line: SpectralLine) -> bool:
    """True if `Fe I (630.25 nm)` means a line."""
    match = _NAMED.fullmatch(text)
    if match is None:
        return False
    species = " ".join(match["species"].upper().split())
    return (
        f"{species} ".startswith(f"{line.species.upper()} ")  # more may follow, as in Na I D1
        and abs(float(match["nm"]) - line.midpoint) <= _NAMED_WITHIN
    )


_BOTH = (FE_I_630, CA_II_854)


def _limit_of_band(line: SpectralLine) -> str:
    return "begins at {} nm or below, ends at {} nm or above".format(*_band(line))


def _limit_of_overlap(line: SpectralLine) -> str:
    first, last = line.midpoint + _OVERLAP_MARGIN, line.midpoint
    return f"begins at {first} nm or below, ends at {last} nm or above"


def _limit_of_midpoint(line: SpectralLine) -> str:
    return f"{line.midpoint} nm covered"


def _limit_of_named(line: SpectralLine) -> str:
    within = f"within {_NAMED_MARGIN} nm of {line.midpoint} nm"
    return f"{line.name} named, or, where no line is, {within}"


SPECTRAL_RULES = {
    rule.name: rule
    for rule in (
        SpectralRule("band", _BOTH, (), _covers_band, _limit_of_band),
        SpectralRule("midpoint", _BOTH, (), _covers_midpoint, _limit_of_midpoint),
        SpectralRule("overlap", _BOTH, (), _overlaps, _limit_of_overlap),
        SpectralRule("named", (FE_I_630,), (CA_II_854,), _is_named, _limit_of_named),
    )
}
"""The rules by name, the oldest first. A rule never changes: a new one gets a new name."""
