"""The quantities of maps: their titles, colours, and the range of values that is drawn.

All colour maps can be read with any colour vision. What goes round (the azimuth) has one that goes
round; what has a sign, or a middle, has one with two sides; bits have a legend: see `categories`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from cvzmpi.level2.pixels.quality_in_words import names_in

PERCENTILES = (1.0, 99.0)
"""The values between these are drawn in different colours, so that no outlier hides the map."""

Range = Literal["percentiles", "symmetric", "angle", "categories"]

UNCERTAINTY = "_uncertainty"
"""The end of the name of the uncertainty of a quantity."""


@dataclass(frozen=True)
class Look:
    """The look of the maps of a quantity."""

    title: str
    colours: str = "viridis"  # the name of a colour map of matplotlib
    range: Range = "percentiles"


LOOKS = {
    "continuum": Look("Continuum intensity", "gray"),
    "field_strength": Look("Field strength", "inferno"),
    "inclination": Look("Inclination to the line of sight", "PuOr_r", "angle"),
    "azimuth": Look("Azimuth", "twilight", "angle"),
    "velocity": Look("Line-of-sight velocity", "RdBu_r", "symmetric"),
    "chi_squared": Look("Chi squared / degrees of freedom", "cividis"),
    "linear_polarisation": Look("Linear polarisation, largest", "viridis"),
    "circular_polarisation": Look("Circular polarisation, largest", "viridis"),
    "doppler_width": Look("Doppler width"),
    "damping": Look("Damping"),
    "line_strength": Look("Line strength"),
    "source_constant": Look("Source function, constant part"),
    "source_gradient": Look("Source function, gradient"),
    "filling_factor": Look("Filling factor"),
    "significance": Look("Significance of the field", "viridis"),
    "longitudinal": Look("Longitudinal field (WFA)", "RdBu_r", "symmetric"),
    "transverse": Look("Transverse field (WFA)", "inferno"),
    "core_field": Look("Longitudinal field, core", "RdBu_r", "symmetric"),
    "wing_field": Look("Longitudinal field, wings", "RdBu_r", "symmetric"),
    "quality": Look("Quality", range="categories"),
    "outliers": Look("Samples left out", "cividis"),
}
"""By the name of the quantity, in the order in which they are drawn; WFA is the weak-field
approximation."""

DRAWN = (
    *("continuum", "field_strength", "inclination", "azimuth", "velocity", "chi_squared"),
    *(f"field_strength{UNCERTAINTY}", "significance", "longitudinal", "transverse"),
    *("core_field", f"core_field{UNCERTAINTY}", "wing_field"),
    *("linear_polarisation", "circular_polarisation", "quality"),
)
"""What is drawn of a map that has it, if nothing else is asked for."""


@dataclass(frozen=True)
class Quantity:
    """A map of one quantity, read when it is needed.

    Parameters
    ----------
    read : callable
        Gives the values at some scan positions: float, shape (n, n_slit); NaN where there is none.
    """

    name: str
    unit: str  # "" if it has none
    read: Callable[[slice], np.ndarray]

    @classmethod
    def of(cls, name: str, unit: str, values: np.ndarray) -> Quantity:
        """A quantity whose values are in memory."""
        return cls(name, unit, values.__getitem__)

    @cached_property
    def values(self) -> np.ndarray:
        """All values: float, shape (n_steps, n_slit)."""
        return self.read(slice(None))

    def at(self, x: int, y: int) -> float:
        """The value of a pixel."""
        return float(self.read(slice(x, x + 1))[0, y])

    @property
    def look(self) -> Look:
        """Its title, colours and range."""
        of, is_uncertainty, _ = self.name.partition(UNCERTAINTY)
        if is_uncertainty:
            title = LOOKS[of].title
            return Look(f"Uncertainty of the {title[0].lower()}{title[1:]}", "cividis")
        return LOOKS[self.name]

    @property
    def title(self) -> str:
        """The title with the unit, as "Field strength [G]"."""
        return f"{self.look.title} [{self.unit}]" if self.unit else self.look.title

    @property
    def is_categorical(self) -> bool:
        """True if the values are no measure: bits of `Quality`."""
        return self.look.range == "categories"

    def in_words(self, value: float) -> str:
        """A value that is no measure, in words; "" for one that is."""
        return names_in(int(value)) if self.is_categorical else ""

    def limits(self) -> tuple[float, float]:
        """The values that get the first and the last colour."""
        finite = self.values[np.isfinite(self.values)]
        if self.look.range == "angle":
            # An azimuth whose ambiguity is resolved goes all the way round.
            return 0.0, 360.0 if (finite > 180.5).any() else 180.0
        if len(finite) == 0:
            return 0.0, 1.0
        if self.look.range == "symmetric":
            largest = float(np.percentile(np.abs(finite), PERCENTILES[1])) or 1.0
            return -largest, largest
        lowest, highest = (float(limit) for limit in np.percentile(finite, PERCENTILES))
        if lowest == highest:
            margin = abs(lowest) / 10 or 1.0
            return lowest - margin, highest + margin
        return lowest, highest

    def limits_in_words(self) -> str:
        """Where the limits come from, with their values."""
        lowest, highest = self.limits()
        if self.is_categorical:
            return "of several bits, the gravest"
        if self.look.range == "angle":
            return f"all values, {lowest:g} to {highest:g}"
        if self.look.range == "symmetric":
            return f"±{short(highest)}: {PERCENTILES[1]:g} % of the pixels"
        first, last = PERCENTILES
        return f"{short(lowest)} to {short(highest)}: percentiles {first:g} to {last:g}"


def short(value: float) -> str:
    """A number to three digits, without an exponent where that is readable."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"


def named(quantities: Iterable[Quantity]) -> dict[str, Quantity]:
    """Quantities by name, in the order in which they are drawn; uncertainties come last."""
    order = [*LOOKS, *(f"{name}{UNCERTAINTY}" for name in LOOKS)]
    return {q.name: q for q in sorted(quantities, key=lambda q: order.index(q.name))}
